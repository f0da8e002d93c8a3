"""Where a search begins: a moment estimator of the covariances.

With columns that are orthonormal on average, h_j = Z_jᵀy of the least-squares residuals y has

    E Σ_j h_jh_jᵀ ≈ σ²(n I + Σ_j C_jΣC_j),

other factors and the fit of the fixed effects left aside. Solved for Σ with Σ_j C_jΣC_j replaced by
Σ times the mean of ΣC_j²'s diagonal it gives each factor's share of the variance, and σ² is what
the factors leave. It need not be good: it saves the first steps of Newton's method, which lead far
astray where the variances are small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.reference.terms import Layout

__all__ = ["moments_start"]

#: Variances are taken to lie between these multiples of the residual's.
LEAST: Final = 0.01
MOST: Final = 25.0
_ROUNDS: Final = 4


def moments_start(
    layout: Layout,
    squares: Sequence[NDArray[np.float64]],
    sizes: Sequence[float],
    variance: NDArray[np.float64],
    n: int,
) -> NDArray[np.float64]:
    """Our theta to begin with, shape (R, m).

    Parameters
    ----------
    layout : Layout
    squares : sequence of ndarray, shapes (R, K_f, K_f)
        Σ_j h_jh_jᵀ of each factor.
    sizes : sequence of float
        The mean of the diagonal of Σ_j C_j² of each factor.
    variance : ndarray, shape (R,)
        yᵀy/n.
    n : int
    """
    residual = variance
    parts = list(squares)
    for _ in range(_ROUNDS):
        taken = np.zeros_like(variance)
        parts = []
        for square, size in zip(squares, sizes, strict=True):
            diagonal = np.eye(square.shape[1]) * (n * residual)[:, None, None]
            parts.append((square - diagonal) / size)
            taken = taken + np.maximum(np.trace(parts[-1], axis1=1, axis2=2), 0.0)
        residual = np.maximum(variance - taken, 0.1 * variance)
    T = []
    for factor, part in zip(layout.factors, parts, strict=True):
        block = np.zeros_like(part)
        for place in factor.places:
            values, vectors = np.linalg.eigh(part[:, place, place] / residual[:, None, None])
            values = np.clip(values, LEAST, MOST)
            block[:, place, place] = np.linalg.cholesky(
                (vectors * values[:, None]) @ vectors.swapaxes(1, 2)
            )
        T.append(block)
    return layout.theta(T)
