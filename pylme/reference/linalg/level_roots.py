"""Triangular roots of many I + BBᵀ, by reflections of [B I] from the right.

BBᵀ is not formed: where B has a rank below its rows, as in a level with fewer rows than effects, or
columns of very different lengths, the rounding errors of its largest elements would drown the ones
beside them. Reflections change a row by its own rounding errors, and columns in descending order of
their lengths keep the short ones (Cox & Higham 1998, Stability of Householder QR factorization for
weighted least squares problems).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["forward", "root_beside_identity"]


def root_beside_identity(B: NDArray[np.float64]) -> NDArray[np.float64]:
    """The lower triangular L with LLᵀ = I + BBᵀ, diagonals of 1 or more.

    Parameters
    ----------
    B : ndarray, shape (R, K, k, P)
        Matrices side by side in the last axis, their columns in descending order of length.

    Returns
    -------
    ndarray, shape (R, K, K, P)
    """
    R, K, k, P = B.shape
    whole = np.zeros((R, K, k + K, P))
    whole[:, :, :k] = B
    own = np.arange(K)
    whole[:, own, k + own] = 1.0
    L = np.zeros((R, K, K, P))
    for i in range(K):
        row = whole[:, i, i:].copy()
        # The identity keeps it from being less than 1.
        length = np.sqrt((row * row).sum(axis=1))
        L[:, i, i] = length
        first = row[:, 0].copy()
        sign = np.where(first < 0, -1.0, 1.0)
        row[:, 0] = first + sign * length
        if i + 1 == K:
            break
        below = whole[:, i + 1 :, i:]
        along = (
            np.einsum("rajp,rjp->rap", below, row) / (length * (length + np.abs(first)))[:, None]
        )
        below -= along[:, :, None] * row[:, None]
        # The reflection takes the row to -sign times its length.
        L[:, i + 1 :, i] = -sign[:, None] * below[:, :, 0]
    return L


def forward(L: NDArray[np.float64], B: NDArray[np.float64]) -> NDArray[np.float64]:
    """L⁻¹B by forward substitution, shapes (R, K, K, P) and (R or 1, K, k, P or 1)."""
    R, K, _, P = L.shape
    made = np.empty((R, K, B.shape[2], P))
    for i in range(K):
        rest = B[:, i]
        if i:
            rest = rest - np.einsum("rjp,rjkp->rkp", L[:, i, :i], made[:, :i])
        made[:, i] = rest / L[:, i, i, None]
    return made
