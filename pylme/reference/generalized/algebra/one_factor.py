"""The algebra of one grouping factor: everything happens within levels.

Rows stand in the order of the levels, so that sums over levels are sums over slices. With C_j =
Z_jᵀWZ_j, of shape (K, K, J) with the levels last, A_j = TᵀC_jT + I, and

    h_i = z_iᵀTA_j⁻¹Tᵀz_i       Σ_j C_jTA_j⁻¹

follow from matrices of K by K (Bates, Mächler, Bolker & Walker 2015, section 3.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.reference.linalg.small_matrices import congruent_by_one, inverse_and_logdet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.reference.problem.layout import Layout

__all__ = ["FactoredLevels", "OneFactorAlgebra", "one_factor_of"]

Arrays = list[NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FactoredLevels:
    """A = ΛᵀZᵀWZΛ + I of one weight and one T.

    Attributes
    ----------
    C, inverse : ndarray, shape (K, K, J)
        C_j and A_j⁻¹.
    logdets : ndarray, shape (J,)
        log|A_j|; NaN where A_j is not positive definite.
    """

    C: NDArray[np.float64]
    inverse: NDArray[np.float64]
    logdets: NDArray[np.float64]

    @property
    def logdet(self) -> float:
        """log|A|; NaN where A is not positive definite."""
        return float(self.logdets.sum())

    def solve(self, v: Arrays) -> Arrays:
        """A⁻¹v, for v of shape (..., K, J)."""
        if len(self.inverse) == 1:
            return [self.inverse[0] * v[0]]
        return [np.einsum("abj,...bj->...aj", self.inverse, v[0])]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OneFactorAlgebra:
    """One grouping factor.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        The rows of the data in the order of the levels.
    codes : ndarray of int, shape (n,)
        The level of each row, in this order.
    starts : ndarray of int, shape (J,)
        Where each level begins.
    z : list of one ndarray, shape (K, n)
    """

    order: NDArray[np.intp]
    codes: NDArray[np.intp]
    starts: NDArray[np.intp]
    z: Arrays

    separable = True
    differentiable = True

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(K, J)."""
        return [(len(self.z[0]), len(self.starts))]

    def with_columns(self, z: Arrays) -> OneFactorAlgebra:
        """The same with other columns."""
        return OneFactorAlgebra(order=self.order, codes=self.codes, starts=self.starts, z=z)

    def by_level(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums over the rows of each level, of shape (..., n)."""
        return np.asarray(np.add.reduceat(rows, self.starts, axis=-1))

    def gather(self, s: NDArray[np.float64]) -> Arrays:
        """Zᵀs, shape (..., K, J), of s of shape (..., n)."""
        z = self.z[0]
        if len(z) == 1:
            return [np.add.reduceat(s * z[0], self.starts, axis=-1)[..., None, :]]
        return [self.by_level(s[..., None, :] * z)]

    def expand(self, b: Arrays) -> NDArray[np.float64]:
        """Zb, shape (..., n), of b of shape (..., K, J)."""
        z = self.z[0]
        if len(z) == 1:
            return np.asarray(z[0] * b[0][..., 0, :].take(self.codes, axis=-1))
        total = z[0] * b[0][..., 0, :].take(self.codes, axis=-1)
        for a in range(1, len(z)):
            total += z[a] * b[0][..., a, :].take(self.codes, axis=-1)
        return np.asarray(total)

    def sums(self, w: NDArray[np.float64]) -> NDArray[np.float64]:
        """The C_j, shape (K, K, J)."""
        z = self.z[0]
        K = len(z)
        if K == 1:
            return np.add.reduceat(w * z[0] * z[0], self.starts)[None, None]
        C = np.empty((K, K, len(self.starts)))
        for a in range(K):
            wz = w * z[a]
            for b in range(a + 1):
                C[a, b] = C[b, a] = self.by_level(wz * z[b])
        return C

    def level_sums(self, f: int, w: NDArray[np.float64]) -> NDArray[np.float64]:
        """The blocks of ZᵀWZ of one factor, shape (K_f, K_f, J_f)."""
        del f
        return self.sums(w)

    def factor(self, T: Arrays, w: NDArray[np.float64]) -> FactoredLevels:
        """A of the weights w."""
        C = self.sums(w)
        with np.errstate(invalid="ignore", divide="ignore"):
            if len(C) == 1:
                A = 1.0 + T[0][0, 0] ** 2 * C[0, 0]
                return FactoredLevels(C=C, inverse=(1.0 / A)[None, None], logdets=np.log(A))
            A = congruent_by_one(T[0].T, C)
            for a in range(len(C)):
                A[a, a] += 1.0
            inverse, logdets = inverse_and_logdet(A[None])
        return FactoredLevels(C=C, inverse=inverse[0], logdets=logdets[0])

    def leverage_and_blocks(
        self, T: Arrays, A: FactoredLevels, w: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], Arrays]:
        """The h_i, shape (n,), and Σ_j of the blocks of ZᵀWZΛA⁻¹, shape (K, K)."""
        del w
        z = self.z[0]
        if len(z) == 1:
            D = T[0][0, 0] ** 2 * A.inverse[0, 0]
            blocks = T[0] * float(A.C[0, 0] @ A.inverse[0, 0])
            return np.asarray(z[0] * z[0] * D.take(self.codes)), [blocks]
        D = congruent_by_one(T[0], A.inverse)
        h = np.zeros(z.shape[1])
        for a in range(len(z)):
            for b in range(a + 1):
                h += (2.0 - (a == b)) * z[a] * z[b] * D[a, b].take(self.codes)
        CT = np.einsum("acj,cd->adj", A.C, T[0])
        return h, [np.einsum("adj,dbj->ab", CT, A.inverse)]

    def change(
        self,
        T: Arrays,
        dT: Arrays,
        A: FactoredLevels,
        weights: tuple[NDArray[np.float64], NDArray[np.float64]],
    ) -> tuple[NDArray[np.float64], Arrays]:
        """The derivatives of what `leverage_and_blocks` gives, along D directions.

        Parameters
        ----------
        T : list of one ndarray, shape (K, K)
        dT : list of one ndarray, shape (D, K, K)
            The derivatives of T.
        A : FactoredLevels
        weights : tuple of ndarray, shapes (n,) and (D, n)
            The weights of A and their derivatives.

        Returns
        -------
        h : ndarray, shape (D, n)
        blocks : list of one ndarray, shape (D, K, K)
        """
        z, inverse, C = self.z[0], A.inverse, A.C
        _, dw = weights
        K = len(z)
        dC = np.empty((len(dw), K, K, len(self.starts)))
        for a in range(K):
            wz = dw * z[a]
            for b in range(a + 1):
                dC[:, a, b] = dC[:, b, a] = self.by_level(wz * z[b])
        (T_f,), (dT_f,) = T, dT
        if K == 1:
            theta, dtheta = T_f[0, 0], dT_f[:, 0]
            dA = 2.0 * theta * dtheta * C[0, 0] + theta * theta * dC[:, 0, 0]
            dD = (2.0 * theta * dtheta - theta * theta * dA * inverse[0, 0]) * inverse[0, 0]
            more = dtheta * C[0, 0] + theta * (dC[:, 0, 0] - C[0, 0] * dA * inverse[0, 0])
            return z[0] * z[0] * dD.take(self.codes, axis=-1), [
                (more @ inverse[0, 0])[:, None, None]
            ]
        CT = np.einsum("acj,cd->adj", C, T_f)
        dCT = np.einsum("iacj,cd->iadj", dC, T_f) + np.einsum("acj,icd->iadj", C, dT_f)
        half = np.einsum("ica,cbj->iabj", dT_f, CT)
        dA = half + half.swapaxes(1, 2) + np.einsum("ca,icdj,db->iabj", T_f, dC, T_f, optimize=True)
        dinverse = -np.einsum("iacj,cbj->iabj", np.einsum("acj,icbj->iabj", inverse, dA), inverse)
        # D = TA⁻¹Tᵀ
        left = np.einsum("acj,bc->abj", inverse, T_f)
        half = np.einsum("iac,cbj->iabj", dT_f, left)
        dD = half + half.swapaxes(1, 2)
        dD += np.einsum("ac,icdj,bd->iabj", T_f, dinverse, T_f, optimize=True)
        h = np.zeros((len(dw), z.shape[1]))
        for a in range(K):
            for b in range(a + 1):
                h += (2.0 - (a == b)) * z[a] * z[b] * dD[:, a, b].take(self.codes, axis=-1)
        blocks = np.einsum("iadj,dbj->iab", dCT, inverse)
        blocks += np.einsum("adj,idbj->iab", CT, dinverse)
        return h, [blocks]

    def inverse_blocks(self, A: FactoredLevels, f: int = 0) -> NDArray[np.float64]:
        """The diagonal blocks of A⁻¹ of one factor, shape (K_f, K_f, J_f)."""
        del f
        return A.inverse

    def precision(self, T: Arrays, A: FactoredLevels, f: int = 0) -> NDArray[np.float64]:
        """The blocks of K = ZᵀWZ - ZᵀWZΛA⁻¹ΛᵀZᵀWZ, shape (K, K, J)."""
        del f
        if len(A.C) == 1:
            return np.asarray(A.C * A.inverse)
        CT = np.einsum("acj,cd->adj", A.C, T[0])
        return np.asarray(
            A.C - np.einsum("adj,bdj->abj", np.einsum("acj,cdj->adj", CT, A.inverse), CT)
        )


def one_factor_of(layout: Layout, columns: Sequence[NDArray[np.float64]]) -> OneFactorAlgebra:
    """The algebra of a layout of one factor.

    Parameters
    ----------
    layout : Layout
    columns : sequence of ndarray, shapes (n, k_t)
        The columns of each term, in the order of the terms.
    """
    (factor,) = layout.factors
    order = np.argsort(factor.codes, kind="stable")
    codes = factor.codes[order].astype(np.intp)
    z = np.concatenate([columns[t].T for t in factor.terms])[:, order]
    starts = np.searchsorted(codes, np.arange(factor.levels))
    return OneFactorAlgebra(order=order, codes=codes, starts=starts, z=[np.ascontiguousarray(z)])
