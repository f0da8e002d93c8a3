"""The intermediate forms of a column, between its library and the types of R.

The reader of each library converts a column to one of two forms, for all rows given. Its final type
is decided only when the rows to use are known: an integer that is too large, an infinite value or a
level in a row that is left out has no effect.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.errors import ColumnTypeError

__all__ = ["Coded", "Misfit", "Plain", "Raw", "misfit_of", "plain_floats", "plain_times", "refusal"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plain:
    """Truth values, numbers or times, one for each row.

    Attributes
    ----------
    array : ndarray of bool, any integer, float64 or datetime64, shape (n,)
        Times are UTC; days have the unit D. Values at missing positions are ignored.
    missing : ndarray of bool, shape (n,), optional
        None where nothing is missing.
    infinite : bool
        Whether there is an infinite value among the rows given.
    tz : str or None
        The time zone of times.
    """

    array: NDArray[Any]
    missing: NDArray[np.bool_] | None = None
    infinite: bool = False
    tz: str | None = None

    def take(self, kept: NDArray[np.bool_]) -> Plain:
        """The rows where `kept` is true, none of which is missing."""
        return replace(self, array=self.array[kept], missing=None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coded:
    """Positions in a list of labels.

    Attributes
    ----------
    codes : ndarray of any signed integer, shape (n,)
        Positions in `labels`, from 0; -1 where the value is missing.
    labels : sequence
        The caller's own, in the order of the levels.
    ordered : bool
    """

    codes: NDArray[Any]
    labels: Sequence[object]
    ordered: bool = False

    @property
    def missing(self) -> NDArray[np.bool_] | None:
        """Where nothing is given; None where nothing is missing."""
        if self.codes.size and self.codes.min() < 0:
            return np.asarray(self.codes < 0)
        return None

    def take(self, kept: NDArray[np.bool_]) -> Coded:
        """The rows where `kept` is true, none of which is missing."""
        return replace(self, codes=self.codes[kept])


Raw = Plain | Coded


def plain_floats(values: NDArray[Any], missing: NDArray[np.bool_] | None = None) -> Plain:
    """Floats of any width; values that are NaN or marked in `missing` are missing."""
    # One pass without a temporary array: a sum is finite only if all of its terms are.
    with np.errstate(invalid="ignore", over="ignore"):
        doubles = values.astype(np.float64, copy=False)
        total = np.add.reduce(doubles)
    if np.isfinite(total):
        return Plain(array=doubles, missing=missing)
    nan = np.isnan(doubles)
    missing = nan if missing is None else nan | missing
    return Plain(
        array=doubles,
        missing=missing if missing.any() else None,
        infinite=bool(np.isinf(doubles).any()),
    )


def plain_times(
    values: NDArray[np.datetime64], missing: NDArray[np.bool_] | None = None, tz: str | None = None
) -> Plain:
    """Times, or days where the unit is a day or longer; NaT is missing, as what `missing` says."""
    unit, _ = np.datetime_data(values.dtype)
    if unit in ("Y", "M", "W", "D"):
        values = values.astype("M8[D]", copy=False)
    nat = np.isnat(values)
    missing = nat if missing is None else nat | missing
    return Plain(array=values, missing=missing if missing.any() else None, tz=tz)


Misfit = Literal[
    "bytes", "complex", "duration", "interval", "nested", "period", "table", "time", "unknown"
]

#: By kind: what it is, what to do.
_TEXTS: Final[dict[Misfit, tuple[str, str]]] = {
    "bytes": ("bytes", "Decode them to strings, in pandas with .str.decode('utf-8')."),
    "complex": ("complex numbers", "Pass their real and imaginary parts as two columns."),
    "duration": ("durations", "Turn them into numbers: seconds by .dt.total_seconds()."),
    "interval": ("intervals", "Turn them into a category: .astype('category') keeps their order."),
    "nested": ("several values in a row", "Make a separate column of each part, or explode it."),
    "period": (
        "periods",
        "Turn them into timestamps by .dt.to_timestamp(), or into strings by .astype(str).",
    ),
    "table": ("more than one dimension", "Pass each of its columns under a separate name."),
    "time": ("times of day", "Turn them into numbers, such as seconds since midnight."),
    "unknown": (
        "values that are not numbers, strings, truth values, dates or timestamps",
        "Turn them into one of these.",
    ),
}

_TYPES: Final[tuple[tuple[type | tuple[type, ...], Misfit], ...]] = (
    ((bytes, bytearray), "bytes"),
    ((complex, np.complexfloating), "complex"),
    ((dt.timedelta, np.timedelta64), "duration"),
    (pd.Interval, "interval"),
    (pd.Period, "period"),
    (dt.time, "time"),
    ((Mapping, Sequence, AbstractSet, np.ndarray, pd.Series), "nested"),
)


def misfit_of(kind: type) -> Misfit:
    """The kind of misfit that a Python type is."""
    return next((misfit for types, misfit in _TYPES if issubclass(kind, types)), "unknown")


def refusal(column: str, dtype: object, misfit: Misfit, *, where: str = "") -> ColumnTypeError:
    """The error about a column of a kind that cannot be converted to R."""
    what, remedy = _TEXTS[misfit]
    return ColumnTypeError(
        column=column, dtype=str(dtype), found=f"it holds {what}{where}", remedy=remedy
    )
