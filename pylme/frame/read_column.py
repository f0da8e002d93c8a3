"""One column of any library, by its reader; each extension type of pandas by its own rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from pandas.api import types

from pylme.errors import ColumnTypeError, ColumnValueError
from pylme.frame.from_narwhals import arrow_strings, from_arrow, from_polars
from pylme.frame.from_numpy import from_numpy, from_objects
from pylme.frame.labels import zone_name
from pylme.frame.raw import Coded, Plain, plain_floats, plain_times, refusal

if TYPE_CHECKING:
    from pylme.frame.raw import Misfit, Raw

__all__ = ["from_pandas", "length", "read_column", "read_columns"]


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
        If its values cannot be converted to R.
    ColumnValueError
        If it holds text that is not UTF-8.
    """
    try:
        return _read(column, native)
    except UnicodeError as error:
        raise ColumnValueError(
            column=column,
            found=f"its text is not valid UTF-8 ({error})",
            remedy="Read the text again with the encoding that it was written in.",
        ) from None


def read_columns(natives: Mapping[str, Any]) -> dict[str, Raw]:
    """Columns by their names, as `read_column` reads each."""
    return {name: read_column(name, native) for name, native in natives.items()}


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
        found="it is not a sequence of values",
        remedy="Pass one value for each row of the data.",
    )


_MISFITS: Final[tuple[tuple[type, Misfit], ...]] = (
    (pd.IntervalDtype, "interval"),
    (pd.PeriodDtype, "period"),
)


def from_pandas(column: str, series: pd.Series[Any]) -> Raw:
    """A Series of any dtype that can be converted to R; no copy is made of a float64 one.

    Raises
    ------
    ColumnTypeError
        If it cannot be converted to R.
    """
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return from_numpy(column, series.to_numpy())
    if isinstance(dtype, pd.CategoricalDtype):
        categorical = cast("pd.Categorical", series.array)
        return Coded(
            codes=categorical.codes,
            labels=categorical.categories.tolist(),
            ordered=bool(categorical.ordered),
        )
    if isinstance(dtype, pd.StringDtype):
        if dtype.storage.startswith("pyarrow"):
            # A string that Arrow cannot encode is named by the reader of objects.
            with suppress(UnicodeEncodeError):
                return arrow_strings(_chunks(series))
        return from_objects(column, series.to_numpy(dtype=object))
    if isinstance(dtype, pd.DatetimeTZDtype):
        utc = series.to_numpy(dtype=f"M8[{dtype.unit}]")
        return plain_times(utc, tz=zone_name(dtype.tz))
    if isinstance(dtype, pd.ArrowDtype):
        return from_arrow(column, _chunks(series))
    if isinstance(dtype, pd.SparseDtype):
        return from_numpy(column, np.asarray(series))
    return _masked(column, series)


def _chunks(series: pd.Series[Any]) -> Any:
    """The Arrow data behind a Series, by the protocol that pyarrow asks for it with."""
    return cast("Any", series.array).__arrow_array__()


def _masked(column: str, series: pd.Series[Any]) -> Raw:
    """Pandas' nullable truth values and numbers."""
    dtype = series.dtype
    if types.is_float_dtype(dtype):
        return plain_floats(series.to_numpy(dtype=np.float64, na_value=np.nan))
    missing = series.isna().to_numpy()
    absent = missing if missing.any() else None
    if types.is_bool_dtype(dtype):
        return Plain(array=series.to_numpy(dtype=bool, na_value=False), missing=absent)
    if types.is_integer_dtype(dtype):
        plain = cast("Any", dtype).numpy_dtype
        return Plain(array=series.to_numpy(dtype=plain, na_value=0), missing=absent)
    misfit = next((misfit for kind, misfit in _MISFITS if isinstance(dtype, kind)), "unknown")
    raise refusal(column, dtype, cast("Misfit", misfit))
