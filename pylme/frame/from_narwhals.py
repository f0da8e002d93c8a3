"""Columns of polars, pyarrow and any other library that narwhals knows.

A polars Enum gives the levels in its order, but not an ordered factor, because its order need not
be meaningful. A Categorical has no order that the user chose, so its levels are sorted by code
point, as strings are. pyarrow is not imported: whoever has such an array has imported it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw
import numpy as np

from pylme.errors import SortedLevelsWarning, warn
from pylme.frame.from_numpy import from_objects
from pylme.frame.labels import zone_name
from pylme.frame.raw import Coded, Plain, plain_floats, plain_times, refusal
from pylme.frame.typed import sorted_strings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.frame.raw import Misfit, Raw

__all__ = ["arrow_strings", "from_arrow", "from_narwhals", "from_polars"]


_MISFITS: Final[tuple[tuple[Any, Misfit], ...]] = (
    (nw.Duration, "duration"),
    (nw.Time, "time"),
    (nw.Binary, "bytes"),
    (nw.List, "nested"),
    (nw.Array, "nested"),
    (nw.Struct, "nested"),
)


def from_narwhals(column: str, series: nw.Series[Any]) -> Raw:
    """A Series whose values are neither strings nor categories.

    Raises
    ------
    ColumnTypeError
        If they cannot be converted to R.
    """
    dtype = series.dtype
    if isinstance(dtype, nw.Datetime):
        return plain_times(series.to_numpy(), tz=zone_name(dtype.time_zone))
    if isinstance(dtype, nw.Date):
        return plain_times(series.to_numpy().astype("M8[D]"))
    # Decimals as objects too: Arrow's and polars' own casts to doubles are off in the last place.
    if isinstance(dtype, (nw.Object, nw.Int128, nw.UInt128, nw.Decimal)):
        return from_objects(column, np.fromiter(series.to_list(), dtype=object, count=len(series)))
    nulls = series.null_count()
    missing = series.is_null().to_numpy() if nulls else None
    if nulls == len(series):
        return Plain(array=np.zeros(nulls), missing=missing)
    if dtype.is_float():
        return plain_floats((series.fill_null(np.nan) if nulls else series).to_numpy())
    if isinstance(dtype, nw.Boolean):
        filled = series.fill_null(value=False) if nulls else series
        return Plain(array=filled.to_numpy(), missing=missing)
    if dtype.is_integer():
        return Plain(array=(series.fill_null(0) if nulls else series).to_numpy(), missing=missing)
    misfit: Misfit = next(
        (misfit for kind, misfit in _MISFITS if isinstance(dtype, kind)), "unknown"
    )
    raise refusal(column, dtype, misfit)


_STRINGS: Final = ("string", "large_string", "string_view")


def from_arrow(column: str, chunks: Any) -> Raw:
    """A pyarrow ChunkedArray; a dictionary gives the levels in its own order.

    Raises
    ------
    ColumnTypeError
        If its values cannot be converted to R.
    """
    name = str(chunks.type)
    if name.startswith("dictionary"):
        codes, labels = _codes(chunks)
        return Coded(codes=codes, labels=labels, ordered=bool(chunks.type.ordered))
    if name in _STRINGS:
        return arrow_strings(chunks)
    if name.startswith("decimal"):
        # As objects: Arrow's own cast to doubles is off in the last place.
        return from_objects(column, np.fromiter(chunks.to_pylist(), object, count=len(chunks)))
    if name.startswith("date64"):
        chunks = chunks.cast("date32")
    return from_narwhals(column, nw.from_native(chunks, series_only=True))


def arrow_strings(chunks: Any) -> Coded:
    """A ChunkedArray of strings, sorted by code point."""
    codes, labels = _codes(chunks.dictionary_encode())
    return sorted_strings(codes, labels)


def _codes(chunks: Any) -> tuple[NDArray[np.int32], list[Any]]:
    """Codes, -1 where missing, and labels of a dictionary-encoded ChunkedArray."""
    encoded = chunks.combine_chunks()
    indices = encoded.indices.cast("int32")
    if indices.null_count:
        indices = indices.fill_null(-1)
    codes = indices.to_numpy()
    labels = encoded.dictionary.to_pylist()
    if None in labels:
        codes = np.where(np.isin(codes, np.flatnonzero(encoded.dictionary.is_null())), -1, codes)
    return codes, labels


def from_polars(column: str, series: nw.Series[Any]) -> Raw:
    """A polars Series in narwhals' wrapping.

    Raises
    ------
    ColumnTypeError
        If its values cannot be converted to R.

    Warns
    -----
    SortedLevelsWarning
        Of a Categorical.
    """
    dtype = series.dtype
    if isinstance(dtype, nw.Enum):
        return _coded(series, dtype.categories)
    if isinstance(dtype, nw.Categorical):
        warn(SortedLevelsWarning(column=column))
        series = series.cast(nw.String)
        dtype = series.dtype
    if isinstance(dtype, nw.String):
        levels = series.drop_nulls().unique().sort().to_list()
        return _coded(series.cast(nw.Enum(levels)), levels)
    return from_narwhals(column, series)


def _coded(series: nw.Series[Any], levels: Sequence[str]) -> Coded:
    physical = nw.from_native(series.to_native().to_physical(), series_only=True)
    codes = physical.cast(nw.Int32).fill_null(-1).to_numpy()
    return Coded(codes=codes, labels=list(levels))
