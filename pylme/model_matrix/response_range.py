"""What a response may be: one number in each row, within what its family takes.

Columns are looked at before anything is evaluated, and what a formula computes once it is: both
fail with the same words, for both engines and for `explain`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.errors import ResponseError
from pylme.formula import deparse
from pylme.frame import Factor
from pylme.model_matrix.response_levels import require_no_ordinal, require_two_levels, success_line
from pylme.model_matrix.values import CodedFactor, Matrix, Times

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pylme.model_matrix.spec import ModelSpec
    from pylme.model_matrix.values import Value

    _Test = Callable[[NDArray[np.float64]], NDArray[np.bool_]]

__all__ = ["require_in_range", "require_response"]

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
    """Raise where the response that a formula names or computes is none of its model.

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
    """Raise where numbers are not among those that the family of the model takes.

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
