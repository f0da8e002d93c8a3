"""A column that is constant within the groups, and so divides them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.errors import ColumnTypeError, ColumnValueError, MissingRowsWarning
from pylme.formula import Name, deparse, walk
from pylme.frame import Factor, Logical, read_frame
from pylme.model_matrix.evaluate import Evaluator
from pylme.model_matrix.groups import group_factor, group_variables
from pylme.model_matrix.memory import Memory
from pylme.model_matrix.values import as_factor, of_column
from pylme.model_matrix.variables import evaluated
from pylme.text import quoted
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from pylme.formula import Node
    from pylme.frame import Column

__all__ = ["levels_between"]


def levels_between(group: Node, by: str, data: Any) -> tuple[str, ...]:
    """The levels of a column, each of which must have groups of its own, and more than one.

    Parameters
    ----------
    group : Node
        The grouping factor.
    by : str
        The column.
    data : DataFrame, Table or mapping of arrays

    Raises
    ------
    ColumnTypeError
        If the column is neither a factor nor true or false.
    ColumnValueError
        If it varies within a group, has one level, or a level with one group.
    """
    names = [part.name for part in walk(group) if isinstance(part, Name)]
    with silenced(MissingRowsWarning):
        # The fit will say how many rows are left out, and for which columns.
        frame = read_frame(data, [*names, by], as_factor=set(names) - {by})
    factor = _factor(by, frame.columns[by])
    evaluator = Evaluator(frame.columns, frame.nrow, Memory())
    groups = group_factor(group, evaluated(group_variables(group), evaluator))
    _require_constant(by, factor, deparse(group), groups)
    of_group = np.empty(len(groups.levels), dtype=np.intp)
    of_group[groups.codes] = factor.codes
    counts = np.bincount(of_group, minlength=len(factor.levels)).tolist()
    few = [level for level, count in zip(factor.levels, counts, strict=True) if count < 2]
    if len(counts) < 2 or few:
        raise ColumnValueError(
            column=by,
            found=f"only one {deparse(group)} belongs to {quoted(few, most=3)}"
            if few
            else f"it has one level, {factor.levels[0]!r}",
            remedy="Covariances by level need two levels at least, each with two groups at least, "
            "and many more to be estimated well.",
        )
    return factor.levels


def _factor(by: str, column: Column) -> Factor:
    if isinstance(column, (Factor, Logical)):
        return as_factor(of_column(column))
    raise ColumnTypeError(
        column=by,
        dtype=type(column).__name__.lower(),
        found="levels are strings, categories or truth values",
        remedy=f'Make categories of it: data["{by}"] = data["{by}"].astype("category").',
    )


def _require_constant(by: str, factor: Factor, group: str, groups: Factor) -> None:
    """Raise where two rows of one group have different levels."""
    lowest = np.full(len(groups.levels), len(factor.levels))
    highest = np.full(len(groups.levels), -1)
    np.minimum.at(lowest, groups.codes, factor.codes)
    np.maximum.at(highest, groups.codes, factor.codes)
    mixed = np.flatnonzero(lowest < highest).tolist()
    if mixed:
        first = mixed[0]
        both = quoted([factor.levels[lowest[first]], factor.levels[highest[first]]])
        raise ColumnValueError(
            column=by,
            found=f"it varies within {len(mixed)} of {len(groups.levels)} levels of {group}: "
            f"{groups.levels[first]!r} has rows of {both}",
            remedy=f"A covariance matrix for each level needs groups that belong to one level "
            f"whole. For effects of {by} that vary within groups write ({by} | {group}).",
        )
