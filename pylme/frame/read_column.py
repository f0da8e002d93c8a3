"""One column of whatever library, by the reader for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from pylme.errors import ColumnTypeError, ColumnValueError
from pylme.frame.from_arrow import from_arrow
from pylme.frame.from_numpy import from_numpy
from pylme.frame.from_objects import from_objects
from pylme.frame.from_pandas import from_pandas
from pylme.frame.from_polars import from_polars

if TYPE_CHECKING:
    from pylme.frame.raw import Raw

__all__ = ["length", "read_column"]


def read_column(column: str, native: Any) -> Raw:
    """A column, over all rows given.

    Parameters
    ----------
    column : str
        Its name, for messages.
    native : array-like
        A Series of pandas, polars or another library that narwhals knows, an Arrow array, a NumPy
        array, a pandas Index or extension array, or a sequence.

    Raises
    ------
    ColumnTypeError
        If R has no place for its values.
    ColumnValueError
        If it holds text that is no UTF-8.
    """
    try:
        return _read(column, native)
    except UnicodeError as error:
        raise ColumnValueError(
            column=column,
            found=f"its text is no valid UTF-8 ({error})",
            remedy="Read the text anew with the encoding that it was written in.",
        ) from None


def _read(column: str, native: Any) -> Raw:
    if isinstance(native, pd.Series):
        return from_pandas(column, native)
    if isinstance(native, np.ndarray):
        return from_numpy(column, native)
    if isinstance(native, (pd.Index, pd.api.extensions.ExtensionArray)):
        return from_pandas(column, pd.Series(native))
    if isinstance(native, Sequence):
        return from_objects(column, np.fromiter(native, dtype=object, count=len(native)))
    series = nw.from_native(native, series_only=True, pass_through=True)
    if not isinstance(series, nw.Series):
        if hasattr(native, "__arrow_c_array__"):
            return from_pandas(column, pd.Series(pd.arrays.ArrowExtensionArray(native)))
        return from_numpy(column, np.asarray(native))
    if series.implementation.is_polars():
        return from_polars(column, series)
    if series.implementation.is_pyarrow():
        return from_arrow(column, series.to_native())
    return from_pandas(column, series.to_pandas())


def length(column: str, native: Any) -> int:
    """The number of rows of a column.

    Raises
    ------
    ColumnTypeError
        If it is a single value, or a collection without an order.
    """
    try:
        if not isinstance(native, (str, bytes, Mapping, AbstractSet)):
            return len(native)
    except TypeError:
        pass
    raise ColumnTypeError(
        column=column,
        dtype=type(native).__name__,
        found="it is no sequence of values",
        remedy="Pass one value for each row of the data.",
    )
