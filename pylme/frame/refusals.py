"""What R has no place for, and what to do about it instead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, Literal

import numpy as np
import pandas as pd

from pylme.errors import ColumnTypeError

__all__ = ["Misfit", "misfit_of", "refusal"]

Misfit = Literal[
    "bytes", "complex", "duration", "interval", "nested", "period", "table", "time", "unknown"
]

#: By kind: what it is, what to do.
_TEXTS: Final[dict[Misfit, tuple[str, str]]] = {
    "bytes": ("bytes", "Decode them to strings, in pandas with .str.decode('utf-8')."),
    "complex": ("complex numbers", "Pass their real and imaginary parts as two columns."),
    "duration": ("durations", "Turn them into numbers: seconds by .dt.total_seconds()."),
    "interval": ("intervals", "Turn them into a category: .astype('category') keeps their order."),
    "nested": ("several values in a row", "Give each part a column of its own, or explode it."),
    "period": (
        "periods",
        "Turn them into timestamps by .dt.to_timestamp(), or into strings by .astype(str).",
    ),
    "table": ("more than one dimension", "Pass each of its columns under a name of its own."),
    "time": ("times of day", "Turn them into numbers, such as seconds since midnight."),
    "unknown": (
        "values that are no numbers, strings, truth values, dates or timestamps",
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
    """The error about a column of a kind that R has no place for."""
    what, remedy = _TEXTS[misfit]
    return ColumnTypeError(
        column=column, dtype=str(dtype), found=f"it holds {what}{where}", remedy=remedy
    )
