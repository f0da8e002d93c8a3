"""A column that was read, in the rows to use, as one of R's types.

A factor has the levels that occur, in their order, each with a distinct text.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pandas as pd

from pylme.arrays import locked
from pylme.errors import ColumnValueError
from pylme.frame.columns import Date, Factor, Integer, Logical, Numeric, Timestamp
from pylme.frame.labels import checked_text, is_days, label_text, seconds, time_texts, zone_name
from pylme.frame.raw import Coded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.frame.columns import Column
    from pylme.frame.raw import Plain, Raw

__all__ = [
    "factor_of_codes",
    "factor_of_values",
    "of_times",
    "relabelled",
    "sorted_strings",
    "typed",
]


def sorted_strings(codes: NDArray[Any], labels: Sequence[str], *, ordered: bool = False) -> Coded:
    """Codes of strings in any order (-1 where missing) as codes of strings by code point."""
    order = sorted(range(len(labels)), key=labels.__getitem__)
    place = np.full(len(labels) + 1, -1, dtype=np.int32)
    place[order] = np.arange(len(labels), dtype=np.int32)
    return Coded(codes=place[codes], labels=[labels[i] for i in order], ordered=ordered)


def factor_of_codes(column: str, raw: Coded) -> Factor:
    """A factor of the labels that occur.

    Raises
    ------
    ColumnValueError
        If two labels have the same text, or one has a text that R cannot hold.
    """
    codes, labels = _used(raw)
    levels = _label_texts(labels)
    checked_text(column, levels)
    if len(set(levels)) < len(levels):
        _require_distinct(column, levels, labels)
    return Factor(
        codes=locked(codes.astype(np.int32, copy=False)),
        levels=levels,
        values=tuple(labels),
        ordered=raw.ordered,
    )


def of_times(factor: Factor) -> bool:
    """Whether the labels were points in time."""
    return _are_times(factor.values)


def relabelled(factor: Factor, *, clock: bool) -> Factor:
    """A factor of times, with or without the time of day at midnight; other factors unchanged."""
    if not of_times(factor):
        return factor
    return replace(factor, levels=tuple(_moment_labels(factor.values, clock=clock)))


def _are_times(labels: Sequence[object]) -> bool:
    return bool(labels) and all(isinstance(label, dt.datetime) for label in labels)


def _moment_labels(labels: Sequence[object], *, clock: bool | None = None) -> list[str]:
    index = pd.DatetimeIndex(list(cast("Sequence[dt.datetime]", labels)))
    utc = index if index.tz is None else index.tz_convert("UTC").tz_localize(None)
    return time_texts(np.asarray(utc), zone_name(index.tz), clock=clock)[0]


def _label_texts(labels: Sequence[object]) -> tuple[str, ...]:
    return tuple(_moment_labels(labels) if _are_times(labels) else map(label_text, labels))


def factor_of_values(raw: Plain) -> Factor:
    """A factor of numbers, truth values or times, in their order.

    Doubles that agree in 15 significant digits are one level, as in R, which compares their texts.
    """
    codes, found = pd.factorize(raw.array)
    uniques = np.asarray(found)
    order = np.argsort(uniques, kind="stable")
    texts, labels = _texts(uniques[order], raw.tz)
    level_of = {text: level for level, text in enumerate(dict.fromkeys(texts))}
    place = np.empty(len(order), dtype=np.int32)
    place[order] = [level_of[text] for text in texts]
    first = dict(zip(reversed(texts), reversed(labels), strict=True))
    return Factor(
        codes=locked(place[codes]),
        levels=tuple(level_of),
        values=tuple(first[text] for text in level_of),
    )


def _texts(uniques: NDArray[Any], tz: str | None) -> tuple[list[str], list[object]]:
    if uniques.dtype.kind == "M" and not is_days(uniques):
        return time_texts(uniques, tz)
    labels: list[object] = uniques.tolist()
    return [label_text(label) for label in labels], labels


def _used(raw: Coded) -> tuple[NDArray[Any], Sequence[object]]:
    """Codes and labels without the labels that do not occur."""
    size = len(raw.labels)
    occurs = np.bincount(raw.codes, minlength=size) > 0
    if occurs.all():
        return raw.codes, raw.labels
    place = np.cumsum(occurs, dtype=np.int32) - np.int32(1)
    return place[raw.codes], [raw.labels[i] for i in np.flatnonzero(occurs).tolist()]


def _require_distinct(column: str, levels: Sequence[str], labels: Sequence[object]) -> None:
    seen: dict[str, object] = {}
    for level, label in zip(levels, labels, strict=True):
        if level in seen:
            raise ColumnValueError(
                column=column,
                found=f"the categories {seen[level]!r} and {label!r} are both {level!r} in R",
                remedy="Rename one of them, in pandas with .cat.rename_categories().",
            )
        seen[level] = label


#: The largest integer of R's, whose negative is the smallest: -2^31 is R's NA.
_INT_MAX: Final = 2**31 - 1
#: Up to here every integer is a double.
_EXACT: Final = 2**53


def typed(column: str, raw: Raw, *, as_factor: bool) -> Column:
    """A column of R's types.

    Parameters
    ----------
    column : str
        Its name, for messages.
    raw : Plain or Coded
        Without missing values.
    as_factor : bool
        Whether numbers, truth values and times become levels of a factor.

    Raises
    ------
    ColumnValueError
        If a value cannot be carried over exactly.
    """
    if isinstance(raw, Coded):
        return factor_of_codes(column, raw)
    if as_factor:
        return factor_of_values(raw)
    values = raw.array
    match values.dtype.kind:
        case "b":
            return Logical(values=locked(values))
        case "f":
            return Numeric(values=locked(values))
        case "M" if is_days(values):
            return Date(values=locked(values.astype(np.int64).astype(np.float64)))
        case "M":
            return Timestamp(values=locked(seconds(values)), tz=raw.tz)
        case _:
            return _integers(column, values)


def _integers(column: str, values: NDArray[Any]) -> Integer | Numeric:
    low, high = int(values.min()), int(values.max())
    if low >= -_INT_MAX and high <= _INT_MAX:
        return Integer(values=locked(values.astype(np.int32, copy=False)))
    if low >= -_EXACT and high <= _EXACT:
        return Numeric(values=locked(values.astype(np.float64)))
    first = next(value for value in values.tolist() if abs(value) > _EXACT)
    raise ColumnValueError(
        column=column,
        found=f"the integer {first} is beyond 2^53, up to which a double in R is exact",
        remedy="Turn it into strings if it names something, else into floats.",
    )
