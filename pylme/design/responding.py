"""A model's specification with another response in the place of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pylme.formula import Name, deparse, parse_formula
from pylme.frame import Numeric
from pylme.frame.columns import locked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pylme.design.spec import ModelSpec
    from pylme.formula import Formula

__all__ = ["explaining_a_column", "response_column", "with_response"]


def response_column(formula: Formula) -> str:
    """The name of the column that the formula explains; of an expression, its text."""
    response = formula.response
    return response.name if isinstance(response, Name) else deparse(response)


def explaining_a_column(formula: Formula) -> Formula:
    """The formula whose left side, if it is an expression, is a column named by its text.

    So ``log(y) ~ x`` becomes ```log(y)` ~ x``: what takes the place of the logarithms is no y.
    """
    if isinstance(formula.response, Name):
        return formula
    name = deparse(Name(name=response_column(formula)))
    return parse_formula(f"{name} ~ {deparse(formula.right)}")


def with_response(spec: ModelSpec, y: NDArray[np.float64]) -> ModelSpec:
    """The specification with the response `y`.

    Parameters
    ----------
    spec : ModelSpec
    y : ndarray, shape (nrow,)
        In the rows of the frame; NaN where an expression has no value.
    """
    column = {response_column(spec.formula): Numeric(values=locked(y))}
    return replace(
        spec,
        formula=explaining_a_column(spec.formula),
        frame=replace(spec.frame, columns={**spec.frame.columns, **column}),
    )
