"""Roots of covariance matrices.

Any B with BBᵀ = Σ gives the lower triangular root L by the QR decomposition

    Bᵀ = QR    L = Rᵀ    LLᵀ = RᵀR = BBᵀ

without forming Σ (Golub & Van Loan 2013, Matrix Computations, section 5.2). The signs of L's
columns are free, and are chosen to make its diagonal zero or more. A Σ that is given itself may be
singular, where Cholesky's algorithm stops at a zero pivot; its eigenvectors give a root B first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["eigen_root", "lower_root", "square_root", "triangular"]


def triangular(B: NDArray[np.float64]) -> NDArray[np.float64]:
    """A lower triangular L with LLᵀ = BBᵀ, signs as they come, shape (..., k, k)."""
    R = np.asarray(np.linalg.qr(B.swapaxes(-1, -2), mode="r"), dtype=np.float64)
    return R.swapaxes(-1, -2)


def lower_root(B: NDArray[np.float64]) -> NDArray[np.float64]:
    """The lower triangular L with LLᵀ = BBᵀ and a diagonal of zero or more.

    Parameters
    ----------
    B : ndarray, shape (..., k, l), l ≥ k

    Returns
    -------
    ndarray, shape (..., k, k)
    """
    if B.shape[-2:] == (1, 1):
        return np.abs(B)
    L = triangular(B)
    signs = np.where(L.diagonal(axis1=-2, axis2=-1) < 0, -1.0, 1.0)
    root: NDArray[np.float64] = L * signs[..., None, :]
    return root


def eigen_root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """U diag(λ)^½ of Σ = U diag(λ) Uᵀ, shape (k, k); eigenvalues below zero count as zero."""
    values, vectors = np.linalg.eigh(covariance)
    root: NDArray[np.float64] = vectors * np.sqrt(np.maximum(values, 0.0))
    return root


def square_root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The lower triangular L with LLᵀ = Σ and a diagonal of zero or more; Σ may be singular.

    Examples
    --------
    >>> square_root(np.array([[4.0, 2.0], [2.0, 1.0]])).round(12).tolist()
    [[2.0, 0.0], [1.0, 0.0]]
    """
    return np.tril(lower_root(eigen_root(covariance)))
