"""Cross products between two factors: a value for each pair of levels that occurs together.

The cells of the leading factor's basis Q₁ with all others are the entries of B = Q₁ᵀZ₂.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.reference.problem.columns import Columns
    from pylme.reference.problem.layout import Layout
    from pylme.reference.problem.remainder import Remainder

__all__ = ["Cells", "Incidence", "cells", "incidence", "pairs_within"]

#: Pairs of levels are counted in a table of all of them up to this size, and sorted beyond.
TABLE: Final = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Z_fᵀZ_g, by the pairs of levels that occur.

    Attributes
    ----------
    rows, columns : ndarray of int, shape (cells,)
        The levels of f and of g, sorted by the first and then the second.
    values : ndarray, shape (K_f, K_g, cells)
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    values: NDArray[np.float64]


def cells(
    columns: Columns,
    layout: Layout,
    f: int,
    g: int,
    *,
    rows: NDArray[np.float64] | None = None,
) -> Cells:
    """The cross products of factors f and g.

    Parameters
    ----------
    columns : Columns
    layout : Layout
    f, g : int
    rows : ndarray, shape (K_f, n), optional
        What to take in the place of the columns of f.
    """
    first, second = layout.factors[f], layout.factors[g]
    pairs = first.codes.astype(np.int64) * second.levels + second.codes
    found, place = _occurring(pairs, first.levels * second.levels)
    if rows is None:
        left, of_left = columns.z_of_base[f], columns.base
    else:
        left, of_left = np.eye(len(rows)), rows
    right = columns.z_of_base[g]
    used = [np.flatnonzero(np.any(B != 0, axis=1)).tolist() for B in (left, right)]
    tables = np.empty((len(used[0]), len(used[1]), len(found)))
    for i, a in enumerate(used[0]):
        for k, b in enumerate(used[1]):
            product = of_left[a] * columns.base[b]
            tables[i, k] = np.bincount(place, weights=product, minlength=len(found))
    half = np.tensordot(left[used[0]], tables, axes=(0, 0))
    values = np.tensordot(right[used[1]], half, axes=(0, 1)).swapaxes(0, 1)
    at, column = np.divmod(found, second.levels)
    return Cells(rows=at, columns=column, values=np.ascontiguousarray(values))


def _occurring(pairs: NDArray[np.int64], size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pairs that occur, sorted, and the position of each row's pair among them."""
    if size > TABLE:
        found, place = np.unique(pairs, return_inverse=True)
        return found.astype(np.intp), place.astype(np.intp)
    occurs = np.zeros(size, dtype=np.bool_)
    occurs[pairs] = True
    found = np.flatnonzero(occurs)
    position = np.empty(size, dtype=np.intp)
    position[found] = np.arange(len(found))
    return found, position[pairs]


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
