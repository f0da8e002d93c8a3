"""The text of a level, as R shows it.

A double is written as R's ``as.character`` writes it: with as few digits as distinguish it among
numbers of 15 significant digits, and in scientific notation only where that is shorter than the
fixed one. Integers are always written in full, also beyond the range of R's integers, so that
different identifiers always stay different.
"""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from functools import lru_cache
from numbers import Integral, Real
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from pylme.errors import ColumnValueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "checked_text",
    "date_texts",
    "has_clock",
    "is_days",
    "label_text",
    "moment_texts",
    "number_text",
    "seconds",
    "time_texts",
    "zone_name",
]


_DIGITS = 15


def number_text(value: float) -> str:
    """A double as R's ``as.character`` writes it."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Inf" if value > 0 else "-Inf")
    if value == 0:
        return "0"
    mantissa, _, power = f"{abs(value):.{_DIGITS - 1}e}".partition("e")
    exponent = int(power)
    digits = mantissa.replace(".", "").rstrip("0")
    decimals = max(0, len(digits) - 1 - exponent)
    fixed_width = max(exponent, 0) + 1 + (decimals + 1 if decimals else 0)
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    scientific = f"{digits[0]}{fraction}e{exponent:+03d}"
    sign = "-" if value < 0 else ""
    if fixed_width <= len(scientific):
        return f"{sign}{abs(value):.{decimals}f}"
    return sign + scientific


def label_text(value: object) -> str:
    """Any label as the text of a level."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (bool, np.bool_)):
        return "TRUE" if value else "FALSE"
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, (Real, Decimal)):
        return number_text(float(value))
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value.isoformat()
    return str(value)


def date_texts(days: NDArray[np.float64]) -> list[str]:
    """Days since 1970-01-01 as R's ``as.character`` writes dates."""
    return list(map(str, np.datetime_as_string(np.floor(days).astype("M8[D]"))))


def has_clock(values: NDArray[np.datetime64], tz: str | None) -> bool:
    """Whether some time is not midnight in its zone: then R writes the time of day of all."""
    local = _in_zone(values, tz)
    return bool((local != local.astype("M8[D]")).any())


def moment_texts(
    values: NDArray[np.datetime64], tz: str | None, *, clock: bool | None = None
) -> list[str]:
    """Points in time as R's ``format`` writes them in their zone, to the second.

    Parameters
    ----------
    values : ndarray of datetime64
        In UTC.
    tz : str or None
        None shows UTC.
    clock : bool, optional
        Write the time of day at midnight too; by default if another value is not at midnight.
    """
    local = _in_zone(values, tz)
    midnight = np.asarray(local == local.astype("M8[D]"))
    full = np.char.replace(np.datetime_as_string(local, unit="s"), "T", " ")
    if not midnight.all() if clock is None else clock:
        return list(map(str, full))
    return list(map(str, np.where(midnight, np.datetime_as_string(local, unit="D"), full)))


def _in_zone(values: NDArray[np.datetime64], tz: str | None) -> NDArray[np.datetime64]:
    if tz in (None, "UTC"):
        return values
    return np.asarray(pd.DatetimeIndex(values, tz="UTC").tz_convert(tz).tz_localize(None))


def time_texts(
    values: NDArray[np.datetime64], tz: str | None, *, clock: bool | None = None
) -> tuple[list[str], list[object]]:
    """Points in time as distinct texts in their zone, and as labels.

    R's texts, which end at the second and do not know the hour that a clock repeats in autumn;
    where two of them are one, all are written in full.
    """
    index = pd.DatetimeIndex(values)
    labels: list[object] = list(index if tz is None else index.tz_localize("UTC").tz_convert(tz))
    texts = moment_texts(values, tz, clock=clock)
    return (texts if len(set(texts)) == len(texts) else [str(label) for label in labels]), labels


def checked_text(column: str, levels: Sequence[str]) -> None:
    """Refuse levels that R cannot hold.

    Raises
    ------
    ColumnValueError
        If a level holds a NUL character or half of a surrogate pair.
    """
    joined = "".join(levels)
    if "\0" in joined:
        level = next(level for level in levels if "\0" in level)
        raise ColumnValueError(
            column=column,
            found=f"the string {level!r} holds a NUL character, which no string in R can",
            remedy="Remove it, in pandas with .str.replace('\\0', '').",
        )
    if not joined.isascii() and (broken := _not_unicode(levels)) is not None:
        raise ColumnValueError(
            column=column,
            found=f"the string {broken!a} holds half of a surrogate pair, which is not a character",
            remedy="Read the text again with the right encoding, or replace the character.",
        )


def _not_unicode(levels: Sequence[str]) -> str | None:
    for level in levels:
        try:
            level.encode()
        except UnicodeEncodeError:
            return level
    return None


_EPOCH = np.datetime64("1970-01-01", "D")


def is_days(values: NDArray[np.datetime64]) -> bool:
    """Whether the array counts days."""
    return np.datetime_data(values.dtype)[0] == "D"


def seconds(values: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Seconds since 1970-01-01 00:00."""
    unit, _ = np.datetime_data(values.dtype)
    since = values - _EPOCH.astype(f"M8[{unit}]")
    return np.asarray(since / np.timedelta64(1, "s"), dtype=np.float64)


@lru_cache(maxsize=64)
def zone_name(zone: dt.tzinfo | str | None) -> str | None:
    """The name of a time zone that R knows too, otherwise "UTC": the times are the same."""
    if zone is None:
        return None
    name = str(zone)
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return "UTC"
    return name
