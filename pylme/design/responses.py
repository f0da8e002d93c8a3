"""The same model of another response."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pylme.formula import Name, deparse
from pylme.frame import Numeric
from pylme.frame.columns import locked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pylme.design.spec import ModelSpec
    from pylme.formula import Node

__all__ = ["response_column", "with_response"]


def response_column(response: Node) -> str:
    """The name of the column that a formula explains, or the text of the expression."""
    return response.name if isinstance(response, Name) else deparse(response)


def with_response(spec: ModelSpec, y: NDArray[np.float64]) -> ModelSpec:
    """The specification with other values in the response's column.

    Parameters
    ----------
    spec : ModelSpec
    y : ndarray, shape (rows,)
        In the rows of the specification's frame. An expression keeps its columns as they are.
    """
    response = spec.formula.response
    if not isinstance(response, Name):
        return spec
    columns = {**spec.frame.columns, response.name: Numeric(values=locked(y))}
    return replace(spec, frame=replace(spec.frame, columns=columns))
