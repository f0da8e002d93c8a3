"""Tables of data: a column put into one of any library, and a model's own columns as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from pylme.frame import Date, Factor, Timestamp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.frame import Column, Frame

__all__ = ["table_of", "with_column"]


def with_column(data: Any, name: str, values: NDArray[np.float64]) -> Any:
    """The table with a column of that name, in its place where there is one already.

    Parameters
    ----------
    data : DataFrame, Table or mapping of arrays
        Left as it is.
    name : str
    values : ndarray, shape (rows,)

    Returns
    -------
    DataFrame, Table or dict
        Of the same library.
    """
    if isinstance(data, pd.DataFrame):
        return data.assign(**{name: values})
    if isinstance(data, Mapping):
        return {**data, name: values}
    frame = nw.from_native(data, eager_only=True)
    column = nw.new_series(name, values, backend=frame.implementation)
    return frame.with_columns(column).to_native()


def table_of(frame: Frame) -> pd.DataFrame:
    """The columns of a model in the rows of the data given; missing where a row was left out."""
    kept = slice(None) if frame.kept is None else frame.kept
    index = frame.rows.given_index
    columns: dict[str, pd.Series[Any]] = {}
    for name, column in frame.columns.items():
        if isinstance(column, Factor):
            codes = np.full(frame.n_given, -1)
            codes[kept] = column.codes
            kind = pd.CategoricalDtype(list(column.values), ordered=column.ordered)
            columns[name] = pd.Series(pd.Categorical.from_codes(codes, dtype=kind), index=index)
        else:
            used = _native(column)
            columns[name] = pd.Series(used, index=index[kept]).reindex(index)
    return pd.DataFrame(columns, index=index)


def _native(column: Column) -> Any:
    """The values as pandas has them."""
    if isinstance(column, Date):
        return pd.to_datetime(column.values, unit="D")
    if isinstance(column, Timestamp):
        times = pd.to_datetime(column.values, unit="s", utc=True)
        return times.tz_localize(None) if column.tz is None else times.tz_convert(column.tz)
    return column.values  # noqa: PD011  (a column of ours)
