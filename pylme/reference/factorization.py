"""The sparse Cholesky factorization that lme4 has at its centre, of any model.

    P(ΛᵀZᵀWZΛ + I)Pᵀ = LLᵀ

(Bates, Mächler, Bolker & Walker 2015, equation 18). The fits do without it; the items of ``getME``
and the hat values of models with several factors are made from it. SciPy has no sparse Cholesky
factorization, but an LU one: of a symmetric positive definite matrix that is not pivoted,
U = DLᵀ, so that its L times the root of D is the Cholesky factor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from pylme.model_matrix.random_term import lambda_template, random_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["Factorization", "factorize", "lambda_at", "random_matrix_at"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Factorization:
    """A factorized matrix AAᵀ + I.

    Attributes
    ----------
    L : csc_array, shape (q, q)
        Lower triangular.
    perm : ndarray of int32, shape (q,)
        Row i of L belongs to row perm[i] of the matrix.
    solver : SuperLU
        Solves with the matrix itself.
    """

    L: sparse.csc_array
    perm: NDArray[np.int32]
    solver: Any


def lambda_at(terms: Sequence[RandomTerm], theta: NDArray[np.float64]) -> sparse.csc_array:
    """Λᵀ, shape (q, q)."""
    pointers, indices, lind = lambda_template(terms)
    q = terms[-1].rows.stop
    return sparse.csc_array((theta[lind - 1], indices, pointers), shape=(q, q))


def random_matrix_at(
    terms: Sequence[RandomTerm], theta: NDArray[np.float64], weights: NDArray[np.float64]
) -> sparse.csc_array:
    """ΛᵀZᵀW^½, shape (q, n)."""
    Zt = sparse.csc_array(random_matrix(terms, len(weights)))
    scaled = sparse.csc_array(Zt @ sparse.diags_array(np.sqrt(weights)))
    return sparse.csc_array(lambda_at(terms, theta) @ scaled)


def factorize(A: sparse.csc_array) -> Factorization:
    """The factorization of AAᵀ + I for A of shape (q, n)."""
    q = A.shape[0]
    matrix = sparse.csc_array(A @ A.T + sparse.eye_array(q))
    solver = splu(
        matrix,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    root = np.sqrt(solver.U.diagonal())
    order = np.argsort(solver.perm_c).astype(np.int32)
    return Factorization(
        L=sparse.csc_array(solver.L @ sparse.diags_array(root)), perm=order, solver=solver
    )
