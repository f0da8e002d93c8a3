"""Which of the rows given are used, and values for the used ones back in their places."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.arrays import locked
from pylme.errors import RowCountError
from pylme.frame.plain_index import index_from_plain, index_to_plain
from pylme.frame.to_native import Library

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

__all__ = ["Rows"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """The rows of the data given, and which of them are used.

    Attributes
    ----------
    n_given : int
    kept : ndarray of bool, shape (n_given,), optional
        Whether a row is used; None where all are.
    index : pandas.Index, optional
        The caller's row labels; None for a plain range from 0.
    library : {"pandas", "polars", "pyarrow"}
        Of the data, in which results are given; pandas for a dict.
    """

    n_given: int
    kept: NDArray[np.bool_] | None = None
    index: pd.Index[Any] | None = None
    library: Library = "pandas"

    @property
    def nrow(self) -> int:
        """The number of rows used."""
        return self.n_given if self.kept is None else int(np.count_nonzero(self.kept))

    @property
    def given_index(self) -> pd.Index[Any]:
        """The labels of all rows given."""
        return pd.RangeIndex(self.n_given) if self.index is None else self.index

    @property
    def used_index(self) -> pd.Index[Any]:
        """The labels of the rows used."""
        return self.given_index if self.kept is None else self.given_index[self.kept]

    def place(self, values: ArrayLike, *, name: str | None = None) -> pd.Series[float]:
        """Values for the rows used, in the rows given; NaN in the others.

        Parameters
        ----------
        values : array-like, shape (nrow,)
        name : str, optional
            The name of the Series.

        Raises
        ------
        RowCountError
            If there is not one value for each row used.
        """
        used = np.asarray(values, dtype=np.float64)
        if used.shape != (self.nrow,):
            raise RowCountError(name=name or "values", length=used.size, rows=self.nrow)
        placed = np.full(self.n_given, np.nan)
        placed[slice(None) if self.kept is None else self.kept] = used
        return pd.Series(placed, index=self.given_index, name=name)

    def without(self, positions: ArrayLike) -> Rows:
        """These rows less some of those used.

        Parameters
        ----------
        positions : array-like of int
            Positions among the rows used, from 0.
        """
        lost = np.asarray(positions, dtype=np.intp)
        if lost.size == 0:
            return self
        used = np.arange(self.n_given) if self.kept is None else np.flatnonzero(self.kept)
        kept = np.ones(self.n_given, dtype=bool) if self.kept is None else self.kept.copy()
        kept[used[lost]] = False
        return replace(self, kept=locked(kept))

    def to_plain(self) -> dict[str, Any]:
        """These rows as what JSON holds."""
        left_out = [] if self.kept is None else np.flatnonzero(~self.kept).tolist()
        index = None if self.index is None else index_to_plain(self.index)
        return {
            "n_given": self.n_given,
            "left_out": left_out,
            "index": index,
            "library": self.library,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Rows:
        """The rows that `to_plain` wrote down."""
        index = None if plain["index"] is None else index_from_plain(plain["index"])
        # Files of version 0.1 do not name the library.
        library = plain.get("library", "pandas")
        rows = cls(n_given=plain["n_given"], index=index, library=library)
        return rows.without(plain["left_out"])
