"""Levels that are alike: the same Z_jᵀZ_j and Z_jᵀX_j.

They share a factorisation, and of their responses only the sum and the second moments enter the
criterion. In a balanced design all levels of a kind fall together.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["merged", "patterns"]

#: Tables are the same if they differ by less than this part of the largest: the order of the rows
#: leaves rounding errors in the sums.
SAME: Final = 1e-12


@cache
def _mixture(entries: int) -> NDArray[np.float64]:
    """Fixed weights for so many entries."""
    return np.random.default_rng(0).uniform(0.5, 1.5, entries)


def patterns(within: NDArray[np.float64]) -> NDArray[np.intp] | None:
    """The pattern of each level, numbered from 0, shape (J,); None where most are alone.

    Parameters
    ----------
    within : ndarray, shape (c, K, J)
        Z_jᵀ[Z_j X] of each level.
    """
    J = within.shape[-1]
    flat = within.reshape(-1, J)
    size = float(np.abs(flat).max(initial=0.0))
    if size == 0.0:
        return np.zeros(J, dtype=np.intp)
    # A fixed combination of the entries tells most different levels apart; what it takes together
    # is compared entry by entry.
    mixture = _mixture(len(flat)) @ flat
    order = np.argsort(mixture, kind="stable")
    near = np.diff(mixture[order]) <= SAME * size * len(flat)
    if 2 * int(np.count_nonzero(near)) < J:
        return None
    kinds = np.empty(J, dtype=np.intp)
    kinds[order] = np.concatenate([[0], np.cumsum(~near)])
    first = np.full(kinds.max() + 1, J, dtype=np.intp)
    np.minimum.at(first, kinds, np.arange(J))
    alike = np.abs(flat - flat[:, first[kinds]]).max(axis=0) <= SAME * size
    return kinds if alike.all() else None


def merged(
    kinds: NDArray[np.intp], within: NDArray[np.float64], responses: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The tables of patterns from those of levels.

    Parameters
    ----------
    kinds : ndarray of int, shape (J,)
    within : ndarray, shape (K + p, K, J)
        Z_jᵀZ_j, and what belongs to the columns of X.
    responses : ndarray, shape (R, K, J)
        The same of y.

    Returns
    -------
    counts : ndarray, shape (P,)
    within : ndarray, shape (K + p, K, P)
        Those of X times the root of the count.
    responses : ndarray, shape (R, 1 + K, K, P)
        The sums over the root of the count, and a root of the second moments about the mean.
    """
    K = within.shape[1]
    counts = np.bincount(kinds).astype(np.float64)
    order = np.argsort(kinds, kind="stable")
    starts = np.searchsorted(kinds[order], np.arange(len(counts)))
    sums = np.add.reduceat(responses[..., order], starts, axis=-1)
    about = responses - (sums / counts)[..., kinds]
    products = (about[:, :, None] * about[:, None])[..., order]
    moments = np.moveaxis(np.add.reduceat(products, starts, axis=-1), -1, 1)
    # Eigenvalues are right to the rounding error of the largest: of columns of one length.
    lengths = np.sqrt(moments.diagonal(axis1=2, axis2=3))
    safe = np.where(lengths > 0, lengths, 1.0)
    values, vectors = np.linalg.eigh(moments / (safe[..., None] * safe[..., None, :]))
    roots = lengths[..., None] * vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
    representative = within[..., order[starts]]
    representative[K:] *= np.sqrt(counts)
    made = np.concatenate([(sums / np.sqrt(counts))[:, None], roots.transpose(0, 3, 2, 1)], axis=1)
    return counts, representative, made
