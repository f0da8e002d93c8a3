"""The algebra of several grouping factors: the first eliminated level by level, the rest dense.

ZᵀWZ is linear in the weights: which pairs of levels meet in a row is found once, and every sum is
one pass over the rows. With A₁₁ block diagonal, B = A₁₂, G = A₁₁⁻¹B and S = A₂₂ - BᵀG,

    log|A| = log|A₁₁| + log|S|
    A⁻¹ = [ A₁₁⁻¹ + G S⁻¹Gᵀ,  -G S⁻¹ ;  ·,  S⁻¹ ]

The gradient needs A⁻¹ only between effects that meet in a row: with t_i = A⁻¹Λᵀz_i restricted to
the levels of row i,

    h_i = z_iᵀΛt_i        Σ_j blocks of ZᵀWZΛA⁻¹ = Σ_i w_i z_i t_iᵀ

References
----------
Bates, Mächler, Bolker & Walker (2015), Journal of Statistical Software 67(1), section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from pylme.reference.generalized.algebra.change import Change
from pylme.reference.generalized.algebra.factored_system import FactoredSystem, PartOfInverse
from pylme.reference.generalized.algebra.meetings import Meeting, applied, between
from pylme.reference.generalized.algebra.sparse_rest import SparseRest
from pylme.reference.linalg.small_matrices import congruent_by_one, inverse_and_logdet
from pylme.reference.threads import threads_for

__all__ = ["SeveralFactorsAlgebra"]

Arrays = list[NDArray[np.float64]]

#: Elements of A⁻¹ that are computed at once.
CHUNK: Final = 2e7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeveralFactorsAlgebra:
    """Several grouping factors.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        The rows of the data in the order of the first factor's levels.
    codes : list of ndarray of int, shape (n,)
        The levels of each factor in each row, in this order.
    starts : ndarray of int, shape (J₁,)
        Where each level of the first factor begins.
    z : list of ndarray, shapes (K_f, n)
    levels : list of int
    meetings : tuple of Meeting
        Of the first factor with each other one.
    rest : tuple of Meeting
        Of the others with each other and with themselves.
    offsets : list of int
        Where each factor begins among the q₂ effects of the others, 0 for the first too; then q₂.
    dense : bool
        How the coupling of the first factor with the others is stored.
    pattern : tuple, or None
        The places of the elements in the sparse coupling.
    sparse : SparseRest, or None
        Where what is left by elimination is sparse too.
    """

    order: NDArray[np.intp]
    codes: list[NDArray[np.intp]]
    starts: NDArray[np.intp]
    z: Arrays
    levels: list[int]
    meetings: tuple[Meeting, ...]
    rest: tuple[Meeting, ...]
    offsets: list[int]
    dense: bool
    pattern: tuple[NDArray[np.intp], ...] | None = None
    sparse: SparseRest | None = None
    _products: dict[tuple[int, int, int, int], NDArray[np.float64]] = field(default_factory=dict)

    separable = False

    @property
    def differentiable(self) -> bool:
        """Whether `change` can be asked for: of a sparse inverse only a part is known."""
        return self.sparse is None

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(K_f, J_f) of each factor."""
        return [(len(z), J) for z, J in zip(self.z, self.levels, strict=True)]

    def with_columns(self, z: Arrays) -> SeveralFactorsAlgebra:
        """The same with other columns."""
        return replace(self, z=z, _products={})

    def gather(self, s: NDArray[np.float64]) -> Arrays:
        """Zᵀs, shapes (..., K_f, J_f), of s of shape (..., n)."""
        made = [np.add.reduceat(s[..., None, :] * self.z[0], self.starts, axis=-1)]
        for z, codes, J in zip(self.z[1:], self.codes[1:], self.levels[1:], strict=True):
            product = (s[..., None, :] * z).reshape(-1, s.shape[-1])
            sums = np.stack([np.bincount(codes, row, minlength=J) for row in product])
            made.append(sums.reshape(*s.shape[:-1], len(z), J))
        return made

    def expand(self, b: Arrays) -> NDArray[np.float64]:
        """Zb, shape (..., n), of b of shapes (..., K_f, J_f)."""
        total: Any = 0.0
        for z, codes, own in zip(self.z, self.codes, b, strict=True):
            for a in range(len(z)):
                total = total + z[a] * own[..., a, :].take(codes, axis=-1)
        return np.asarray(total)

    def by_level(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums over the rows of each level of the first factor, of shape (..., n)."""
        return np.asarray(np.add.reduceat(rows, self.starts, axis=-1))

    def level_sums(self, f: int, w: NDArray[np.float64]) -> NDArray[np.float64]:
        """The blocks of ZᵀWZ of one factor, shape (K_f, K_f, J_f)."""
        z, codes, J = self.z[f], self.codes[f], self.levels[f]
        made = np.empty((len(z), len(z), J))
        for a in range(len(z)):
            for b in range(len(z)):
                made[a, b] = np.bincount(codes, w * z[a] * z[b], minlength=J)
        return made

    def pair(self, meeting: Meeting, w: NDArray[np.float64]) -> NDArray[np.float64]:
        """The blocks Z_fᵀWZ_g of each pair of levels, shape (K_f, K_g, E)."""
        f, g = meeting.f, meeting.g
        made = np.empty((len(self.z[f]), len(self.z[g]), len(meeting.at)))
        for a in range(len(self.z[f])):
            for b in range(len(self.z[g])):
                key = (f, g, a, b)
                if key not in self._products:
                    self._products[key] = self.z[f][a] * self.z[g][b]
                product = w * self._products[key]
                made[a, b] = np.bincount(meeting.entry, product, minlength=len(meeting.at))
        return made

    def factor(self, T: Arrays, w: NDArray[np.float64]) -> FactoredSystem:
        """A of the weights w."""
        z, K = self.z[0], len(self.z[0])
        C = np.empty((K, K, self.levels[0]))
        for a in range(K):
            for b in range(a + 1):
                C[a, b] = C[b, a] = self.by_level(w * z[a] * z[b])
        A11 = congruent_by_one(T[0].T, C)
        for a in range(K):
            A11[a, a] += 1.0
        with np.errstate(invalid="ignore", divide="ignore"):
            D, logdets = inverse_and_logdet(A11[None])
        B_entries = [between(T[0], self.pair(m, w), T[m.g]) for m in self.meetings]
        G_entries = [
            applied(D[0].take(m.at, axis=-1), B)
            for m, B in zip(self.meetings, B_entries, strict=True)
        ]
        B, G = self.coupling(B_entries), self.coupling(G_entries)
        rest = [between(T[m.f], self.pair(m, w), T[m.g]) for m in self.rest]
        logdet = float(logdets.sum())
        root: Any = None
        if np.isfinite(logdet) and self.sparse is not None:
            root = self.sparse.factor(B_entries, G_entries, rest)
            logdet = np.nan if root is None else logdet + root.logdet
        elif np.isfinite(logdet):
            root, of_rest = self._dense_root(B, G, rest)
            logdet += of_rest
        return FactoredSystem(
            w=w, C=C, D=D[0], G_entries=G_entries, B=B, G=G, root=root, logdet=logdet
        )

    def _dense_root(self, B: Any, G: Any, rest: Arrays) -> tuple[NDArray[np.float64], float]:
        """The factor of S = A₂₂ - BᵀG and log|S|; NaN where it is not positive definite."""
        S = self.placed(rest)
        S.flat[:: len(S) + 1] += 1.0
        with threads_for(B.shape[0] * S.size if self.dense else len(S) ** 3 / 3):
            product = B.T @ G
            S -= product if self.dense else product.toarray()
            root, failed = lapack.dpotrf(S, lower=1, overwrite_a=1, clean=0)
        diagonal = np.diag(root)
        if failed or not (diagonal > 0.0).all():
            return root, np.nan
        return root, 2.0 * float(np.log(diagonal).sum())

    def coupling(self, entries: Arrays) -> Any:
        """The entries as a matrix of shape (q₁, q₂)."""
        K, J = self.shapes[0]
        q2 = self.offsets[-1]
        if self.dense:
            matrix = np.zeros((K, J, q2))
            for m, values, start in zip(self.meetings, entries, self.offsets[1:], strict=False):
                width = self.levels[m.g]
                for b in range(values.shape[1]):
                    matrix[:, m.at, start + b * width + m.to] = values[:, b]
            return matrix.reshape(K * J, q2)
        assert self.pattern is not None  # noqa: S101  (made with the coupling)
        indptr, indices, source = self.pattern
        data = np.concatenate([values.ravel() for values in entries])
        return sparse.csr_array((data[source], indices, indptr), shape=(K * J, q2))

    def placed(self, entries: Arrays) -> NDArray[np.float64]:
        """The pairs of the others as a matrix, shape (q₂, q₂)."""
        q2 = self.offsets[-1]
        S = np.zeros((q2, q2), order="F")
        for m, values in zip(self.rest, entries, strict=True):
            rows, columns = self.offsets[m.f], self.offsets[m.g]
            for a in range(values.shape[0]):
                for b in range(values.shape[1]):
                    i = rows + a * self.levels[m.f] + m.at
                    j = columns + b * self.levels[m.g] + m.to
                    S[i, j] = values[a, b]
                    if m.f != m.g:
                        S[j, i] = values[a, b]
        return S

    def in_rows(self, inverse: PartOfInverse, turned: Arrays) -> Arrays:
        """A⁻¹Λᵀz_i restricted to the levels of row i, shapes (K_f, n), of the Λᵀz_i."""
        first = inverse.own.take(self.codes[0], axis=-1)
        made = [np.einsum("abn,bn->an", first, turned[0])]
        for m, V in zip(self.meetings, inverse.coupling, strict=True):
            blocks = V.take(m.entry, axis=-1)
            made[0] -= np.einsum("abn,bn->an", blocks, turned[m.g])
            made.append(-np.einsum("abn,an->bn", blocks, turned[0]))
        for m, S in zip(self.rest, inverse.rest, strict=True):
            blocks = S.take(m.entry, axis=-1)
            made[m.f] += np.einsum("abn,bn->an", blocks, turned[m.g])
            if m.f != m.g:
                made[m.g] += np.einsum("abn,an->bn", blocks, turned[m.f])
        return made

    def blocks_of(self, S: NDArray[np.float64]) -> Arrays:
        """The blocks of a matrix of shape (q₂, q₂) for the pairs of the others that meet."""
        made = []
        for m in self.rest:
            i = self.offsets[m.f] + self.levels[m.f] * np.arange(len(self.z[m.f]))
            j = self.offsets[m.g] + self.levels[m.g] * np.arange(len(self.z[m.g]))
            made.append(S[i[:, None, None] + m.at, j[:, None] + m.to])
        return made

    def coupled(self, G: Any, S: NDArray[np.float64]) -> Arrays:
        """G S for the pairs that meet, shapes (K₁, K_g, E_g)."""
        K, J = self.shapes[0]
        q2 = len(S)
        entries = [np.empty((K, len(self.z[m.g]), len(m.at))) for m in self.meetings]
        step = max(1, int(CHUNK // (q2 * K)))
        G = G.reshape(K, J, q2) if self.dense else G
        for begin in range(0, J, step):
            end = min(begin + step, J)
            for a in range(K):
                part = G[a, begin:end] if self.dense else G[a * J + begin : a * J + end]
                with threads_for(float(end - begin) * q2 * q2):
                    V = part @ S
                for m, values, start in zip(self.meetings, entries, self.offsets[1:], strict=False):
                    lo, hi = np.searchsorted(m.at, [begin, end])
                    for b in range(values.shape[1]):
                        columns = start + b * self.levels[m.g] + m.to[lo:hi]
                        values[a, b, lo:hi] = V[m.at[lo:hi] - begin, columns]
        return entries

    def leverage_and_blocks(
        self, T: Arrays, A: FactoredSystem, w: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], Arrays]:
        """The h_i, shape (n,), and Σ_j of the blocks of ZᵀWZΛA⁻¹, shapes (K_f, K_f)."""
        turned = [T_f.T @ z for T_f, z in zip(T, self.z, strict=True)]
        t = self.in_rows(self.part_of_inverse(A), turned)
        h = np.zeros(len(w))
        for left, own in zip(turned, t, strict=True):
            h += np.einsum("an,an->n", left, own)
        return h, [(w * z) @ own.T for z, own in zip(self.z, t, strict=True)]

    def part_of_inverse(self, A: FactoredSystem) -> PartOfInverse:
        """A⁻¹ between the effects that meet in a row."""
        matrix = None
        if self.sparse is not None:
            coupling, rest = self.sparse.inverse(A.root, A.G_entries)
        else:
            matrix = A.inverse_of_rest()
            coupling, rest = self.coupled(A.G, matrix), self.blocks_of(matrix)
        own = A.D.copy()
        for m, left, right in zip(self.meetings, A.G_entries, coupling, strict=True):
            product = np.einsum("ace,bce->abe", left, right)
            for a in range(len(own)):
                for b in range(len(own)):
                    own[a, b] += np.bincount(m.at, product[a, b], minlength=self.levels[0])
        return PartOfInverse(own=own, coupling=coupling, rest=rest, matrix=matrix)

    def change(
        self,
        T: Arrays,
        dT: Arrays,
        A: FactoredSystem,
        weights: tuple[NDArray[np.float64], NDArray[np.float64]],
    ) -> tuple[NDArray[np.float64], Arrays]:
        """The derivatives of what `leverage_and_blocks` gives, along D directions.

        Parameters
        ----------
        T : list of ndarray, shapes (K_f, K_f)
        dT : list of ndarray, shapes (D, K_f, K_f)
            The derivatives of the T_f.
        A : FactoredSystem
        weights : tuple of ndarray, shapes (n,) and (D, n)
            The weights of A and their derivatives.

        Returns
        -------
        h : ndarray, shape (D, n)
        blocks : list of ndarray, shapes (D, K_f, K_f)
        """
        return Change(self, T, A, weights[0]).along(dT, weights[1])

    def inverse_blocks(self, A: FactoredSystem, f: int) -> NDArray[np.float64]:
        """The diagonal blocks of A⁻¹ of one factor, shape (K_f, K_f, J_f)."""
        inverse = self.part_of_inverse(A)
        if f == 0:
            return inverse.own
        K, J = self.shapes[f]
        (blocks, m) = next(
            (S, m) for m, S in zip(self.rest, inverse.rest, strict=True) if m.f == m.g == f
        )
        made = np.zeros((K, K, J))
        made[np.arange(K), np.arange(K)] = 1.0
        made[:, :, m.at] = blocks
        return made

    def precision(self, T: Arrays, A: FactoredSystem, f: int) -> NDArray[np.float64]:
        """The blocks of K = ZᵀWZ - ZᵀWZΛA⁻¹ΛᵀZᵀWZ of one factor, shape (K_f, K_f, J_f)."""
        z, codes, J = self.z[f], self.codes[f], self.levels[f]
        K = len(z)
        made = self.level_sums(f, A.w)
        step = max(1, int(CHUNK // (10 * len(codes))))
        for begin in range(0, J, step):
            end = min(begin + step, J)
            mine = (codes >= begin) & (codes < end)
            at = np.flatnonzero(mine)
            rows = np.zeros((end - begin, K, len(codes)))
            rows[codes[at] - begin, :, at] = (A.w * z)[:, at].T
            R = [
                np.einsum("ab,lkaj->lkbj", T_g, c)
                for T_g, c in zip(T, self.gather(rows), strict=True)
            ]
            solved = A.solve(R)
            for left, right in zip(R, solved, strict=True):
                made[:, :, begin:end] -= np.einsum("lakj,lbkj->abl", left, right)
        return made
