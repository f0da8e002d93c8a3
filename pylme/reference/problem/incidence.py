"""The entries of B = Q₁ᵀZ₂: what the levels of the leading factor have in common with others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.reference.problem.cells import Cells
    from pylme.reference.problem.remainder import Remainder

__all__ = ["Incidence", "incidence", "pairs_within"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Incidence:
    """The entries, those of all columns of the leading factor together.

    Attributes
    ----------
    rows, at : ndarray of int, shape (entries,)
        The level of the leading factor, and the column among the q₂.
    values : ndarray, shape (K, entries)
    """

    rows: NDArray[np.intp]
    at: NDArray[np.intp]
    values: NDArray[np.float64]

    def sorted(self) -> Incidence:
        """The same by rows, and by columns within them."""
        order = np.lexsort((self.at, self.rows))
        return Incidence(rows=self.rows[order], at=self.at[order], values=self.values[:, order])

    def matrix(self, J: int, q2: int) -> sparse.csr_array:
        """B, shape (K J, q₂), of sorted entries."""
        K = len(self.values)
        lengths = np.tile(np.bincount(self.rows, minlength=J), K)
        pointers = np.concatenate([[0], np.cumsum(lengths)])
        return sparse.csr_array(
            (self.values.ravel(), np.tile(self.at, K), pointers), shape=(K * J, q2)
        )


def incidence(parts: Sequence[Cells], remainder: Remainder) -> Incidence:
    """The entries from the cells of the leading factor with each of the others."""
    return Incidence(
        rows=np.concatenate([part.rows for part in parts for _ in range(part.values.shape[1])]),
        at=np.concatenate(
            [
                start + part.columns * width + b
                for part, width, start in zip(
                    parts, remainder.widths, remainder.starts, strict=True
                )
                for b in range(width)
            ]
        ),
        values=np.concatenate(
            [part.values[:, b] for part in parts for b in range(part.values.shape[1])], axis=1
        ),
    )


def pairs_within(rows: NDArray[np.intp], J: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All pairs of entries (the second not before the first) that stand in the same level.

    Parameters
    ----------
    rows : ndarray of int
        The level of each entry, ascending.
    J : int
        How many levels there are.
    """
    ends = np.cumsum(np.bincount(rows, minlength=J))[rows]
    entry = np.arange(len(rows))
    partners = ends - entry
    first = np.repeat(entry, partners)
    offsets = np.arange(len(first)) - np.repeat(np.cumsum(partners) - partners, partners)
    return first, first + offsets
