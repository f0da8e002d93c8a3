"""A model specification fitted in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.errors import GroupingFactorError, OptionError, ResponseError, warn
from pylme.formula import deparse
from pylme.model_matrix.build import build, rank_message
from pylme.model_matrix.nonzero import zero_effects
from pylme.reference.ending import examined, search
from pylme.reference.linear import problem_of
from pylme.reference.model import ReferenceModel
from pylme.reference.optimize.degenerate import has_no_minimum, has_no_residual
from pylme.reference.record import warnings_of
from pylme.reference.threads import one_thread
from pylme.results.certificate import NO_FINITE_OPTIMUM, NO_RESIDUAL, NOISELESS
from pylme.results.condition import Condition
from pylme.results.linear_problem import LinearProblem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.frame import NaAction
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import ModelSpec, Start
    from pylme.reference.criterion.prepare import Problem

__all__ = ["fit_with_numpy"]

#: A search cannot start beyond this: cross products would drown in rounding errors.
_FARTHEST: Final = 1e6


def fit_with_numpy(
    spec: ModelSpec, *, na_action: NaAction = "omit", offset_named: bool = True
) -> ReferenceModel:
    """Fit a linear mixed model.

    Parameters
    ----------
    spec : ModelSpec
    na_action : {"omit", "fail"}
        What to do about rows for which a transformation gives no value.
    offset_named : bool
        Whether the offset is a column of the caller's data, and not an array beside it.

    Raises
    ------
    DataError
        If no model can be fitted to the data.
    OptionError
        If the starting values are not as many as theta has elements, or out of reach.

    Warns
    -----
    MissingRowsWarning, RankDeficiencyWarning, SingularFitWarning, ConvergenceWarning,
    NotIdentifiedWarning, NoFiniteOptimumWarning
    """
    design = build(spec, na_action=na_action, offset_named=offset_named)
    _require_fewer_effects_than_rows(design)
    if not any(term.columns.any() for term in design.terms):
        raise zero_effects(spec)
    # One limit for all steps: to set it takes longer than some of them.
    with one_thread():
        problem = problem_of(LinearProblem.of(design, reml=spec.reml))
        _require_variation(spec, design, problem)
        start = _theta(spec.start, problem)
        try:
            ending = examined(search(problem, design.terms, start), problem, design)
        except np.linalg.LinAlgError as error:
            raise _led_astray(spec, problem) from error
    said = warnings_of(ending)
    for warning in said:
        warn(warning)
    messages = [str(warning) for warning in said]
    if design.dropped:
        messages.insert(0, rank_message(design.dropped, design.p + len(design.dropped)))
    conditions = tuple(Condition(kind="warning", message=message) for message in messages)
    return ReferenceModel(spec, design, problem, ending, conditions)


def _led_astray(spec: ModelSpec, problem: Problem) -> ResponseError:
    """Why the search got to variances that are too large to compute with."""
    response = deparse(spec.formula.response)
    if has_no_minimum(problem):
        return ResponseError(response=response, found=NO_FINITE_OPTIMUM, remedy=NOISELESS)
    return ResponseError(
        response=response,
        found="the search was led to variances that double precision cannot hold",
        remedy="See whether the groups explain nearly all of the response.",
    )


def _theta(start: Start | None, problem: Problem) -> NDArray[np.float64] | None:
    """Starting values of theta, checked."""
    if isinstance(start, Mapping):
        if "fixef" in start:
            raise OptionError(
                option="start",
                value="fixef",
                allowed="theta alone: fixed effects are not searched for in a linear model",
            )
        start = start.get("theta")
    if start is None:
        return None
    wanted = len(problem.layout.row)
    if len(start) != wanted:
        raise OptionError(
            option="start",
            value=start.tolist(),
            allowed=f"{wanted} number{'' if wanted == 1 else 's'}, one for each element of theta",
        )
    if np.abs(problem.conditioned(start[None])).max() > _FARTHEST:
        raise OptionError(
            option="start",
            value=start.tolist(),
            allowed="standard deviations of random effects below a million times the residual one",
        )
    return start


def _require_fewer_effects_than_rows(design: ModelMatrices) -> None:
    """Of terms whose columns could not be counted before they were computed."""
    for term in design.terms:
        if term.n_effects >= design.n:
            raise GroupingFactorError(
                term=f"({term.label})",
                found=f"{len(term.levels)} levels, each with {len(term.names)}, make "
                f"{term.n_effects} random effects for {design.n} rows: their variance cannot be "
                "told apart from that of the residuals",
                remedy="Leave effects out of the term, or use a coarser grouping factor.",
            )


def _require_variation(spec: ModelSpec, design: ModelMatrices, problem: Problem) -> None:
    """Something must be left of the response that the fixed effects do not explain."""
    if has_no_residual(problem, float(np.linalg.norm(np.sqrt(design.weights) * design.y))):
        raise ResponseError(
            response=deparse(spec.formula.response), found=NO_RESIDUAL, remedy=NOISELESS
        )
