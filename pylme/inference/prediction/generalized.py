"""Variances of predictions of a generalized linear mixed model, given its covariance parameters.

At the mode, with working weights w (the expected information of each row) and W = diag w,

    A = ΛᵀZᵀWZΛ + I      U = A⁻¹ΛᵀZᵀWX      a = Λᵀz
    Var(xᵀβ̂ + zᵀb̂ - xᵀβ - zᵀb) ≈ s² aᵀA⁻¹a + (x - Uᵀa)ᵀ V_β (x - Uᵀa)

with V_β the fit's covariance matrix of the fixed effects and s the residual scale, 1 for families
without one. It is the covariance of the Laplace approximation with θ held at its estimate (Booth &
Hobert 1998, Journal of the American Statistical Association 93, section 3): the uncertainty of θ is
not included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from pylme.model_matrix.random_term import lambda_template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["WorkingModel"]


class WorkingModel:
    """The weighted linear model at the mode of a generalized one.

    Parameters
    ----------
    X : ndarray, shape (n, p)
    Zt : sparse array, shape (q, n)
    terms : sequence of RandomTerm
    theta : ndarray, shape (m,)
    weights : ndarray, shape (n,)
        Working weights.
    vcov : ndarray, shape (p, p)
        Covariance matrix of the fixed effects.
    scale : float
        s.
    """

    def __init__(
        self,
        *,
        X: NDArray[np.float64],
        Zt: sparse.csc_matrix,
        terms: Sequence[RandomTerm],
        theta: NDArray[np.float64],
        weights: NDArray[np.float64],
        vcov: NDArray[np.float64],
        scale: float,
    ) -> None:
        pointers, indices, lind = lambda_template(terms)
        q = terms[-1].rows.stop
        self.vcov, self.scale = vcov, scale
        self.Lambdat = sparse.csc_matrix((theta[lind - 1], indices, pointers), shape=(q, q))
        root = self.Lambdat @ Zt @ sparse.diags_array(np.sqrt(weights))
        self._factor = splu((root @ root.T + sparse.eye_array(q)).tocsc())
        self._U = self._factor.solve(root @ (np.sqrt(weights)[:, None] * X))
        self.factors = [term.factor(theta) for term in terms]

    def variances(self, X: NDArray[np.float64], z: sparse.csr_array) -> NDArray[np.float64]:
        """The variance of each prediction error, shape (r,).

        Parameters
        ----------
        X : ndarray, shape (r, p)
        z : sparse array, shape (r, q)
        """
        a = (self.Lambdat @ z.T).toarray()
        x = X - a.T @ self._U
        fixed: NDArray[np.float64] = np.einsum("ij,jk,ik->i", x, self.vcov, x)
        if not z.nnz:
            return fixed
        total: NDArray[np.float64] = fixed + self.scale**2 * (a * self._factor.solve(a)).sum(axis=0)
        return total
