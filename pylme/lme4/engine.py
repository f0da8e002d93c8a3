"""The engine "lme4": a model fitted by R's lme4."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.errors import (
    MissingRowsWarning,
    MissingValueError,
    NotAvailableError,
    RUnavailableError,
    warn,
)
from pylme.formula import Name, deparse
from pylme.lme4.fitting import fit_with_lme4, prepare_responses
from pylme.lme4.fitting import prepare_again as again
from pylme.lme4.isolation.choice import where_asked
from pylme.lme4.session import session, started
from pylme.model_matrix.requirements import require_fittable
from pylme.model_matrix.response import outcomes, with_response
from pylme.model_matrix.starting_values import require_possible_start
from pylme.model_matrix.transformations import require_transformable

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pylme.errors import PylmeError
    from pylme.formula import Formula
    from pylme.lme4.control import Control
    from pylme.lme4.model import RModel
    from pylme.model_matrix.spec import ModelSpec
    from pylme.results.engine import FitRequest, FittingFunction

__all__ = ["fit", "prepare", "prepare_again", "unable", "unavailable"]

_logger: Final = logging.getLogger("pylme")


#: Why lme4 could not start in this process, once it was tried.
_failure: RUnavailableError | None = None


def unavailable() -> PylmeError | None:
    """Why R or lme4 cannot start here; None where they run, started now if they were not.

    A failure is remembered: trying again at each fit would take time. `session` tries again.
    """
    global _failure  # noqa: PLW0603  (one R in a process)
    if _failure is not None and not started():
        return _failure
    try:
        session()
    except RUnavailableError as error:
        _failure = error.with_traceback(None)
        return _failure
    return None


def unable(
    function: FittingFunction,
    *,
    control: object,
    formula: Formula | None,
    beyond: str | None = None,
) -> PylmeError | None:
    """Why lme4 cannot fit such a model: what it does not have; None for all other models."""
    del control, formula
    if beyond is None:
        return None
    return NotAvailableError(
        asked=f"{function.replace('.', '_')}() with engine='lme4'",
        found=f"lme4 has no {beyond}",
        remedy='Fit it with engine="numpy".',
    )


def fit(request: FitRequest) -> RModel:
    """Fit a model.

    Raises
    ------
    DataError
        If no model can be fitted to the data.
    OptionError
        If the model cannot have the starting values.
    RError
        If R stops.
    FitTimeoutError
        If R takes longer.
    RProcessError
        If R runs in a process of its own, which ended.
    RUnavailableError
        If R, rpy2 or lme4 is missing.
    """
    spec = request.spec
    require_fittable(spec, more_effects_than_rows=_relaxed(request.control))
    require_possible_start(spec)
    known = require_transformable(spec)
    try:
        with where_asked(isolated=request.isolated):
            model = fit_with_lme4(request)
    except RUnavailableError as error:
        raise _with_other_engine(error, request) from error.__cause__
    computed = spec.formula.functions or not isinstance(spec.formula.response, Name)
    if computed:
        model = _without_lost_rows(model, spec, known)
    if (named := outcomes(spec)) is not None:
        _logger.info(
            "%s: success is %r and failure %r", deparse(spec.formula.response), *named[::-1]
        )
    return model


def prepare(request: FitRequest) -> Callable[[NDArray[np.float64]], RModel]:
    """Prepare a model for many responses: of a linear one R makes the matrices once.

    Raises
    ------
    RError
        If R stops.
    """
    if request.function != "lmer":

        def fitted(y: NDArray[np.float64]) -> RModel:
            with where_asked(isolated=request.isolated):
                return fit_with_lme4(replace(request, spec=with_response(request.spec, y)))

        return fitted
    with where_asked(isolated=request.isolated):
        return prepare_responses(request.spec, request.control).fit


def prepare_again(model: RModel) -> Callable[[NDArray[np.float64]], RModel]:
    """Prepare the model of a fit for other responses, by the control and start of the fit.

    Raises
    ------
    RError
        If R stops.
    """
    return again(model).fit


def _with_other_engine(error: RUnavailableError, request: FitRequest) -> RUnavailableError:
    """The same error with the way to fit the model without R, if there is one."""
    leaving = " and without `control`" if request.control is not None else ""
    return RUnavailableError(
        asked=error.asked,
        found=error.found,
        remedy=f'{error.remedy}\nWithout R, models are fitted by engine="numpy"{leaving}.',
    )


def _without_lost_rows(model: RModel, spec: ModelSpec, known: NDArray[np.intp]) -> RModel:
    """The fit with the rows that it used.

    R's own functions may lose further rows than those for which there was a warning before.
    """
    lost = model.lost_rows()
    if further := len(np.setdiff1d(lost, known)):
        counts = {"a transformation in the formula": further}
        if spec.na_action == "fail":
            raise MissingValueError(counts=counts)
        warn(MissingRowsWarning(dropped=further, given=spec.frame.rows.n_given, counts=counts))
    return model.with_rows(spec.frame.rows.without(lost))


def _relaxed(control: Control | None) -> bool:
    """Whether the control allows a term with more random effects than rows."""
    return control is not None and control.check_nobs_vs_nre in ("ignore", "warning", "message")
