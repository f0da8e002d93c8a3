"""The values of the variables of a formula: vectors, matrices with named columns, factors.

A vector is an array of doubles, truth values or strings, without dimensions where it is a single
value. In a factor a code of -1 is a missing value.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylme.arrays import locked
from pylme.errors import FormulaError, GroupingFactorError, OptionError
from pylme.formula import Name
from pylme.frame import Computed, Date, Factor, Timestamp
from pylme.frame.labels import date_texts, has_clock, moment_texts
from pylme.frame.raw import Plain
from pylme.frame.typed import factor_of_values
from pylme.model_matrix.coding import Coding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pylme.formula import Node
    from pylme.frame import Column

__all__ = [
    "CodedFactor",
    "Matrix",
    "Times",
    "Value",
    "Vector",
    "as_factor",
    "combined",
    "distinct",
    "factor_on",
    "group_factor",
    "numbers_of",
    "of_column",
    "require_levels",
    "require_names_of_combinations",
    "used_levels",
]


Vector = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matrix:
    """Several columns that form one variable of a formula.

    Attributes
    ----------
    values : ndarray of float64, shape (n, k)
    names : tuple of str or None
        The names of the columns; None where R numbers them.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CodedFactor:
    """A factor that carries its own contrasts, from ``C()``."""

    factor: Factor
    coding: Coding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Times:
    """Dates or points in time.

    Attributes
    ----------
    values : ndarray of float64
        Days or seconds since 1970-01-01.
    days : bool
        Whether they are days, R's class Date; otherwise they are R's POSIXct.
    tz : str or None
        The time zone in which points in time are shown.
    clock : bool or None
        Whether labels at midnight include the time of day, as in the data of the model; None
        where these values decide.
    """

    values: NDArray[np.float64]
    days: bool
    tz: str | None = None
    clock: bool | None = None

    @property
    def has_clock(self) -> bool:
        """Whether one of them is not at midnight."""
        return not self.days and has_clock(self._moments(), self.tz)

    def texts(self) -> list[str]:
        """R's text for each."""
        if self.days:
            return date_texts(self.values)
        return moment_texts(self._moments(), self.tz, clock=self.clock)

    def _moments(self) -> NDArray[np.datetime64]:
        # Rounded to a microsecond, which doubles hold at seconds of this century.
        return np.rint(np.atleast_1d(self.values) * 1e6).astype("M8[us]")


Value = Vector | Matrix | Factor | CodedFactor | Times


def of_column(column: Column) -> Vector | Factor | Times | Matrix:
    """A column of the data as a value."""
    match column:
        case Factor():
            return column
        case Computed(factor=Factor() as factor):
            return factor
        case Computed(values=values, names=names) if values.ndim == 2:
            return Matrix(values=values, names=names)
        case Date(values=values):
            return Times(values=values, days=True)
        case Timestamp(values=values, tz=tz):
            return Times(values=values, days=False, tz=tz)
    numbers: NDArray[Any] = column.values
    return numbers if numbers.dtype.kind == "b" else numbers.astype(np.float64, copy=False)


def columns_among(
    nodes: Mapping[str, Node], columns: Mapping[str, Column]
) -> dict[str, Vector | Factor | Times | Matrix]:
    """The values of those variables that are columns themselves."""
    return {
        text: of_column(columns[node.name])
        for text, node in nodes.items()
        if isinstance(node, Name) and node.name in columns
    }


def numbers_of(column: Column, option: str) -> NDArray[np.float64]:
    """A numeric column that an argument names.

    Raises
    ------
    OptionError
        If the column is a factor, or has dates or times.
    """
    value = of_column(column)
    if isinstance(value, Factor | Times | Matrix):
        raise OptionError(option=option, value=str(value), allowed="a column of numbers")
    return value.astype(np.float64, copy=False)


def as_factor(value: Value) -> Factor:
    """A value converted as by R's ``factor()``: numbers in their order, each with its text."""
    match value:
        case Factor():
            return value
        case CodedFactor(factor=factor):
            return factor
        case Times():
            return _factor_of_times(value)
        case Matrix(values=values):
            return as_factor(values.ravel(order="F"))
    known = ~np.isnan(value) if value.dtype.kind == "f" else np.ones(value.shape, dtype=bool)
    made = factor_of_values(Plain(array=value[known]))
    if known.all():
        return made
    codes = np.full(value.shape, -1, dtype=np.int32)
    codes[known] = made.codes
    return replace(made, codes=locked(codes))


def _factor_of_times(times: Times) -> Factor:
    """Levels in the order of time, by R's texts.

    Raises
    ------
    FormulaError
        If R gives two different times the same text, so that they would become one level.
    """
    found, codes = np.unique(times.values, return_inverse=True)
    texts = replace(times, values=found).texts()
    if len(set(texts)) < len(texts):
        twice, _ = Counter(texts).most_common(1)[0]
        raise FormulaError(
            asked="Making a factor of times",
            found=f"different times have the same text in R, {twice!r}, and would be one level",
            remedy="Make the labels in Python: data[column] = data[column].astype(str), of the "
            "column of times.",
        )
    levels = tuple(texts)
    return Factor(codes=locked(codes.astype(np.int32)), levels=levels, values=levels)


def factor_on(factor: Factor, levels: Sequence[str]) -> Factor:
    """The factor with known levels first, followed by other levels that occur."""
    if factor.levels == tuple(levels):
        return factor
    occurs = np.bincount(factor.codes[factor.codes >= 0], minlength=len(factor.levels)) > 0
    known = set(levels)
    new = [
        text
        for text, there in zip(factor.levels, occurs.tolist(), strict=True)
        if there and text not in known
    ]
    place = {text: code for code, text in enumerate([*levels, *new])}
    codes = np.array([*(place.get(text, -1) for text in factor.levels), -1], dtype=np.int32)
    return Factor(
        codes=locked(codes[factor.codes]),
        levels=tuple(place),
        values=tuple(place),
        ordered=factor.ordered,
    )


def used_levels(factor: Factor) -> Factor:
    """The factor without the levels that do not occur."""
    occurs = np.bincount(factor.codes[factor.codes >= 0], minlength=len(factor.levels)) > 0
    if occurs.all():
        return factor
    place = np.append(np.cumsum(occurs) - 1, -1).astype(np.int32)
    kept = np.flatnonzero(occurs).tolist()
    return Factor(
        codes=locked(place[factor.codes]),
        levels=tuple(factor.levels[i] for i in kept),
        values=tuple(factor.values[i] for i in kept),
        ordered=factor.ordered,
    )


def group_factor(texts: Iterable[str], values: Mapping[str, Value]) -> Factor:
    """The grouping factor, with the levels that occur; combinations are joined by colons.

    Parameters
    ----------
    texts : iterable of str
        Of the variables that are combined.
    values : mapping
        The variables of the model, by their texts.
    """
    return combined([used_levels(as_factor(values[text])) for text in texts])


def combined(parts: Sequence[Factor]) -> Factor:
    """The combinations of factors that occur; there must be no missing level."""
    factor = parts[0]
    for part in parts[1:]:
        factor = _combinations(factor, part)
    return factor


def _combinations(outer: Factor, inner: Factor) -> Factor:
    width = len(inner.levels)
    pairs = outer.codes.astype(np.int64) * width + inner.codes
    found, codes = distinct(pairs, len(outer.levels) * width)
    levels = tuple(
        f"{outer.levels[pair // width]}:{inner.levels[pair % width]}" for pair in found.tolist()
    )
    return Factor(codes=locked(codes.astype(np.int32)), levels=levels, values=levels)


def distinct(pairs: NDArray[np.int64], size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The values that occur, sorted, and the position of each value among them.

    Parameters
    ----------
    pairs : ndarray of int, shape (n,)
        From 0 to `size` - 1.
    size : int
    """
    # A table of all values is quicker than sorting as long as it is not much larger than the data.
    if size > 4 * len(pairs):
        found, codes = np.unique(pairs, return_inverse=True)
        return found.astype(np.intp), codes.astype(np.intp)
    occurs = np.bincount(pairs, minlength=size) > 0
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[pairs]


def require_levels(term: str, group: str, levels: int) -> None:
    """Raise for a grouping factor with one level."""
    if levels < 2:
        raise GroupingFactorError(
            term=term,
            found=f"the grouping factor {group} has one level",
            remedy="A variance between groups needs at least two groups; leave the term out.",
        )


def require_names_of_combinations(term: str, parts: Sequence[Factor]) -> None:
    """Raise where two combinations of levels have the same name: R would merge them.

    Parameters
    ----------
    term : str
        For the message.
    parts : sequence of Factor
        The factors that are combined.
    """
    if len(parts) < 2 or not any(":" in level for part in parts for level in part.levels):
        return
    name, times = Counter(combined([used_levels(part) for part in parts]).levels).most_common(1)[0]
    if times > 1:
        raise GroupingFactorError(
            term=term,
            found=f"{times} combinations of levels have the name {name!r}, as R joins levels by "
            "colons and takes equal names for one level",
            remedy="Replace the colons in the levels by another character, in pandas with "
            ".str.replace(':', '_').",
        )
