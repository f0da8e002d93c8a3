"""Columns in units that cause numerical problems: too large, too small, or far from zero.

Both engines sum squares of columns, and squares of these sums: numbers above 1e75 overflow, and
numbers below 1e-75 underflow. The result would not show it.
"""

from __future__ import annotations

from math import floor, log10, prod
from typing import TYPE_CHECKING, Final, NoReturn

import numpy as np

from pylme.errors import ColumnValueError
from pylme.formula import Name, deparse, parse_tree
from pylme.frame import Factor
from pylme.model_matrix.evaluation.values import CodedFactor, Matrix, Times

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from pylme.formula import FormulaTerms
    from pylme.model_matrix.evaluation.values import Value

__all__ = ["FAR", "HALF_OF_THE_DIGITS", "LARGE", "hard_columns", "require_magnitudes"]


#: The largest size of a column; the smallest is its inverse.
_LARGEST: Final = 1e75


def require_magnitudes(
    terms: FormulaTerms, values: Mapping[str, Value], weights: tuple[str, Value] | None = None
) -> None:
    """Raise for a column, or a product of columns, that is too large or too small.

    Parameters
    ----------
    terms : FormulaTerms
    values : mapping
        Variables of the model by their texts. Variables that are not included are not checked.
    weights : tuple of str and Value, optional
        The prior weights, by the name of their column.

    Raises
    ------
    ColumnValueError
    """
    sizes = {text: _size(value) for text, value in values.items()}
    for texts in _products(terms):
        if all(text in sizes for text in texts):
            with np.errstate(over="ignore"):
                size = float(prod([sizes[text] for text in texts]))
            if not _is_safe(size):
                _refuse(" * ".join(texts), size, _remedy(texts))
    if weights is not None:
        size = _size(weights[1])
        if not _is_safe(size):
            _refuse(weights[0], size, "Divide the weights by a power of ten.")


def _products(terms: FormulaTerms) -> list[tuple[str, ...]]:
    """The variables that are multiplied with each other, by their texts."""
    products: list[tuple[str, ...]] = [(terms.response,)]
    for side in (terms.fixed, *(part.terms for part in terms.random)):
        products += [(deparse(offset),) for offset in side.offsets]
        products += [term.texts for term in side.terms]
    return products


def _size(value: Value) -> float:
    match value:
        case Factor() | CodedFactor():
            return 1.0
        case Matrix(values=numbers) | Times(values=numbers):
            pass
        case numbers:
            if numbers.dtype.kind == "b":
                return 1.0
    # No copy of the column, as its absolute values would be.
    return float(max(numbers.max(), -numbers.min())) if numbers.size else 0.0


def _remedy(texts: tuple[str, ...]) -> str:
    """The column to divide; `{power}` is replaced by the power of ten."""
    if len(texts) > 1:
        return "Rescale the columns that it is a product of."
    node = parse_tree(texts[0])
    if isinstance(node, Name):
        return f"Rescale it, as in data[{node.name!r}] / {{power}}."
    return (
        "Rescale the columns that it is made of, or compute it in Python, divide it by {power}, "
        "and name the result in the formula."
    )


def _is_safe(size: float) -> bool:
    return size == 0 or 1 / _LARGEST <= size <= _LARGEST


def _refuse(text: str, size: float, remedy: str) -> NoReturn:
    # 1e-308 is the smallest power of ten by which a double can be divided without an infinity.
    power = f"1e{max(floor(log10(size)), -308):+d}" if np.isfinite(size) else "1e+308"
    raise ColumnValueError(
        column=text,
        found=f"its largest value is {size:.3g}: sums of its squares "
        + ("overflow" if size > 1 else "vanish in")
        + " double precision",
        remedy=remedy.replace("{power}", power),
    )


#: A covariate so many standard deviations from 0 has intercepts that correlate with its slopes by
#: more than .98 through the extrapolation alone.
FAR: Final = 5.0
#: In the squares of a covariate so many standard deviations from 0 its variation stands in the last
#: eight of sixteen digits: lme4's iterations break down from about there on.
HALF_OF_THE_DIGITS: Final = 1e4
#: lme4 calls a fit singular where an element of theta is below 1e-4, and a slope's is about the
#: ratio of the two standard deviations over the size of the column.
LARGE: Final = 1e3


def hard_columns(
    columns: Iterable[tuple[str, NDArray[np.float64]]],
) -> Iterator[tuple[str, float, float]]:
    """Name, mean and standard deviation of the columns that need other units, the worst first.

    Parameters
    ----------
    columns : iterable of (name, ndarray of shape (n,))
    """
    found = []
    for name, column in dict(columns).items():
        mean, sd = float(np.mean(column)), float(np.std(column))
        if sd == 0 or not np.isfinite(mean + sd):
            continue
        hardness = max(abs(mean) / sd / HALF_OF_THE_DIGITS, sd / LARGE, 1 / (sd * LARGE))
        if hardness >= 1:
            found.append((hardness, (name, mean, sd)))
    for _, fact in sorted(found, reverse=True):
        yield fact
