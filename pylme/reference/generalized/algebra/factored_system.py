"""ΛᵀZᵀWZΛ + I of several grouping factors, factored, and the part of its inverse that is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from pylme.reference.linalg.sparse_factor import SparseFactor
from pylme.reference.threads import threads_for

__all__ = ["FactoredSystem", "PartOfInverse"]

Arrays = list[NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartOfInverse:
    """A⁻¹, or its derivative, between the effects that meet in a row.

    Attributes
    ----------
    own : ndarray, shape (K₁, K₁, J₁)
        The diagonal blocks of the first factor.
    coupling : list of ndarray, shapes (K₁, K_g, E_g)
        Minus the blocks of the pairs of the first factor with each other one.
    rest : list of ndarray, shapes (K_f, K_g, E)
        The blocks of the pairs of the other factors.
    matrix : ndarray, shape (q₂, q₂), or None
        The whole S⁻¹ where it is dense.
    """

    own: NDArray[np.float64]
    coupling: Arrays
    rest: Arrays
    matrix: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FactoredSystem:
    """A = ΛᵀZᵀWZΛ + I, factored.

    Attributes
    ----------
    w : ndarray, shape (n,)
    C : ndarray, shape (K₁, K₁, J₁)
        Of the first factor.
    D : ndarray, shape (K₁, K₁, J₁)
        A₁₁⁻¹.
    G_entries : list of ndarray, shapes (K₁, K_g, E_g)
        G, pair by pair.
    B, G : ndarray or csr_array, shape (q₁, q₂)
    root : ndarray, shape (q₂, q₂), or SparseFactor
        The Cholesky factor of S, lower.
    logdet : float
        NaN where A is not positive definite.
    """

    w: NDArray[np.float64]
    C: NDArray[np.float64]
    D: NDArray[np.float64]
    G_entries: Arrays
    B: Any
    G: Any
    root: Any
    logdet: float

    def solve(self, v: Arrays) -> Arrays:
        """A⁻¹v, for v of shapes (..., K_f, J_f)."""
        head = v[0].shape[:-2]
        D = self.D
        first = D[0] * v[0] if len(D) == 1 else np.einsum("abj,...bj->...aj", D, v[0])
        flat = first.reshape(-1, first.shape[-2] * first.shape[-1])
        rest = np.concatenate([x.reshape(len(flat), -1) for x in v[1:]], axis=1)
        rest = rest - (self.B.T @ flat.T).T
        if isinstance(self.root, SparseFactor):
            right = self.root.solve(rest.T)
        else:
            right, _ = lapack.dpotrs(self.root, np.ascontiguousarray(rest.T), lower=1)
        flat = flat - (self.G @ right).T
        K, J = v[0].shape[-2:]
        solved = [flat.reshape(*head, K, J)]
        start = 0
        for x in v[1:]:
            K, J = x.shape[-2:]
            solved.append(right[start : start + K * J].T.reshape(*head, K, J))
            start += K * J
        return solved

    def inverse_of_rest(self) -> NDArray[np.float64]:
        """S⁻¹, shape (q₂, q₂), where S is dense."""
        q2 = len(self.root)
        with threads_for(q2**3):
            inverse, _ = lapack.dpotri(self.root, lower=1)
        return np.asarray(np.tril(inverse) + np.tril(inverse, -1).T)
