"""The same model of another response."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pylme.arrays import locked
from pylme.formula import Name, deparse, parse_formula
from pylme.frame import Numeric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pylme.formula import Node
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["response_column", "with_response"]


def response_column(response: Node) -> str:
    """The name of the column that a formula explains, or the text of the expression."""
    return response.name if isinstance(response, Name) else deparse(response)


def with_response(spec: ModelSpec, y: NDArray[np.float64]) -> ModelSpec:
    """The specification with another response.

    Parameters
    ----------
    spec : ModelSpec
    y : ndarray, shape (rows,)
        In the rows of the specification's frame. In the place of an expression they are a column
        that has its text for a name: ``log(y) ~ x`` becomes ```log(y)` ~ x``. NaN where the
        expression has no value.
    """
    formula = spec.formula
    name = response_column(formula.response)
    if not isinstance(formula.response, Name):
        formula = parse_formula(f"{deparse(Name(name=name))} ~ {deparse(formula.right)}")
    columns = {**spec.frame.columns, name: Numeric(values=locked(y))}
    return replace(spec, formula=formula, frame=replace(spec.frame, columns=columns))
