"""Columns whose squares double precision cannot hold.

Both engines sum squares of columns, and squares of these sums: numbers beyond 1e75 overflow there,
and below 1e-75 they vanish. Neither would be noticed in the result.
"""

from __future__ import annotations

from math import floor, log10, prod
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.design.values import CodedFactor, Matrix, Times
from pylme.errors import ColumnValueError
from pylme.formula import deparse, expand, model_terms
from pylme.frame import Factor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pylme.design.values import Value
    from pylme.formula import Formula, Node

__all__ = ["require_magnitudes"]

#: The largest size of a column; the smallest is its inverse.
_LARGEST: Final = 1e75


def require_magnitudes(
    formula: Formula, values: Mapping[str, Value], weights: tuple[str, Value] | None = None
) -> None:
    """Raise for a column, or a product of columns, that is too large or too small.

    Parameters
    ----------
    formula : Formula
    values : mapping
        Variables of the model by their texts. What is missing here is not looked at.
    weights : tuple of str and Value, optional
        The prior weights, by the name of their column.

    Raises
    ------
    ColumnValueError
    """
    sizes = {text: _size(value) for text, value in values.items()}
    for term in _terms(formula):
        texts = [deparse(variable) for variable in term]
        if all(text in sizes for text in texts):
            with np.errstate(over="ignore"):
                _require(" * ".join(texts), float(prod(sizes[text] for text in texts)))
    if weights is not None:
        _require(weights[0], _size(weights[1]))


def _terms(formula: Formula) -> Iterator[tuple[Node, ...]]:
    yield (formula.response,)
    for side in (formula.fixed, *(bar.effects for bar in expand(formula).bars)):
        terms = model_terms(side)
        yield from ((offset,) for offset in terms.offsets)
        yield from (term.variables for term in terms.terms)


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


def _require(text: str, size: float) -> None:
    if size == 0 or 1 / _LARGEST <= size <= _LARGEST:
        return
    power = f"{floor(log10(size)):+d}" if np.isfinite(size) else "+308"
    raise ColumnValueError(
        column=text,
        found=f"its largest value is {size:.3g}: sums of its squares "
        + ("overflow" if size > 1 else "vanish in")
        + " double precision",
        remedy=f'Rescale it, as in data["{text}"] / 1e{power}; products and transformed columns '
        "through the columns that they are made of.",
    )
