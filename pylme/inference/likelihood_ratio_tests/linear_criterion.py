"""The criterion of a linear model without random effects: that of a mixed model at θ = 0.

With X = QR, and rows multiplied by the square roots of their weights, r² = |y|² - |Qᵀy|², and

    d = ν(1 + log(2πr²/ν)) + ρ log|XᵀX| - Σ log w       ML: ρ = 0, ν = n     REML: ρ = 1, ν = n - p
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.model_matrix.matrices import Represented

__all__ = ["linear_criteria"]


def linear_criteria(
    X: NDArray[np.float64],
    Y: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    *,
    reml: bool,
    represented: Represented | None = None,
) -> NDArray[np.float64]:
    """The criterion of a linear model without random effects for each response, shape (R,).

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Of full column rank.
    Y : ndarray, shape (R, n)
        Less the offset.
    weights : ndarray, shape (n,), or None
    reml : bool
    represented : Represented, optional
        Where these rows stand for more that have the same cross products.
    """
    n, p = X.shape
    w = np.ones(n) if weights is None else weights
    roots = np.sqrt(w)
    Q, R = np.linalg.qr(X * roots[:, None])
    y = Y * roots
    residuals = y - (y @ Q) @ Q.T
    log_weights = np.log(w).sum()
    if represented is not None:
        n, log_weights = represented.n, represented.log_weights
    nu = n - p * reml
    logdet = 2 * np.log(np.abs(np.diag(R))).sum() if reml else 0.0
    squares = np.einsum("rn,rn->r", residuals, residuals)
    constant = logdet - log_weights
    return np.asarray(nu * (1 + np.log(2 * np.pi * squares / nu)) + constant)
