"""The criterion of a linear model without random effects, for many responses.

It is the criterion of a mixed model at θ = 0. With X = QR, and rows multiplied by the square roots
of their weights, r² = |y|² - |Qᵀy|², and

    d = ν(1 + log(2πr²/ν)) + ρ log|XᵀX| - Σ log w       ML: ρ = 0, ν = n     REML: ρ = 1, ν = n - p
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.model_matrix.matrices import ModelMatrices

__all__ = ["linear_criteria"]


def linear_criteria(
    design: ModelMatrices, Y: NDArray[np.float64], *, reml: bool
) -> NDArray[np.float64]:
    """The criterion of each response, shape (R,).

    Parameters
    ----------
    design : ModelMatrices
        Its X, weights and offset are used.
    Y : ndarray, shape (R, n)
    reml : bool
    """
    roots = np.sqrt(design.weights)
    Q, R = np.linalg.qr(design.X * roots[:, None])
    y = (Y - design.offset) * roots
    residuals = y - (y @ Q) @ Q.T
    nu = design.n - design.p * reml
    logdet = 2 * np.log(np.abs(np.diag(R))).sum() if reml else 0.0
    squares = np.einsum("rn,rn->r", residuals, residuals)
    constant = logdet - np.log(design.weights).sum()
    return np.asarray(nu * (1 + np.log(2 * np.pi * squares / nu)) + constant)
