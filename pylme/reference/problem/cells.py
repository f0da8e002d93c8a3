"""Cross products between two factors: a value for each pair of levels that occurs together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pylme.reference.problem.columns import Columns
    from pylme.reference.problem.terms import Layout

__all__ = ["Cells", "cells"]

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
