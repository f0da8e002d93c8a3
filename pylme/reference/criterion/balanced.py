"""The optimum of balanced data in closed form.

Where one term groups the rows, and every level has the same Z_j and the same X_j = Z_jA with an
invertible A, the within-level coefficients c_j of y have mean A β and are independent with

    Cov(c_j) = σ²(TTᵀ + C⁻¹)      C = Z_jᵀZ_j

and what the Z_j leave of y has σ² and no more. The likelihood is that of a sample of J normal
vectors beside an independent estimate of σ², and with B = Σ_j (c_j - c̄)(c_j - c̄)ᵀ

    σ̂² = W_yy / (n - JK)      TTᵀ = B / ((J - ρ) σ̂²) - C⁻¹      ρ = 1 for REML, 0 for ML

maximises it, if that is positive definite (Searle, Casella & McCulloch 1992, Variance Components,
section 4.5, for K = 1). No other point is stationary then, so that a search that begins there ends
there. On data that are not balanced, the moments are the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.criterion.one_factor import OneFactor

__all__ = ["balanced_optimum"]

#: The least eigenvalue of TTᵀ at which the start is not on the boundary but for rounding errors.
LEAST: Final = 1e-4


def balanced_optimum(
    criterion: OneFactor,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
    """The relative covariance factors T at the optimum of each response.

    Parameters
    ----------
    criterion : OneFactor
        Of a single term.

    Returns
    -------
    T : ndarray, shape (R, K, K)
        Lower triangular.
    inside : ndarray of bool, shape (R,)
        For which responses it is the optimum. None in place of both where the data are not
        balanced.
    """
    likelihood, C = criterion.likelihood, criterion.C
    K, P = len(C), C.shape[2]
    p, J = likelihood.p, int(criterion.counts.sum())
    left = likelihood.n - J * K
    balanced = P == 1 and J > 1 and p == K and criterion.basis is None and left > 0
    if not balanced or len(criterion.lacking) or criterion.within[:, :p, :p].any():
        return None
    root = criterion.coefficients[:, p + 1 :, :, 0]
    variance = criterion.within[:, p, p] / left
    sound = variance > 0.0
    scale = (J - likelihood.rho) * np.where(sound, variance, 1.0)
    between = root.swapaxes(1, 2) @ root / scale[:, None, None]
    values, axes = np.linalg.eigh(between - np.linalg.inv(C[..., 0]))
    inside = sound & (values[:, 0] > LEAST)
    safe = np.where(inside[:, None], values, 1.0)
    T = np.linalg.cholesky((axes * safe[:, None]) @ axes.swapaxes(1, 2))
    return np.asarray(T, dtype=np.float64), inside
