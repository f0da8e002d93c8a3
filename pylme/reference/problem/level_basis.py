"""A factor's columns made orthonormal within each level: Z_j = Q_jR_j.

What a level's columns explain of others is then taken away in full, whatever the condition of
Z_jᵀZ_j, and what is left of it where variances are finite,

    Q_jᵀV₁⁻¹Q_j = (I + R_jTTᵀR_jᵀ)⁻¹ = L_j⁻ᵀL_j⁻¹    Z_jᵀV₁⁻¹Z_j = R_jᵀL_j⁻ᵀL_j⁻¹R_j

comes from roots L_jL_jᵀ = I + BBᵀ, B = R_jT, by reflections of [B I] from the right. BBᵀ is not
formed: where B has a rank below its rows, as in a level with fewer rows than effects, or columns of
very different lengths, the rounding errors of its largest elements would drown the ones beside
them. Reflections change a row by its own rounding errors, and columns in descending order of their
lengths keep the short ones (Cox & Higham 1998, Stability of Householder QR factorization for
weighted least squares problems).

A level with fewer rows than columns has rows of zeros in R_j. A single column is left as it is, and
divided by its square instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pylme.reference.linalg.small_matrices import congruent, orthogonal, precision
from pylme.reference.problem.layout import GroupingFactor

if TYPE_CHECKING:
    from typing import Self

    from pylme.reference.problem.columns import Columns

__all__ = [
    "Leading",
    "LevelBasis",
    "forward",
    "precision_by_roots",
    "root_beside_identity",
    "roots_beside_zeros",
]

#: What is left of a column within a level, relative to what it is summed from, that is rounding
#: error.
NOTHING: Final = 1e-13
#: Rows are summed within levels one by one up to this many, and together beyond.
FEW: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Leading:
    """The leading factor's blocks at one T, each of shape (K, K, J).

    Attributes
    ----------
    D, K1 : ndarray
        T(TᵀCT + I)⁻¹Tᵀ, and Z₁ᵀV₁⁻¹Z₁ = C - CDC.
    E, F : ndarray
        Q₁ᵀV₁⁻¹Q₁, or that over the squares of a single column, and what takes Q₁ᵀx to Z₁ᵀV₁⁻¹x.
    DR : ndarray
        What takes Q₁ᵀx to DZ₁ᵀx.
    logdet : float
        log|TᵀCT + I| of all levels.
    """

    D: NDArray[np.float64]
    K1: NDArray[np.float64]
    E: NDArray[np.float64]
    F: NDArray[np.float64]
    DR: NDArray[np.float64]
    logdet: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelBasis:
    """Q in the rows, and the way back to Z.

    Attributes
    ----------
    factor : GroupingFactor
    rows : ndarray, shape (K, n)
        The rows of Q; of a single column, of Z.
    C : ndarray, shape (K, K, J)
        Z_jᵀZ_j.
    R : ndarray, shape (K, K, J)
        Upper triangular; of a single column 1.
    G : ndarray, shape (K, K, J)
        The inverse of Q_jᵀQ_j, 0 for a column of zeros.
    """

    factor: GroupingFactor
    rows: NDArray[np.float64]
    C: NDArray[np.float64]
    R: NDArray[np.float64]
    G: NDArray[np.float64]

    @classmethod
    def of(cls, columns: Columns, f: int, factor: GroupingFactor) -> Self:
        """The basis of factor f."""
        rows = columns.z_of_base[f].T @ columns.base
        K, J = factor.width, factor.levels
        if K == 1:
            C = _sums(rows, rows, factor)
            one = np.ones((1, 1, J))
            G = np.divide(1.0, C, out=np.zeros_like(C), where=C > 0)
            return cls(factor=factor, rows=rows, C=C, R=one, G=G)
        C = _sums(rows, rows, factor)
        R = np.zeros((K, K, J))
        # What a column is summed from: where it vanishes in all rows of a level, as the indicator
        # of one group does among the rows of another, rounding errors of these are left.
        parts = np.abs(columns.z_of_base[f]).T @ np.abs(columns.base)
        for a in range(K):
            row, size = rows[a], np.sqrt(_sum(parts[a] * parts[a], factor))
            # Twice: what rounding leaves of the others is as small as what is left the first time.
            for _ in range(2):
                for b in range(a):
                    c = _sum(rows[b] * row, factor)
                    R[b, a] += c
                    row -= rows[b] * c[factor.codes]
            length = np.sqrt(_sum(row * row, factor))
            length[length <= NOTHING * size] = 0.0
            R[a, a] = length
            row *= np.divide(1.0, length, out=np.zeros(J), where=length > 0)[factor.codes]
        kept = R[np.arange(K), np.arange(K)] > 0
        G = np.zeros((K, K, J))
        G[np.arange(K), np.arange(K)] = kept
        return cls(factor=factor, rows=rows, C=C, R=R, G=G)

    def sums(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Q_jᵀ of columns given in the rows, shape (c, n): shape (c, K, J)."""
        return _sums(self.rows, rows, self.factor)

    def coefficients(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """The least-squares coefficients on Q, shape (c, K, J), from `sums`."""
        made: NDArray[np.float64] = sums * self.G[np.arange(len(self.G)), np.arange(len(self.G))]
        return made

    def less(
        self, row: NDArray[np.float64], c: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """What the columns leave of a row, shape (n,), its coefficients being c, shape (K, J)."""
        # Twice, as what the first coefficients lack is seen in what they leave.
        for _ in range(2):
            if c is None:
                c = self.coefficients(self.sums(row[None]))[0]
            for q, of_q in zip(self.rows, c, strict=True):
                row = row - q * of_q.take(self.factor.codes)
            c = None
        return row

    def back(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Z_jᵀx from Q_jᵀx, shapes (c, K, J)."""
        made: NDArray[np.float64] = np.einsum("baj,cbj->caj", self.R, sums)
        return made

    def at(self, T: NDArray[np.float64]) -> Leading:
        """The blocks at T, shape (K, K)."""
        U, s = orthogonal(T[None])
        if len(self.C) == 1:
            K1, inner, logdet = (part[0] for part in precision(s, self.C[None]))
            F, D = K1 * self.G, inner * (s[0, 0] * s[0, 0])
            E, total = F * self.G, float(logdet.sum())
            return Leading(D=D, K1=K1, E=E, F=F, DR=D, logdet=total)
        root, K1, logdet = self.precision(U, s)
        E, K1 = _square(root)[0], congruent(U[0][..., None], K1[0])
        F = np.einsum("baj,bcj->acj", self.R, E)
        half = _times(self.R, U * s[:, None])
        long = (U * s[:, None]).swapaxes(1, 2)[..., None]
        D = _square(forward(root_beside_identity(half.swapaxes(1, 2)), long))[0]
        DR = np.einsum("abj,cbj->acj", D, self.R)
        return Leading(D=D, K1=K1, E=E, F=F, DR=DR, logdet=float(logdet.sum()))

    def precision(
        self, U: NDArray[np.float64], s: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """What V₁⁻¹ makes of the columns, where there are several.

        Parameters
        ----------
        U, s : ndarray, shapes (R, K, K) and (R, K)
            Of `pylme.reference.linalg.small_matrices.orthogonal`.

        Returns
        -------
        root : ndarray, shape (R, K, K, J)
            L⁻¹ of Q_jᵀV₁⁻¹Q_j = L⁻ᵀL⁻¹, zero in the columns of what is no column of Q_j.
        K1 : ndarray, shape (R, K, K, J)
            UᵀZ_jᵀV₁⁻¹Z_jU.
        logdet : ndarray, shape (R, J)
            log|I + TᵀZ_jᵀZ_jT|.
        """
        own = np.arange(len(self.R))
        L, K1, logdet = precision_by_roots(self.R, U, s)
        kept = (self.G[own, own] > 0).astype(np.float64)
        root = forward(L, (np.eye(len(own))[..., None] * kept)[None])
        return root, K1, logdet


def precision_by_roots(
    R: NDArray[np.float64], U: NDArray[np.float64], s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What V₁⁻¹ makes of columns Z_j with Z_jᵀZ_j = R_jᵀR_j, singular ones too.

    Parameters
    ----------
    R : ndarray, shape (K, K, J)
        Upper triangular.
    U, s : ndarray, shapes (R, K, K) and (R, K)
        Of `pylme.reference.linalg.small_matrices.orthogonal`.

    Returns
    -------
    L : ndarray, shape (R, K, K, J)
        Lower triangular, LLᵀ = I + RTTᵀRᵀ.
    K1 : ndarray, shape (R, K, K, J)
        UᵀZ_jᵀV₁⁻¹Z_jU.
    logdet : ndarray, shape (R, J)
        log|I + TᵀZ_jᵀZ_jT|.
    """
    own = np.arange(len(R))
    B = _times(R, U * s[:, None])
    L = root_beside_identity(B)
    # No element of L⁻¹B is greater than 1: short columns of Z are known as well as long ones.
    half = forward(L, B) / s[:, None, :, None]
    return L, _square(half), 2.0 * np.log(L[:, own, own]).sum(axis=1)


def _times(R: NDArray[np.float64], T: NDArray[np.float64]) -> NDArray[np.float64]:
    """R_jT, shape (R, K, K, J)."""
    made: NDArray[np.float64] = np.einsum("abj,rbc->racj", R, T)
    return made


def roots_beside_zeros(C: NDArray[np.float64]) -> NDArray[np.float64]:
    """Upper triangular R_j with R_jᵀR_j = C_j, with rows of zeros for columns of zeros.

    Parameters
    ----------
    C : ndarray, shape (K, K, J)
        Of columns that are independent but for those of zeros.
    """
    R = np.zeros_like(C)
    for i in range(len(C)):
        rest = C[i, i:] - np.einsum("kj,kbj->bj", R[:i, i], R[:i, i:])
        length = np.sqrt(np.maximum(rest[0], 0.0))
        np.divide(rest, length, out=R[i, i:], where=length > 0)
    return R


def _square(root: NDArray[np.float64]) -> NDArray[np.float64]:
    """rootᵀ root, shape (R, K, K, J)."""
    made: NDArray[np.float64] = np.einsum("rbaj,rbcj->racj", root, root)
    return made


def _sum(row: NDArray[np.float64], factor: GroupingFactor) -> NDArray[np.float64]:
    total: NDArray[np.float64] = np.bincount(
        factor.codes, weights=row, minlength=factor.levels
    ).astype(np.float64, copy=False)
    return total


def _sums(
    left: NDArray[np.float64], right: NDArray[np.float64], factor: GroupingFactor
) -> NDArray[np.float64]:
    """Products of rows summed within levels: shape (c, K, J) of (K, n) and (c, n)."""
    made = np.empty((len(right), len(left), factor.levels))
    n = right.shape[1]
    for a, row in enumerate(left):
        if len(right) <= FEW:
            for c, other in enumerate(right):
                made[c, a] = _sum(row * other, factor)
        else:
            indicator = sparse.csr_array(
                (row, factor.codes, np.arange(n + 1)), shape=(n, factor.levels)
            )
            made[:, a] = (indicator.T @ right.T).T
    return made


def root_beside_identity(B: NDArray[np.float64]) -> NDArray[np.float64]:
    """The lower triangular L with LLᵀ = I + BBᵀ, diagonals of 1 or more.

    Parameters
    ----------
    B : ndarray, shape (R, K, k, P)
        Matrices side by side in the last axis, their columns in descending order of length.

    Returns
    -------
    ndarray, shape (R, K, K, P)
    """
    R, K, k, P = B.shape
    whole = np.zeros((R, K, k + K, P))
    whole[:, :, :k] = B
    own = np.arange(K)
    whole[:, own, k + own] = 1.0
    L = np.zeros((R, K, K, P))
    for i in range(K):
        row = whole[:, i, i:].copy()
        # The identity keeps it from being less than 1.
        length = np.sqrt((row * row).sum(axis=1))
        L[:, i, i] = length
        first = row[:, 0].copy()
        sign = np.where(first < 0, -1.0, 1.0)
        row[:, 0] = first + sign * length
        if i + 1 == K:
            break
        below = whole[:, i + 1 :, i:]
        along = (
            np.einsum("rajp,rjp->rap", below, row) / (length * (length + np.abs(first)))[:, None]
        )
        below -= along[:, :, None] * row[:, None]
        # The reflection takes the row to -sign times its length.
        L[:, i + 1 :, i] = -sign[:, None] * below[:, :, 0]
    return L


def forward(L: NDArray[np.float64], B: NDArray[np.float64]) -> NDArray[np.float64]:
    """L⁻¹B by forward substitution, shapes (R, K, K, P) and (R or 1, K, k, P or 1)."""
    R, K, _, P = L.shape
    made = np.empty((R, K, B.shape[2], P))
    for i in range(K):
        rest = B[:, i]
        if i:
            rest = rest - np.einsum("rjp,rjkp->rkp", L[:, i, :i], made[:, :i])
        made[:, i] = rest / L[:, i, i, None]
    return made
