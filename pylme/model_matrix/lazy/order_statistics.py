"""Exact order statistics and quantiles of a column, by counts that its engine makes.

Values are counted in bins of equal width; those in the bins that have the ranks sought are counted
one by one where they are few, and otherwise in narrower bins. The quantiles are those of
`np.quantile` (type 7 of Hyndman & Fan 1996, The American Statistician 50).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["LazyColumn"]

_BINS: Final = 4096
#: Values that are collected at once.
_FEW: Final = 1_000_000
_X: Final = "x"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LazyColumn:
    """A column of numbers where it is.

    Attributes
    ----------
    rows : narwhals.LazyFrame
        With the column ``x``, without missing values.
    n : int
    low, high : float
        The least and the largest value.
    """

    rows: nw.LazyFrame[Any]
    n: int
    low: float
    high: float

    @classmethod
    def of(cls, rows: nw.LazyFrame[Any]) -> LazyColumn:
        """Count the rows, and find the least and the largest value."""
        x = nw.col(_X)
        n, low, high = rows.select(n=nw.len(), low=x.min(), high=x.max()).collect().rows()[0]
        return cls(rows=rows, n=int(n), low=float(low), high=float(high)) if n else _empty(rows)

    def range(self) -> NDArray[np.float64]:
        """The least and the largest value."""
        return np.array([self.low, self.high])

    def inner_knots(self, boundary: NDArray[np.float64], number: int) -> NDArray[np.float64]:
        """Knots at the quantiles of the values within a boundary."""
        if not number:
            return np.empty(0)
        return self._within(*boundary.tolist()).quantiles(np.linspace(0, 1, number + 2)[1:-1])

    def median(self) -> float:
        """The middle value, or the mean of the two in the middle."""
        ranks = ((self.n - 1) // 2, self.n // 2)
        found = self.statistics(ranks)
        return float(np.mean([found[rank] for rank in ranks]))

    def quantiles(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """Quantiles, linearly between two order statistics, shape as `at`."""
        places = at * (self.n - 1)
        below = np.floor(places).astype(int)
        above = np.minimum(below + 1, self.n - 1)
        found = self.statistics({*below.tolist(), *above.tolist()})
        return np.array(
            [
                np.quantile([found[i], found[j]], part)
                for i, j, part in zip(
                    below.tolist(), above.tolist(), (places - below).tolist(), strict=True
                )
            ]
        )

    def statistics(self, ranks: Iterable[int]) -> dict[int, float]:
        """The values of these ranks, which begin at 0."""
        wanted = sorted(set(ranks))
        if self.low == self.high:
            return dict.fromkeys(wanted, self.low)
        if self.n <= _FEW:
            return self._counted(wanted)
        found: dict[int, float] = {}
        for first, part in self._bins():
            own = [rank - first for rank in wanted if first <= rank < first + part.n]
            if own:
                within = part if part.low == part.high else self._within(part.low, part.high)
                found |= {first + rank: x for rank, x in within.statistics(own).items()}
        return found

    def _counted(self, ranks: list[int]) -> dict[int, float]:
        counts = self.rows.group_by(_X).agg(nw.len().alias("n")).collect()
        values = counts.get_column(_X).to_numpy().astype(np.float64)
        order = np.argsort(values)
        ends = np.cumsum(counts.get_column("n").to_numpy().astype(np.int64)[order])
        places = np.searchsorted(ends, ranks, side="right")
        return dict(zip(ranks, values[order][places].tolist(), strict=True))

    def _bins(self) -> list[tuple[int, LazyColumn]]:
        """The bins that have values, in their order, with the rank of the first of each."""
        x = nw.col(_X)
        # Half the width first: the range of finite numbers may be larger than the largest of them.
        place = (x / 2 - self.low / 2) * (_BINS / (self.high / 2 - self.low / 2))
        counts = (
            self.rows.with_columns(place.floor().alias("bin"))
            .group_by("bin")
            .agg(n=nw.len(), low=x.min(), high=x.max())
            .select("n", "low", "high")
            .collect()
            .rows()
        )
        made, first = [], 0
        for n, low, high in sorted(counts, key=lambda each: each[1]):
            made.append((first, LazyColumn(rows=self.rows, n=int(n), low=low, high=high)))
            first += int(n)
        return made

    def _within(self, low: float, high: float) -> LazyColumn:
        x = nw.col(_X)
        return LazyColumn.of(self.rows.filter((x >= low) & (x <= high)))


def _empty(rows: nw.LazyFrame[Any]) -> LazyColumn:
    return LazyColumn(rows=rows, n=0, low=np.nan, high=np.nan)
