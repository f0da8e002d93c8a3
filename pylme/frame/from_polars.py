"""polars' Series as columns.

An Enum gives the levels in its order and no ordered factor, as its order need not mean anything. A
Categorical has no order of its user's, so its levels are sorted by code point, as strings are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw

from pylme.errors import SortedLevelsWarning, warn
from pylme.frame.from_narwhals import from_narwhals
from pylme.frame.raw import Coded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.frame.raw import Raw

__all__ = ["from_polars"]


def from_polars(column: str, series: nw.Series[Any]) -> Raw:
    """A polars Series in narwhals' wrapping.

    Raises
    ------
    ColumnTypeError
        If R has no place for its values.

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
