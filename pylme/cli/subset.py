"""The rows in which an expression is true, written as R's `subset` takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.errors import FormulaError
from pylme.formula.nodes import Name, walk
from pylme.formula.parse import parse_tree
from pylme.frame import read_frame
from pylme.model_matrix.evaluation.calls import Memory
from pylme.model_matrix.evaluation.evaluate import Evaluator
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["rows_where"]


def rows_where(text: str, table: Any) -> NDArray[np.bool_]:
    """Whether the expression is true, for each row; a row with a missing value is not chosen.

    Parameters
    ----------
    text : str
        As ``"Days > 2"``; comparisons, ``&``, ``|``, ``!`` and the functions of formulas.
    table : DataFrame

    Raises
    ------
    FormulaError
        If it is no such expression, names a column that is not there, or chooses no row.
    NotAvailableError
        If it calls a function that only R evaluates.
    """
    node = parse_tree(text)
    names = list(
        dict.fromkeys(
            part.name for part in walk(node) if isinstance(part, Name) and part.name in table
        )
    )
    with silenced():
        frame = read_frame(table, names or list(table.columns[:1]))
    value = Evaluator(frame.columns, frame.rows.nrow, Memory()).variable(node)
    # A test of an ordered factor's level is 0, 1 or missing.
    if not isinstance(value, np.ndarray) or not np.isin(value[~np.isnan(value)], (0, 1)).all():
        raise FormulaError(
            asked=f"Choosing the rows where {text}",
            found="it is neither true nor false",
            remedy="Write a comparison, such as \"age > 18 & arm == 'B'\".",
        )
    chosen: NDArray[np.bool_] = frame.rows.place(value).fillna(0).to_numpy() != 0
    if not chosen.any():
        raise FormulaError(
            asked=f"Choosing the rows where {text}",
            found=f"it is true in none of {len(table)} rows",
            remedy="Check the values that the column has.",
        )
    return chosen
