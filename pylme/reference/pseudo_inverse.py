"""Least-squares coefficients within each level, by the pseudo-inverses of many small Z_jᵀZ_j.

A level with fewer rows than columns, or in which a covariate does not vary, has a singular matrix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.reference.batched import inverse_and_logdet

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["coefficients", "nearly_singular"]

#: An eigenvalue of a matrix of cosines below this counts as zero.
NOTHING: Final = 1e-13
#: Where coefficients may be this large, beside columns of length one, their squares lose digits.
LARGE: Final = 1e6
#: What keeps most pivots of a singular matrix of cosines positive.
_RIDGE: Final = 1e-15
_ROUNDS: Final = 3


def coefficients(C: NDArray[np.float64], U: NDArray[np.float64]) -> NDArray[np.float64]:
    """Some c with C c = U, for U of what C spans.

    Parameters
    ----------
    C : ndarray, shape (K, K, P)
        Symmetric positive semidefinite.
    U : ndarray, shape (..., c, K, P)

    Returns
    -------
    ndarray, shape (..., c, K, P)
    """
    K = len(C)
    if K == 1:
        quotient: NDArray[np.float64] = np.divide(U, C[0], out=np.zeros_like(U), where=C[0] > 0)
        return quotient
    cosines, scale = _cosines(C)
    inverse = _inverses(cosines)
    rest = U * scale
    total: NDArray[np.float64] = np.zeros_like(rest)
    for _ in range(_ROUNDS):
        step = np.einsum("abj,...bj->...aj", inverse, rest)
        total += step
        rest = rest - np.einsum("abj,...bj->...aj", cosines, step)
    total *= scale
    return total


def nearly_singular(C: NDArray[np.float64]) -> bool:
    """Whether the columns of some level are dependent, or nearly; columns of zeros left aside."""
    K = len(C)
    if K == 1:
        return False
    cosines, _ = _cosines(C)
    cosines[np.arange(K), np.arange(K)] = 1.0 + _RIDGE
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        inverse = inverse_and_logdet(cosines[None])[0]
    return not bool(np.abs(inverse).max() < LARGE)


def _cosines(C: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """C with a diagonal of ones, and the scales that make it so, shape (K, J)."""
    K = len(C)
    diagonal = C[np.arange(K), np.arange(K)]
    scale = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    return C * (scale[:, None] * scale), scale


def _inverses(cosines: NDArray[np.float64]) -> NDArray[np.float64]:
    K = len(cosines)
    ridged = cosines.copy()
    ridged[np.arange(K), np.arange(K)] += _RIDGE
    # Pivots of singular matrices may come out negative: these are inverted again.
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        G: NDArray[np.float64] = inverse_and_logdet(ridged[None])[0][0]
    doubtful = np.flatnonzero(~(np.abs(G).max(axis=(0, 1)) < 0.01 / NOTHING))
    if len(doubtful):
        values, vectors = np.linalg.eigh(np.moveaxis(cosines[..., doubtful], -1, 0))
        kept = values > NOTHING
        reciprocal = np.divide(1.0, values, out=np.zeros_like(values), where=kept)
        turned = vectors * reciprocal[:, None]
        G[..., doubtful] = np.moveaxis(turned @ vectors.swapaxes(1, 2), 0, -1)
    return G
