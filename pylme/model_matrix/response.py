"""Requirements of a response: one number in each row, in the range of its family, or two levels.

Columns are checked before anything is evaluated, and computed responses after their evaluation.
Both give the same message, for both engines and for `explain`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.arrays import locked
from pylme.errors import FormulaError, NotAvailableError, OptionError, ResponseError
from pylme.families.family import confined, means_of
from pylme.families.link import link_of
from pylme.formula import (
    Argument,
    Binary,
    Call,
    Name,
    Number,
    String,
    deparse,
    formula_terms,
    parse_formula,
)
from pylme.frame import Factor, Numeric
from pylme.model_matrix.evaluation.calls import Memory
from pylme.model_matrix.evaluation.evaluate import Evaluator
from pylme.model_matrix.evaluation.values import CodedFactor, Matrix, Times, numbers_of
from pylme.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pylme.formula import Formula, Node
    from pylme.model_matrix.evaluation.values import Value
    from pylme.model_matrix.spec import ModelSpec

    _Test = Callable[[NDArray[np.float64]], NDArray[np.bool_]]

__all__ = [
    "outcomes",
    "require_in_range",
    "require_no_ordinal",
    "require_response",
    "require_starting_means",
    "require_two_levels",
    "response_column",
    "success_line",
    "with_response",
]


_TWO: Final = 2


def outcomes(spec: ModelSpec) -> tuple[str, str] | None:
    """The failure and the success of a binomial response; None for a numeric response.

    In R, the first level of a factor is failure, and so is FALSE.
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


_WHOLE: Final = "whole numbers of 0 or more"
_ZEROS: Final = "Leave rows of zeros out, or fit a normal response by lmer()."
#: By family: which values are allowed, what these are, whose they are, and what to do about others.
#: Negative binomial models have counts too.
_RANGES: Final[dict[str, tuple[_Test, str, str, str]]] = {
    "binomial": (
        lambda y: (y >= 0) & (y <= 1), "between 0 and 1",
        "A binomial response takes values between 0 and 1.",
        "Give counts as cbind(successes, failures).",
    ),
    "poisson": (
        lambda y: (y >= 0) & (y == np.round(y)), _WHOLE,
        "A response of counts takes values that are whole numbers of 0 or more.",
        "Give an exposure as offset(log(exposure)).",
    ),
    "Gamma": (lambda y: y > 0, "above 0", "A Gamma response takes values above 0.", _ZEROS),
    "inverse.gaussian": (
        lambda y: y > 0, "above 0", "An inverse.gaussian response takes values above 0.", _ZEROS
    ),
}  # fmt: skip


def require_response(spec: ModelSpec, value: Value) -> None:
    """Raise where the response that a formula names or computes is not valid for its model.

    Parameters
    ----------
    spec : ModelSpec
    value : Value
        The response, in the rows used.

    Raises
    ------
    ResponseError
    """
    binomial = spec.family is not None and spec.family.name == "binomial"
    if spec.family is not None:
        require_no_ordinal(spec.formula, value)
    match value:
        case Factor() | CodedFactor() if binomial:
            require_two_levels(spec.formula, value)
        case Factor() | CodedFactor():
            raise _refused(spec, "a factor")
        case Times():
            raise _refused(spec, "a date or time")
        case Matrix(values=counts) if counts.shape[1] == 2 and binomial:
            _require_counts(deparse(spec.formula.response), counts)
        case Matrix(values=numbers) if numbers.shape[1] == 1:
            require_in_range(spec, numbers[:, 0])
        case Matrix(values=numbers):
            raise _refused(spec, f"a matrix of {numbers.shape[1]} columns")
        case vector:
            require_in_range(spec, vector.astype(np.float64, copy=False))


def _refused(spec: ModelSpec, kind: str) -> ResponseError:
    if spec.family is None:
        model = "a linear mixed model has one number in each row"
    elif spec.family.name == "binomial":
        model = "a binomial model has one number in each row, or successes and failures"
    elif spec.family.name == "poisson":
        model = "a model of counts has one in each row"
    else:
        model = f"a {spec.family.name} model has one number in each row"
    return ResponseError(
        response=deparse(spec.formula.response),
        found=f"{model}, and this is {kind}",
        remedy="Name a numeric column; or fit two levels, or cbind(successes, failures), by "
        "glmer(family='binomial').",
    )


def require_in_range(spec: ModelSpec, y: NDArray[np.float64]) -> None:
    """Raise where numbers are outside the range of the model's family.

    Raises
    ------
    ResponseError
    """
    if spec.family is None or spec.family.name not in _RANGES:
        return
    test, words, rule, remedy = _RANGES[spec.family.name]
    outside = np.isfinite(y) & ~test(y)
    if not outside.any():
        return
    count = int(outside.sum())
    values = np.unique(y)
    if spec.family.name == "binomial" and len(values) == 2:
        remedy = f"Say which of its two is the success: {success_line(spec.formula, values[1])}"
    raise ResponseError(
        response=deparse(spec.formula.response),
        found=_outside(count, "value", words, y[outside][0]),
        remedy=f"{rule} {remedy}",
    )


def _outside(count: int, noun: str, words: str, example: float) -> str:
    if count == 1:
        one = words.replace("whole numbers", "a whole number")
        return f"1 {noun} is not {one}: {example:g}"
    return f"{count} {noun}s are not {words}, as {example:g}"


def _require_counts(text: str, counts: NDArray[np.float64]) -> None:
    outside = np.isfinite(counts) & ((counts < 0) | (counts != np.round(counts)))
    if outside.any():
        count = int(outside.sum())
        raise ResponseError(
            response=text,
            found=_outside(count, "count", _WHOLE, counts[outside][0]),
            remedy="cbind() takes the numbers of successes and of failures, each 0 or more: of a "
            "total write cbind(successes, total - successes).",
        )
    if not counts.sum():
        raise ResponseError(
            response=text,
            found="no row has a success or a failure",
            remedy="Check the columns, or the rows that were kept.",
        )


def require_starting_means(spec: ModelSpec) -> None:
    """Raise where the iterations cannot start from the given values.

    Raises
    ------
    OptionError
        If both are given, or a value is not finite, or its mean is outside the family's range.
    """
    if spec.family is None:
        return
    if spec.mustart is not None and spec.etastart is not None:
        raise OptionError(
            option="arguments mustart and etastart",
            value=(spec.mustart, spec.etastart),
            allowed="one of them: a mean determines its linear predictor",
        )
    least, most = means_of(spec.family)
    link = link_of(spec.family.link)
    range_of_means = f"between {least:g} and {most:g}" if np.isfinite(most) else f"above {least:g}"
    for option in ("mustart", "etastart"):
        name = getattr(spec, option)
        if name is None:
            continue
        values = numbers_of(spec.frame.columns[name], option)
        with np.errstate(all="ignore"):
            means = values if option == "mustart" else link.mean(values)
        impossible = ~((means > least) & (means < most))
        if option == "etastart" and not confined(spec.family) and link.positive:
            impossible |= values <= 0
        if impossible.any():
            raise OptionError(
                option=option,
                value=float(values[impossible][0]),
                allowed=f"one number for each row, {range_of_means}"
                if option == "mustart"
                else f"one number for each row whose mean by the {spec.family.link} link is "
                f"{range_of_means}",
            )


def response_column(response: Node) -> str:
    """The name of the response column, or the text of the expression."""
    return response.name if isinstance(response, Name) else deparse(response)


def with_response(spec: ModelSpec, y: NDArray[np.float64]) -> ModelSpec:
    """The specification with another response.

    Parameters
    ----------
    spec : ModelSpec
    y : ndarray, shape (rows,), or (rows, 2) for counts of successes and failures
        In the rows of the specification's frame. They replace an expression by a column whose name
        is the text of the expression: ``log(y) ~ x`` becomes ```log(y)` ~ x``. NaN where the
        expression has no value.
    """
    formula = spec.formula
    if y.ndim > 1:
        names = ["successes", "failures"]
        while set(names) & spec.frame.columns.keys():
            names = [f"{name}." for name in names]
        parts: list[Node] = [Name(name=name) for name in names]
        counts = Call(function="cbind", arguments=tuple(Argument(value=part) for part in parts))
        formula = parse_formula(f"{deparse(counts)} ~ {deparse(formula.right)}")
    else:
        names = [response_column(formula.response)]
        if not isinstance(formula.response, Name):
            formula = parse_formula(f"{deparse(Name(name=names[0]))} ~ {deparse(formula.right)}")
    new = {
        name: Numeric(values=locked(own))
        for name, own in zip(names, np.atleast_2d(y.T), strict=True)
    }
    frame = replace(spec.frame, columns={**spec.frame.columns, **new})
    return replace(spec, formula=formula, terms=formula_terms(formula), frame=frame)
