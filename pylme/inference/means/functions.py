"""Linear functions of the coefficients, of which marginal means, slopes and contrasts are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pylme.inference.means.estimability import estimable, estimable_combinations

__all__ = ["LinearFunctions"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearFunctions:
    """The functions xᵀβ + offset, with what they ask of columns that were dropped.

    A function without a value, such as a mean over cells without rows, is NaN.

    Attributes
    ----------
    X : ndarray, shape (r, p)
        In the columns of the design.
    dependent : ndarray, shape (r, dropped)
        In the columns that it left out as linearly dependent.
    offset : ndarray, shape (r,)
    """

    X: NDArray[np.float64]
    dependent: NDArray[np.float64]
    offset: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.X)

    def combined(self, C: NDArray[np.float64]) -> Self:
        """The combinations whose coefficients are the rows of C, shape (s, r)."""
        parts = (self.X, self.dependent, self.offset[:, None])
        empty = np.isnan(self.offset)
        if not empty.any():
            X, dependent, offset = (C @ part for part in parts)
        else:
            X, dependent, offset = (C[:, ~empty] @ part[~empty] for part in parts)
            for part in (X, dependent, offset):
                part[(C[:, empty] != 0).any(axis=1)] = np.nan
        return type(self)(X=X, dependent=dependent, offset=offset[:, 0])

    def chosen(self, rows: NDArray[np.intp]) -> Self:
        """Some of the functions."""
        return type(self)(X=self.X[rows], dependent=self.dependent[rows], offset=self.offset[rows])

    def estimable(self, aliases: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the data determine each of them."""
        return estimable(self.X, self.dependent, aliases) & ~np.isnan(self.offset)

    def estimable_part(self, aliases: NDArray[np.float64]) -> Self:
        """Combinations that span what the data determine of them."""
        if np.isnan(self.offset).any():
            return self.chosen(np.flatnonzero(~np.isnan(self.offset))).estimable_part(aliases)
        return self.combined(estimable_combinations(self.X, self.dependent, aliases))
