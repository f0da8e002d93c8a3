"""The text of a level, as R shows it.

A double is written as R's ``as.character`` writes it: with as few digits as distinguish it among
numbers of 15 significant digits, and in scientific notation only where that is shorter than the
fixed one. Integers are always written in full, also beyond the range of R's integers, so that no
two identifiers ever fall together.
"""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pylme.errors import ColumnValueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["checked_text", "label_text", "number_text", "time_texts"]

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


def time_texts(values: NDArray[np.datetime64], tz: str | None) -> tuple[list[str], list[object]]:
    """Points in time as text in their zone, and as labels."""
    index = pd.DatetimeIndex(values)
    labels: list[object] = list(index if tz is None else index.tz_localize("UTC").tz_convert(tz))
    return [str(label) for label in labels], labels


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
            found=f"the string {broken!a} holds half of a surrogate pair, which is no character",
            remedy="Read the text anew with the right encoding, or replace the character.",
        )


def _not_unicode(levels: Sequence[str]) -> str | None:
    for level in levels:
        try:
            level.encode()
        except UnicodeEncodeError:
            return level
    return None
