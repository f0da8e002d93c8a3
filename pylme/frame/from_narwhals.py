"""Truth values, numbers and times of any library that narwhals knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw
import numpy as np

from pylme.frame.from_objects import from_objects
from pylme.frame.raw import Plain, plain_floats, plain_times
from pylme.frame.refusals import refusal
from pylme.frame.times import zone_name

if TYPE_CHECKING:
    from pylme.frame.raw import Raw
    from pylme.frame.refusals import Misfit

__all__ = ["from_narwhals"]

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
        If R has no place for them.
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
