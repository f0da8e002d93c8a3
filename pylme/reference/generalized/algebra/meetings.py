"""Pairs of levels of two grouping factors that meet in a row, and products of their blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Meeting", "applied", "between", "meeting_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Meeting:
    """The pairs of levels of two factors that meet in some row.

    Attributes
    ----------
    f, g : int
        The factors.
    entry : ndarray of int, shape (n,)
        The pair of each row.
    at, to : ndarray of int, shape (E,)
        The levels of each pair.
    """

    f: int
    g: int
    entry: NDArray[np.intp]
    at: NDArray[np.intp]
    to: NDArray[np.intp]


def meeting_of(codes: list[NDArray[np.intp]], levels: list[int], f: int, g: int) -> Meeting:
    """Which levels of two factors meet, in the order of the first one's."""
    pairs, entry = np.unique(codes[f] * levels[g] + codes[g], return_inverse=True)
    return Meeting(f=f, g=g, entry=entry.ravel(), at=pairs // levels[g], to=pairs % levels[g])


def between(
    left: NDArray[np.float64], blocks: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The products leftᵀ B_e right of blocks of shape (K, L, E)."""
    if blocks.shape[:2] == (1, 1):
        return np.asarray((left[0, 0] * right[0, 0]) * blocks)
    half = np.einsum("cde,db->cbe", blocks, right)
    return np.asarray(np.einsum("ca,cbe->abe", left, half))


def applied(D: NDArray[np.float64], B: NDArray[np.float64]) -> NDArray[np.float64]:
    """The products D_e B_e, shape (K, L, E)."""
    return np.asarray(D * B if len(D) == 1 else np.einsum("ace,cbe->abe", D, B))
