"""Fits by lme4 that have failed without any message from R, and the warnings for them.

lme4 returns NaN like any other estimate, and where the criterion has no minimum the search ends
wherever the optimiser gives up. One number, the size of the residuals, shows which fits must be
examined. Only these are analysed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.errors import PylmeError, ResponseError, StackLimitError
from pylme.formula import deparse
from pylme.model_matrix.build import build
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.optimize.degenerate import has_no_minimum, has_no_residual, problem_on_the_link
from pylme.results.certificate import NO_FINITE_OPTIMUM, NO_RESIDUAL, NOISELESS
from pylme.results.fitted_model import Condition
from pylme.results.linear_problem import LinearProblem
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.lme4.records import System
    from pylme.model_matrix.spec import ModelSpec
    from pylme.reference.criterion.prepare import Problem
    from pylme.results.estimates import Estimates
    from pylme.results.fitted_model import FittedModel

__all__ = ["NOT_FINITE", "breakdown", "not_finite", "require_finite_optimum"]

NOT_FINITE: Final = "lme4 returned NaN or infinite values ({bad}), so that there is no fit"


def breakdown(model: FittedModel, spec: ModelSpec) -> tuple[Condition, ...]:
    """The conditions of a fit that leaves almost no residual.

    Parameters
    ----------
    model : FittedModel
    spec : ModelSpec
        Its specification.

    Raises
    ------
    ResponseError
        If the fixed effects alone explain the response: the NumPy engine refuses it too.
    """
    said = []
    problem = _problem(model, spec)
    if spec.family is None and problem is not None and has_no_residual(problem):
        raise _unusable(spec, NO_RESIDUAL)
    if bad := not_finite(model.estimates()):
        said.append(NOT_FINITE.format(bad=", ".join(bad)))
    elif problem is not None and has_no_minimum(problem):
        said.append(NO_FINITE_OPTIMUM)
    return tuple(Condition(kind="warning", message=message) for message in said)


def not_finite(fit: Estimates | System) -> list[str]:
    """The names of the estimates that are NaN or infinite."""
    parts: dict[str, NDArray[np.float64] | float] = {
        "theta": fit.theta,
        "fixed effects": fit.beta,
        "sigma": fit.sigma,
        "criterion": fit.criterion,
    }
    return [name for name, value in parts.items() if not np.isfinite(value).all()]


def require_finite_optimum(spec: ModelSpec, error: Exception) -> None:
    """Say so if R stopped because the criterion has no minimum.

    Parameters
    ----------
    spec : ModelSpec
    error : Exception
        R's, which becomes the cause.

    Raises
    ------
    ResponseError
        If the effects explain the response without any residual.
    """
    if isinstance(error, StackLimitError):
        # R was not asked: it says nothing of the data.
        return
    try:
        problem = _problem_of(spec)
        if problem is None:
            return
        alone = has_no_residual(problem)
        unbounded = alone or has_no_minimum(problem)
    except (PylmeError, np.linalg.LinAlgError):
        # A formula that R alone can evaluate, or columns that nothing can be computed with.
        return
    if alone and spec.family is not None:
        # What R's own message is explained by.
        return
    if unbounded:
        raise _unusable(spec, NO_RESIDUAL if alone else NO_FINITE_OPTIMUM) from error


def _problem(model: FittedModel, spec: ModelSpec) -> Problem | None:
    """The model that shows whether there is any noise; None if there is no such model."""
    if spec.family is None:
        linear = model.linear_problem()
        return None if linear is None else problem_of(linear)
    try:
        return _problem_of(spec)
    except (PylmeError, np.linalg.LinAlgError):
        return None


def _problem_of(spec: ModelSpec) -> Problem | None:
    with silenced():
        design = build(spec)
    if spec.family is not None:
        return problem_on_the_link(design)
    return problem_of(LinearProblem.of(design, reml=spec.reml))


def _unusable(spec: ModelSpec, found: str) -> ResponseError:
    response = deparse(spec.formula.response)
    return ResponseError(response=response, found=found, remedy=NOISELESS)
