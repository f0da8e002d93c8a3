"""Columns whose squares double precision cannot hold.

Both engines sum squares of columns, and squares of these sums: numbers beyond 1e75 overflow there,
and below 1e-75 they vanish. Neither would be noticed in the result.
"""

from __future__ import annotations

from math import floor, log10, prod
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.errors import ColumnValueError
from pylme.formula import Name, deparse, expand, model_terms
from pylme.frame import Factor
from pylme.model_matrix.values import CodedFactor, Matrix, Times

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pylme.formula import Formula, Node
    from pylme.model_matrix.values import Value

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
                size = float(prod(sizes[text] for text in texts))
            _require(" * ".join(texts), size, _remedy(term))
    if weights is not None:
        _require(weights[0], _size(weights[1]), "Divide the weights by a power of ten.")


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


def _remedy(variables: tuple[Node, ...]) -> str:
    """What to divide: `{power}` stands for the power of ten."""
    match variables:
        case (Name(name=name),):
            return f"Rescale it, as in data[{name!r}] / {{power}}."
        case (_,):
            return (
                "Rescale the columns that it is made of, or compute it in Python, divide it by "
                "{power}, and name the result in the formula."
            )
    return "Rescale the columns that it is a product of."


def _require(text: str, size: float, remedy: str) -> None:
    if size == 0 or 1 / _LARGEST <= size <= _LARGEST:
        return
    # 1e-308 is the smallest power of ten by which a double can be divided without an infinity.
    power = f"1e{max(floor(log10(size)), -308):+d}" if np.isfinite(size) else "1e+308"
    raise ColumnValueError(
        column=text,
        found=f"its largest value is {size:.3g}: sums of its squares "
        + ("overflow" if size > 1 else "vanish in")
        + " double precision",
        remedy=remedy.replace("{power}", power),
    )
