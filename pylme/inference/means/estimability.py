"""Which linear functions of the coefficients the data determine, where X lacks full rank.

Let X̃ have all columns, those that are linearly dependent included, and N be a basis of the vectors
that X̃ maps to zero. A function lᵀβ is estimable if and only if Nᵀl = 0; then it is a function of
the columns that were kept, with the same value (Searle 1971, Linear Models, section 5.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["estimable", "estimable_combinations"]

#: Of the length of l, the part outside the row space of X̃ that counts as rounding.
_TOLERANCE: Final = 1e-8


def _outside(
    kept: NDArray[np.float64], dependent: NDArray[np.float64], aliases: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Nᵀl by row, with an orthonormal basis N, shape (r, dropped)."""
    null = np.linalg.qr(np.vstack([aliases, -np.eye(aliases.shape[1])]))[0]
    outside: NDArray[np.float64] = np.hstack([kept, dependent]) @ null
    return outside


def estimable(
    kept: NDArray[np.float64], dependent: NDArray[np.float64], aliases: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether the data determine each of these functions of the coefficients.

    Parameters
    ----------
    kept : ndarray, shape (r, p)
        The elements of l of the columns of X.
    dependent : ndarray, shape (r, dropped)
        Those of the columns that were dropped, which are ``X @ aliases``.
    aliases : ndarray, shape (p, dropped)
    """
    if not aliases.shape[1]:
        return np.ones(len(kept), dtype=bool)
    length = np.linalg.norm(np.hstack([kept, dependent]), axis=1)
    outside = np.linalg.norm(_outside(kept, dependent, aliases), axis=1)
    return np.asarray(outside < _TOLERANCE * np.maximum(1.0, length))


def estimable_combinations(
    kept: NDArray[np.float64], dependent: NDArray[np.float64], aliases: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A basis C of the combinations of these functions that the data determine, shape (s, r).

    The rows of ``C @ [kept, dependent]`` are estimable; C is the identity where all functions are.
    """
    if estimable(kept, dependent, aliases).all():
        return np.eye(len(kept))
    outside = _outside(kept, dependent, aliases)
    left, values, _ = np.linalg.svd(outside)
    rank = int((values > _TOLERANCE * max(1.0, values[0])).sum())
    combinations: NDArray[np.float64] = left[:, rank:].T
    return combinations
