"""A column between the library that it came from and the types of R.

The reader of each library brings a column into one of two forms, over all rows given. What becomes
of it is decided only when it is known which rows stay: an integer that is too large, an infinite
value or a level in a row that is left out harms nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Coded", "Plain", "Raw", "plain_floats", "plain_times"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plain:
    """Truth values, numbers or times, one for each row.

    Attributes
    ----------
    array : ndarray of bool, any integer, float64 or datetime64, shape (n,)
        Times are UTC; days have the unit D. What stands in missing places is of no account.
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
        The caller's own, in the order that the levels shall have.
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
    """Floats of any width; NaN is missing, as is what `missing` says."""
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
