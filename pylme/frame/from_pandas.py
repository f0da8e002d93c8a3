"""pandas' Series as columns, each extension type by its own way."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pandas as pd
from pandas.api import types

from pylme.frame.from_arrow import arrow_strings, from_arrow
from pylme.frame.from_numpy import from_numpy
from pylme.frame.from_objects import from_objects
from pylme.frame.raw import Coded, Plain, plain_floats, plain_times
from pylme.frame.refusals import refusal
from pylme.frame.times import zone_name

if TYPE_CHECKING:
    from pylme.frame.raw import Raw
    from pylme.frame.refusals import Misfit

__all__ = ["from_pandas"]

_MISFITS: Final[tuple[tuple[type, Misfit], ...]] = (
    (pd.IntervalDtype, "interval"),
    (pd.PeriodDtype, "period"),
)


def from_pandas(column: str, series: pd.Series[Any]) -> Raw:
    """A Series of any dtype that R has a place for; no copy is made of a float64 one.

    Raises
    ------
    ColumnTypeError
        If R has no place for it.
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
