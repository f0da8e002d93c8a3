"""Balanced grids: every combination of some values, as R's ``expand.grid`` orders them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pylme.errors import DataTypeError, EmptyDataError
from pylme.options import mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["expand_grid"]


def expand_grid(columns: Mapping[str, Any] | None = None, /, **more: Any) -> pd.DataFrame:
    """Every combination of the values given, the first column varying fastest.

    Parameters
    ----------
    columns : mapping, optional
        Names to values, for names that cannot be Python keywords, such as "sch.id".
    **more : sequence
        Further columns. A single number or text is a column of one value. A pandas categorical
        keeps its levels, also those that do not occur.

    Returns
    -------
    DataFrame
        As many rows as the product of the lengths.

    Raises
    ------
    DataTypeError
        If no column is given, or one twice.
    EmptyDataError
        If a column has no values.
    OptionError
        If `columns` is not a mapping.

    Examples
    --------
    >>> import pylme
    >>> pylme.expand_grid(school=["a", "b"], ses=[1, 2, 3])["school"].tolist()
    ['a', 'b', 'a', 'b', 'a', 'b']
    """
    if columns is not None:
        mapping("columns", columns, allowed="a mapping from names to values")
    given = dict(columns or {})
    if twice := sorted(given.keys() & more.keys()):
        raise DataTypeError(
            found=f"the column {twice[0]!r} of the grid is given twice",
            remedy="Name it once, in the mapping or as a keyword.",
        )
    series = {name: _series(name, values) for name, values in {**given, **more}.items()}
    if not series:
        raise DataTypeError(
            found="the grid has no columns",
            remedy="Name the columns and their values: expand_grid(school=range(20), ses=[1, 2]).",
        )
    lengths = [len(values) for values in series.values()]
    if 0 in lengths:
        empty = list(series)[lengths.index(0)]
        raise EmptyDataError(given=0, reason=f"the column {empty!r} of the grid has no values")
    # In Fortran's order of a cell's indices the first runs fastest.
    places = np.unravel_index(np.arange(np.prod(lengths)), lengths, order="F")
    return pd.DataFrame(
        {
            name: values.take(place).reset_index(drop=True)
            for (name, values), place in zip(series.items(), places, strict=True)
        }
    )


def _series(name: object, values: Any) -> pd.Series[Any]:
    """The values as a column; values of another shape, or without an order, are refused."""
    try:
        if isinstance(values, str) or (np.ndim(values) == 0 and not isinstance(values, Collection)):
            values = [values]
        if np.ndim(values) == 1:
            return pd.Series(values)
        found = f"the column {name!r} of the grid is of type {type(values).__name__}"
    except (TypeError, ValueError) as error:
        found = f"the column {name!r} of the grid cannot be read: {error}"
    raise DataTypeError(
        found=found,
        remedy="Pass a sequence of values in one dimension: a list, a range, a Series.",
    )
