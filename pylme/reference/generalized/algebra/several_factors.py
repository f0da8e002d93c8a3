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
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from pylme.reference.generalized.algebra.change import Change
from pylme.reference.generalized.algebra.factored_system import FactoredSystem, PartOfInverse
from pylme.reference.generalized.algebra.meetings import Meeting, applied, between, meeting_of
from pylme.reference.linalg.small_matrices import congruent_by_one, inverse_and_logdet
from pylme.reference.threads import threads_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.reference.problem.layout import Layout

__all__ = ["SeveralFactorsAlgebra", "several_factors_of"]

Arrays = list[NDArray[np.float64]]

#: Where more than this part of the pairs of levels meet, the coupling is stored densely.
DENSE: Final = 0.2
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
    _products: dict[tuple[int, int, int, int], NDArray[np.float64]] = field(default_factory=dict)

    separable = False

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
        S = self._rest(T, w)
        with threads_for(B.shape[0] * S.size if self.dense else len(S) ** 3 / 3):
            product = B.T @ G
            S -= product if self.dense else product.toarray()
            logdet = float(logdets.sum())
            root = S
            if np.isfinite(logdet):
                root, failed = lapack.dpotrf(S, lower=1, overwrite_a=1, clean=0)
                diagonal = np.diag(root)
                if failed or not (diagonal > 0.0).all():
                    logdet = np.nan
                else:
                    logdet += 2.0 * float(np.log(diagonal).sum())
        return FactoredSystem(
            w=w, C=C, D=D[0], G_entries=G_entries, B=B, G=G, root=root, logdet=logdet
        )

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

    def _rest(self, T: Arrays, w: NDArray[np.float64]) -> NDArray[np.float64]:
        """A₂₂, shape (q₂, q₂)."""
        S = self.placed([between(T[m.f], self.pair(m, w), T[m.g]) for m in self.rest])
        S.flat[:: len(S) + 1] += 1.0
        return S

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
        S, own, V_entries = inverse.rest, inverse.own, inverse.coupling
        first = own.take(self.codes[0], axis=-1)
        made = [np.einsum("abn,bn->an", first, turned[0])]
        for m, V in zip(self.meetings, V_entries, strict=True):
            between = V.take(m.entry, axis=-1)
            made[0] -= np.einsum("abn,bn->an", between, turned[m.g])
            made.append(-np.einsum("abn,an->bn", between, turned[0]))
        for f in range(1, len(self.z)):
            for g in range(1, len(self.z)):
                for a in range(len(self.z[f])):
                    i = self.offsets[f] + a * self.levels[f] + self.codes[f]
                    for b in range(len(self.z[g])):
                        j = self.offsets[g] + b * self.levels[g] + self.codes[g]
                        made[f][a] += S[i, j] * turned[g][b]
        return made

    def _inverse_coupling(
        self, A: FactoredSystem, S: NDArray[np.float64]
    ) -> tuple[Arrays, NDArray[np.float64]]:
        """G S⁻¹ for the pairs that meet, and the diagonal blocks of A⁻¹ of the first factor."""
        K, J = self.shapes[0]
        entries = self.coupled(A.G, S)
        own = A.D.copy()
        for m, left, right in zip(self.meetings, A.G_entries, entries, strict=True):
            product = np.einsum("ace,bce->abe", left, right)
            for a in range(K):
                for b in range(K):
                    own[a, b] += np.bincount(m.at, product[a, b], minlength=J)
        return entries, own

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
        S = A.inverse_of_rest()
        entries, own = self._inverse_coupling(A, S)
        return PartOfInverse(own=own, coupling=entries, rest=S)

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
        S = A.inverse_of_rest()
        if f == 0:
            return self._inverse_coupling(A, S)[1]
        K, J = self.shapes[f]
        start = self.offsets[f]
        block = S[start : start + K * J, start : start + K * J].reshape(K, J, K, J)
        return np.asarray(np.einsum("ajbj->abj", block))

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


def several_factors_of(
    layout: Layout, columns: Sequence[NDArray[np.float64]]
) -> SeveralFactorsAlgebra:
    """The algebra of a layout of several factors, the one with most effects first.

    Parameters
    ----------
    layout : Layout
    columns : sequence of ndarray, shapes (n, k_t)
        The columns of each term, in the order of the terms.
    """
    factors = layout.factors
    order = np.argsort(factors[0].codes, kind="stable")
    codes = [factor.codes[order].astype(np.intp) for factor in factors]
    z = [
        np.ascontiguousarray(np.concatenate([columns[t].T for t in factor.terms])[:, order])
        for factor in factors
    ]
    levels = [factor.levels for factor in factors]
    meetings = tuple(meeting_of(codes, levels, 0, g) for g in range(1, len(factors)))
    rest = tuple(
        meeting_of(codes, levels, f, g) for f in range(1, len(factors)) for g in range(1, f + 1)
    )
    q2 = sum(factor.size for factor in factors[1:])
    filled = sum(len(m.at) * factors[m.g].width for m in meetings)
    sizes = [factor.size for factor in factors[1:]]
    algebra = SeveralFactorsAlgebra(
        order=order, codes=codes, starts=np.searchsorted(codes[0], np.arange(levels[0])), z=z,
        levels=levels, meetings=meetings, rest=rest,
        offsets=[0, 0, *np.cumsum(sizes).tolist()], dense=filled > DENSE * levels[0] * q2,
    )  # fmt: skip
    return algebra if algebra.dense else replace(algebra, pattern=_pattern(algebra))


def _pattern(algebra: SeveralFactorsAlgebra) -> tuple[NDArray[np.intp], ...]:
    """The compressed rows of the coupling, and which entry each element is."""
    K, J = algebra.shapes[0]
    rows, columns = [], []
    for m, start in zip(algebra.meetings, algebra.offsets[1:], strict=False):
        for a in range(K):
            for b in range(len(algebra.z[m.g])):
                rows.append(a * J + m.at)
                columns.append(start + b * algebra.levels[m.g] + m.to)
    row, column = np.concatenate(rows), np.concatenate(columns)
    source = np.lexsort((column, row))
    indptr = np.searchsorted(row[source], np.arange(K * J + 1))
    return indptr, column[source], source
