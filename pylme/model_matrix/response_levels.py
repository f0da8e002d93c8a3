"""Responses with levels: which one counts as success, and how many there may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pylme.errors import FormulaError, NotAvailableError, ResponseError
from pylme.formula import Argument, Binary, Call, Number, String, deparse
from pylme.frame import Factor
from pylme.model_matrix.evaluate import Evaluator
from pylme.model_matrix.memory import Memory
from pylme.model_matrix.values import CodedFactor
from pylme.text import quoted

if TYPE_CHECKING:
    from pylme.formula import Formula
    from pylme.model_matrix.spec import ModelSpec
    from pylme.model_matrix.values import Value

__all__ = ["outcomes", "require_no_ordinal", "require_two_levels", "success_line"]

_TWO: Final = 2


def outcomes(spec: ModelSpec) -> tuple[str, str] | None:
    """What counts as failure and as success in a binomial model; None where numbers say it.

    R takes the first level of a factor for failure, and FALSE.
    """
    if spec.family is None or spec.family.name != "binomial":
        return None
    frame = spec.frame
    try:
        value = Evaluator(frame.columns, frame.nrow, Memory()).variable(spec.formula.response)
    except (FormulaError, NotAvailableError):
        return None
    factor = _factor(value)
    if factor is not None:
        return (factor.levels[0], factor.levels[1]) if len(factor.levels) == _TWO else None
    return ("FALSE", "TRUE") if getattr(getattr(value, "dtype", None), "kind", "") == "b" else None


def _factor(value: Value) -> Factor | None:
    match value:
        case Factor():
            return value
        case CodedFactor(factor=factor):
            return factor
    return None


def require_two_levels(formula: Formula, value: Value) -> None:
    """Raise for a binomial response with three levels or more.

    Raises
    ------
    ResponseError
    """
    factor = _factor(value)
    if factor is None or len(factor.levels) <= _TWO:
        return
    first, *rest = factor.levels
    raise ResponseError(
        response=deparse(formula.response),
        found=f"it has {len(factor.levels)} levels, {quoted(factor.levels)}, and a binomial "
        f"response has two: R would count all but {first!r} as success",
        remedy=f"Say which level is the success: {success_line(formula, rest[-1])}",
    )


def success_line(formula: Formula, level: str | float) -> str:
    """The formula with one level or value of the response for success, all others for failure."""
    one = String(value=level) if isinstance(level, str) else Number(value=level)
    test = Binary(operator="==", left=formula.response, right=one)
    response = Call(function="I", arguments=(Argument(value=test),))
    return deparse(Binary(operator="~", left=response, right=formula.right))


def require_no_ordinal(formula: Formula, value: Value) -> None:
    """Raise for an ordered factor of three levels or more as the response.

    Raises
    ------
    ResponseError
    """
    factor = _factor(value)
    if factor is None or not factor.ordered or len(factor.levels) <= _TWO:
        return
    raise ResponseError(
        response=deparse(formula.response),
        found=f"it is ordinal: an ordered factor, {' < '.join(factor.levels[:6])}"
        + (" < …" if len(factor.levels) > 6 else ""),
        remedy="lme4 fits no ordinal models; clmm() of the R package ordinal does. Or fit one "
        f"threshold by glmer(family='binomial'): {success_line(formula, factor.levels[-1])}",
    )
