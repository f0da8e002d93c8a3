"""Columns of R's types: a few kinds of typed, read-only NumPy arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylme.arrays import locked

__all__ = [
    "Column",
    "Computed",
    "Date",
    "Factor",
    "Integer",
    "Logical",
    "Numeric",
    "Timestamp",
    "owned",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numeric:
    """Doubles.

    Attributes
    ----------
    values : ndarray of float64, shape (n,)
        Finite.
    """

    values: NDArray[np.float64]

    def __str__(self) -> str:
        return f"numeric, {_span(self.values, '{:g}')}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Integer:
    """Integers that R's integer holds: from -(2^31 - 1) to 2^31 - 1.

    Attributes
    ----------
    values : ndarray of int32, shape (n,)
    """

    values: NDArray[np.int32]

    def __str__(self) -> str:
        return f"integer, {_span(self.values, '{}')}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Logical:
    """Truth values.

    Attributes
    ----------
    values : ndarray of bool, shape (n,)
    """

    values: NDArray[np.bool_]

    def __str__(self) -> str:
        return f"logical, {np.count_nonzero(self.values)} of {len(self.values)} true"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Factor:
    """A categorical column, each of whose levels occurs.

    Attributes
    ----------
    codes : ndarray of int32, shape (n,)
        Positions in `levels`, from 0.
    levels : tuple of str
        The levels as R shows them.
    values : tuple
        The caller's own labels, in the order of `levels`.
    ordered : bool
        Whether the order of the levels is meaningful.
    """

    codes: NDArray[np.int32]
    levels: tuple[str, ...]
    values: tuple[object, ...]
    ordered: bool = False

    def __str__(self) -> str:
        kind = "ordered factor" if self.ordered else "factor"
        count = f"{len(self.levels)} level{'' if len(self.levels) == 1 else 's'}"
        shown = (" < " if self.ordered else ", ").join(self.levels[:5])
        return f"{kind}, {count}: {shown}{' …' if len(self.levels) > 5 else ''}"

    def __repr__(self) -> str:
        return f"<{self} in {len(self.codes)} rows>"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Date:
    """Days.

    Attributes
    ----------
    values : ndarray of float64, shape (n,)
        Days since 1970-01-01.
    """

    values: NDArray[np.float64]

    def __str__(self) -> str:
        return f"date, {_span(self.values.astype('M8[D]'), '{}')}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timestamp:
    """Points in time.

    Attributes
    ----------
    values : ndarray of float64, shape (n,)
        Seconds since 1970-01-01 00:00 UTC; of times without a zone, as if they were UTC.
    tz : str or None
        The time zone's name, in which the caller's data show them.
    """

    values: NDArray[np.float64]
    tz: str | None = None

    def __str__(self) -> str:
        zone = f" (shown in UTC, kept in {self.tz})" if self.tz not in (None, "UTC") else ""
        return f"timestamp, {_span(self.values.astype('M8[s]'), '{}')}{zone}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Computed:
    """An expression of a formula that R has evaluated, and whose variables are not known.

    The model frame of a fit that was read holds ``log(x)``, and not ``x``.

    Attributes
    ----------
    values : ndarray, shape (n,) or (n, k)
        The codes of a factor.
    names : tuple of str or None
        The names of several columns; None where R numbers them.
    factor : Factor or None
        The expression as a factor, if it is one.
    """

    values: NDArray[Any]
    names: tuple[str, ...] | None = None
    factor: Factor | None = None

    def __str__(self) -> str:
        return "computed by R"


Column = Numeric | Integer | Logical | Factor | Date | Timestamp | Computed


def owned(column: Column) -> Column:
    """The same with its own copy of the array, which does not follow the caller's data."""
    if isinstance(column, Factor):
        return replace(column, codes=locked(column.codes.copy()))
    values: Any = locked(column.values.copy())
    return replace(column, values=values)


def _span(values: NDArray[Any], form: str) -> str:
    return f"{form.format(values.min())} to {form.format(values.max())}"
