"""What the functions that fit models share: the engines, and what is said of a fit."""

from __future__ import annotations

import logging
from functools import wraps
from typing import TYPE_CHECKING, Final, Literal, ParamSpec

import numpy as np

from pylme.deadline import time_limit
from pylme.errors import (
    MissingRowsWarning,
    MissingValueError,
    NotAvailableError,
    OptionError,
    OutOfMemoryError,
    PylmeError,
    RError,
    warn,
)
from pylme.fit import Fit
from pylme.formula import Name, deparse
from pylme.lme4.conditions import raise_as_warnings
from pylme.model_matrix.requirements import require_fittable
from pylme.model_matrix.response_levels import outcomes
from pylme.model_matrix.transformations import require_transformable
from pylme.options import choice

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from pylme.frame import NaAction
    from pylme.lme4.call import RFunction
    from pylme.lme4.control import Control
    from pylme.lme4.model import RModel
    from pylme.model_matrix.spec import ModelSpec


__all__ = [
    "Engine",
    "checked",
    "fitted_by_lme4",
    "fitted_by_numpy",
    "require_kind",
    "require_lme4",
    "within_memory",
]

P = ParamSpec("P")

Engine = Literal["lme4", "numpy"]
_logger: Final = logging.getLogger("pylme")


def within_memory(fitting: Callable[P, Fit]) -> Callable[P, Fit]:
    """Say what was going on where the memory is used up."""

    @wraps(fitting)
    def wrapped(*arguments: P.args, **options: P.kwargs) -> Fit:
        try:
            return fitting(*arguments, **options)
        except MemoryError as error:
            if isinstance(error, PylmeError):
                raise
            raise OutOfMemoryError(asked=f"Fitting a model by {fitting.__name__}()") from error

    return wrapped


def checked(fitted: Callable[[], Fit]) -> Fit:
    """A fit with the verdict on it in place of the engine's warnings."""
    from pylme.crosscheck.telling import held_back, tell

    with held_back() as held:
        fit = fitted()
        check = fit.cross_check()
    tell(held, check)
    return fit


def require_kind(option: str, value: object, kind: type) -> None:
    if value is not None and not isinstance(value, kind):
        raise OptionError(option=option, value=value, allowed=f"a pylme.{kind.__name__}(...)")


def fitted_by_lme4(
    spec: ModelSpec,
    function: RFunction,
    control: Control | None,
    *,
    na_action: NaAction,
    timeout: float | None,
    n_agq: int | None = None,
) -> Fit:
    require_fittable(spec, more_effects_than_rows=_relaxed(control))
    known = require_transformable(spec, na_action=na_action)
    model = _by_lme4(spec, function, control, n_agq, timeout)
    raise_as_warnings(model.conditions)
    rows = spec.frame.rows
    computed = spec.formula.functions or not isinstance(spec.formula.response, Name)
    lost = model.lost_rows() if computed else np.empty(0, dtype=np.intp)
    # What R's own functions lost; the rest was warned of before.
    if further := len(np.setdiff1d(lost, known)):
        counts = {"a transformation in the formula": further}
        if na_action == "fail":
            raise MissingValueError(counts=counts)
        warn(MissingRowsWarning(dropped=further, given=rows.n_given, counts=counts))
    if (named := outcomes(spec)) is not None:
        _logger.info(
            "%s: success is %r and failure %r", deparse(spec.formula.response), *named[::-1]
        )
    return Fit(model, rows.without(lost))


def _by_lme4(
    spec: ModelSpec,
    function: RFunction,
    control: Control | None,
    n_agq: int | None,
    timeout: float | None,
) -> RModel:
    """lme4's fit; that it has broken down, where R does not say so, among what is said of it."""
    from pylme.lme4.fitting import fit_with_lme4

    try:
        model = fit_with_lme4(
            spec, function=function, control=control, n_agq=n_agq, timeout=timeout
        )
    except RError as error:
        from pylme.crosscheck.breakdown import require_finite_optimum

        require_finite_optimum(spec, error)
        raise
    if not model.leaves_little():
        return model
    from pylme.crosscheck.breakdown import with_breakdown

    return with_breakdown(model)


def fitted_by_numpy(
    spec: ModelSpec,
    *,
    na_action: NaAction,
    offset: str | ArrayLike | None,
    timeout: float | None,
) -> Fit:
    from pylme.reference.engine import fit_with_numpy

    require_fittable(spec)
    named = offset is None or isinstance(offset, str)
    with time_limit(timeout):
        model = fit_with_numpy(spec, na_action=na_action, offset_named=named)
    return Fit(model, model.design.rows)


def require_lme4(engine: Engine, function: str) -> None:
    if choice("engine", engine, Engine) != "lme4":
        raise NotAvailableError(
            asked=f"{function}() with engine={engine!r}",
            found="the numpy engine fits linear mixed models only",
            remedy='Leave the engine at "lme4", or fit a linear model with lmer().',
        )


def _relaxed(control: Control | None) -> bool:
    """Whether the control lets a term have more random effects than there are rows."""
    return control is not None and control.check_nobs_vs_nre in ("ignore", "warning", "message")
