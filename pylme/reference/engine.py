"""The engine "numpy": a mixed model fitted in NumPy and SciPy, linear or generalized."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.deadline import time_limit
from pylme.errors import GroupingFactorError, NotAvailableError, OptionError, ResponseError
from pylme.formula import FUNCTIONS, deparse
from pylme.model_matrix.build import build, rank_message, zero_effects
from pylme.model_matrix.requirements import require_fittable
from pylme.model_matrix.response import with_response
from pylme.model_matrix.starting_values import start_of_theta
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.ending import examined, search, warnings_of
from pylme.reference.generalized.engine import fit_generalized
from pylme.reference.lazy_model import SummedModel
from pylme.reference.model import ReferenceModel
from pylme.reference.optimize.degenerate import has_no_minimum, has_no_residual
from pylme.reference.threads import one_thread
from pylme.results.certificate import NO_FINITE_OPTIMUM, NO_RESIDUAL, NOISELESS
from pylme.results.engine import FitRequest
from pylme.results.fitted_model import Condition
from pylme.results.linear_problem import LinearProblem

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pylme.errors import PylmeError
    from pylme.formula import Formula
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import ModelSpec
    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.generalized.model import GeneralizedModel
    from pylme.results.engine import FittingFunction

__all__ = ["fit", "fit_with_numpy", "prepare", "prepare_again", "unable", "unavailable"]

#: Functions that formulas may call without `allow_function`, which lets in what R alone has.
_KNOWN: Final = frozenset(chain.from_iterable(FUNCTIONS.values()))
#: A search cannot start beyond this: cross products would drown in rounding errors.
_FARTHEST: Final = 1e6


def unavailable() -> None:
    """None: NumPy and SciPy are always there."""


def unable(
    function: FittingFunction,
    *,
    control: object,
    formula: Formula | None,
    beyond: str | None = None,
) -> PylmeError | None:
    """Why the NumPy engine cannot fit such a model; None where it can."""
    del function, beyond
    if control is not None:
        return OptionError(
            option="control",
            value=f"{type(control).__name__}(...)",
            allowed='none with engine="numpy": a control is for lme4 and its optimisers',
        )
    if formula is not None and (added := [f for f in formula.functions if f not in _KNOWN]):
        return NotAvailableError(
            asked=f"Fitting {formula} with engine='numpy'",
            found=f"R alone can evaluate the function {added[0]}()",
            remedy="Compute the column in Python and name it in the formula.",
        )
    return None


def fit(request: FitRequest) -> ReferenceModel | GeneralizedModel:
    """Fit a mixed model.

    Raises
    ------
    DataError
        If no model can be fitted to the data.
    OptionError
        If the starting values are not as many as theta has elements, or out of reach.
    FitTimeoutError
        If it takes longer than the request allows.
    """
    if request.function != "lmer":
        return fit_generalized(request)
    if request.spec.summed is None:
        require_fittable(request.spec)
    with time_limit(request.timeout):
        return fit_with_numpy(request.spec)


def prepare(
    request: FitRequest,
) -> Callable[[NDArray[np.float64]], ReferenceModel | GeneralizedModel]:
    """Prepare a mixed model for many responses, each fitted by itself.

    Many responses of a linear model at once are fitted by `pylme.reference.fit_many`.
    """
    spec = request.spec
    if request.function != "lmer":
        return lambda y: fit_generalized(replace(request, spec=with_response(spec, y)))

    def fitted(y: NDArray[np.float64]) -> ReferenceModel:
        return fit_with_numpy(with_response(spec, y))

    return fitted


def prepare_again(
    model: ReferenceModel,
) -> Callable[[NDArray[np.float64]], ReferenceModel | GeneralizedModel]:
    """Prepare the model of a fit for other responses, by the start of the fit."""
    return prepare(FitRequest(spec=model.spec))


def fit_with_numpy(spec: ModelSpec) -> ReferenceModel:
    """Fit a linear mixed model.

    Raises
    ------
    DataError
        If no model can be fitted to the data.
    OptionError
        If the starting values are not as many as theta has elements, or out of reach.

    Warns
    -----
    MissingRowsWarning, RankDeficiencyWarning
        While the matrices are made. What the search ended with is in the model's conditions.
    """
    summed = spec.summed
    design = build(spec) if summed is None else summed.design
    start = start_of_theta(spec, design)
    _require_fewer_effects_than_rows(design)
    if not any(term.columns.any() for term in design.terms):
        raise zero_effects(spec)
    # One limit for all steps: to set it takes longer than some of them.
    with one_thread():
        problem = problem_of(LinearProblem.of(design, reml=spec.reml))
        _require_variation(spec, design, problem)
        _require_reach(start, problem)
        try:
            ending = examined(search(problem, design.terms, start), problem, design)
        except np.linalg.LinAlgError as error:
            raise _led_astray(spec, problem) from error
    messages = [str(warning) for warning in warnings_of(ending)]
    if design.dropped:
        messages.insert(0, rank_message(design.dropped, design.p + len(design.dropped)))
    conditions = tuple(Condition(kind="warning", message=message) for message in messages)
    kind = ReferenceModel if summed is None else SummedModel
    return kind(spec, design, problem, ending, conditions)


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


def _require_reach(start: NDArray[np.float64] | None, problem: Problem) -> None:
    """A search cannot start too far away."""
    if start is not None and np.abs(problem.conditioned(start[None])).max() > _FARTHEST:
        raise OptionError(
            option="start",
            value=start.tolist(),
            allowed="standard deviations of random effects below a million times the residual one",
        )


def _require_fewer_effects_than_rows(design: ModelMatrices) -> None:
    """Of terms whose columns could not be counted before they were computed."""
    for term in design.terms:
        if term.n_effects >= design.nobs and term.structure.kind == "us":
            raise GroupingFactorError(
                term=term.written,
                found=f"{len(term.levels)} levels, each with {len(term.names)}, make "
                f"{term.n_effects} random effects for {design.nobs} rows: their variance cannot be "
                "distinguished from that of the residuals",
                remedy="Leave effects out of the term, or use a coarser grouping factor.",
            )


def _require_variation(spec: ModelSpec, design: ModelMatrices, problem: Problem) -> None:
    """Something must be left of the response that the fixed effects do not explain."""
    length = float(np.linalg.norm(np.sqrt(design.weights) * design.y))
    # A projection shows at once whether so little is left that rows must be examined.
    if problem.explained(length)[2][0] and has_no_residual(problem, length):
        raise ResponseError(
            response=deparse(spec.formula.response), found=NO_RESIDUAL, remedy=NOISELESS
        )
