"""The remainder as a sparse matrix, for many levels of which each is tied to few others.

Of A₂⁻¹ only the entries where S₂₂ has some are made, which is all that the criterion's first
derivatives need: the blocks of B D₂ Bᵀ, the diagonal blocks of D₂, and

    K₂₂Λ₂ = S₂₂Λ₂A₂⁻¹

whose diagonal blocks are sums over entries of S₂₂. To have K₂₂ itself they are divided by T_f, so
that T_f must be regular. A variance of zero is therefore replaced by one of 10⁻¹⁶ times that of the
residuals, which changes the criterion by no more than its rounding errors do: by tr(Z_fᵀZ_f) = n
times that at most. Nothing cancels in the division, as all that belongs to a direction of small
variance is small in proportion. D₂ keeps the zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pylme.reference.criterion.elimination import Roots, amplification, vector_bytes
from pylme.reference.linalg.fronts import Fronts, fronts_of
from pylme.reference.linalg.sparse_factor import (
    SparseFactor,
    Triangle,
    selected_inverse,
    sparse_factor,
    triangles_of,
)
from pylme.reference.linalg.supernodes import elimination_order, supernodes
from pylme.reference.problem.cells import incidence
from pylme.reference.problem.sparse_coupling import (
    SparseCoupling,
    coefficient_bytes,
    sparse_coupling,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pylme.reference.problem.cells import Cells
    from pylme.reference.problem.remainder import Remainder

__all__ = [
    "SparseEliminated",
    "SparseElimination",
    "SparsePlan",
    "sparse_elimination",
    "sparse_plan",
]

#: One is enough up to condition numbers of 10¹⁰.
REFINEMENTS: Final = 2
#: Products of entries of B and of D₂ that are in memory at a time.
_PRODUCTS: Final = 1e7
#: Bytes for each value of the pattern: its places while they are found, and five such values, the
#: whole matrix, and the places.
_MAKING: Final = 240
_USING: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SparseEliminated:
    """At one set of covariances.

    Attributes
    ----------
    of : SparseElimination
    roots : Roots
        Of the remainder's factors.
    S22, D2, inverse : ndarray, shape (values,)
        Values on the pattern; the last is A₂⁻¹.
    matrix : csr_array, shape (q₂, q₂)
        S₂₂.
    factor : SparseFactor
        Of A₂.
    """

    of: SparseElimination
    roots: Roots
    S22: NDArray[np.float64]
    D2: NDArray[np.float64]
    inverse: NDArray[np.float64]
    matrix: sparse.csr_array
    factor: SparseFactor

    @property
    def logdet(self) -> float:
        """log|A₂|."""
        return self.factor.logdet

    @property
    def amplified(self) -> float:
        """See `pylme.reference.criterion.elimination.amplification`."""
        pattern = self.of.coupling.pattern
        own = [
            np.einsum("aaj->ja", pattern.diagonal(self.inverse, f))
            for f in range(len(pattern.remainder.widths))
        ]
        return amplification(self.of.whole, self.roots.regular, own)

    def times_S22(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """S₂₂ v, of v of shape (q₂, c)."""
        return np.asarray(self.matrix @ v)

    def times_D2(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """D₂ v, of v of shape (q₂, c)."""
        return self.effects(self.solve(v))

    def solve(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """A₂⁻¹Λ₂ᵀ v = u, of v of shape (q₂, c)."""
        remainder = self.of.coupling.pattern.remainder
        transposed = [root.T for root in self.roots.regular]
        inner = remainder.times(transposed, v)
        u = self.factor.solve(inner)
        # The factor has inverses of its blocks, whose errors in u are not those of a small change
        # of the matrix; steps of refinement make them so.
        for _ in range(REFINEMENTS):
            scores = self.times_S22(remainder.times(self.roots.regular, u))
            u += self.factor.solve(inner - u - remainder.times(transposed, scores))
        return u

    def effects(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Λ₂ u."""
        return self.of.coupling.pattern.remainder.times(self.roots.regular, u)

    def scores(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Λ₂⁻ᵀ u, which is Z₂ᵀV⁻¹ of what u was solved for."""
        remainder = self.of.coupling.pattern.remainder
        return remainder.times([root.T for root in self.roots.inverse], u)

    def times_G(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """(I - D₂S₂₂) v = Λ₂A₂⁻¹Λ₂⁻¹ v, of v of shape (q₂, c)."""
        inner = self.of.coupling.pattern.remainder.times(self.roots.inverse, v)
        return self.effects(self.factor.solve(inner))

    def coupled(self) -> NDArray[np.float64]:
        """The blocks of B D₂ Bᵀ, shape (K, K, J)."""
        return self.of.coupling.blocks(self.D2)

    def sums(self) -> list[NDArray[np.float64]]:
        """The sum of the diagonal blocks of K₂₂ of each factor, shapes (K_f, K_f)."""
        pattern = self.of.coupling.pattern
        made = []
        products = pattern.sums_of_products(self.S22, self.roots.regular, self.inverse)
        for inverse, product in zip(self.roots.inverse, products, strict=True):
            K22 = product @ inverse
            made.append(0.5 * (K22 + K22.T))
        return made

    def spread(self, f: int) -> NDArray[np.float64]:
        """The diagonal blocks of D₂ of factor f, shape (J_f, K_f, K_f)."""
        return np.moveaxis(self.of.coupling.pattern.diagonal(self.D2, f), -1, 0)

    def between(
        self, i: NDArray[np.integer[Any]], j: NDArray[np.integer[Any]]
    ) -> NDArray[np.float64]:
        """The entries (i, j) of D₂, for effects of levels that occur in one row of the data."""
        return np.asarray(self.of.coupling.pattern.matrix(self.D2)[i, j])

    def towards(
        self, levels: NDArray[np.int32], i: NDArray[np.integer[Any]]
    ) -> NDArray[np.float64]:
        """The entries (a, j; i) of B D₂, shape (K, entries).

        All that is added up in these lies on the pattern, as level j brings it together.
        """
        D2 = self.of.coupling.pattern.matrix(self.D2)
        B, K, J = self.of.B, self.of.coupling.K, self.of.coupling.J
        products = float(np.diff(D2.indptr)[B.indices].sum())
        step = max(1, int(J * min(1.0, _PRODUCTS * K / max(products, 1.0))))
        made = np.empty((K, len(i)))
        for start in range(0, J, step):
            here = np.flatnonzero((levels >= start) & (levels < start + step))
            for a in range(K):
                BD2 = B[a * J + start : a * J + min(start + step, J)] @ D2
                made[a, here] = BD2[levels[here] - start, i[here]]
        return made


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SparseElimination:
    """Before the covariances are known.

    Attributes
    ----------
    coupling : SparseCoupling
    B : csr_array, shape (K J, q₂)
    layout : Fronts
    triangles : tuple of Triangle
        Of the factor of A₂.
    whole : tuple of ndarray, shapes (J_f, K_f, K_f)
        The diagonal blocks of Z₂ᵀZ₂.
    bytes : int
        How much memory an evaluation is estimated to take.
    """

    coupling: SparseCoupling
    B: sparse.csr_array
    layout: Fronts
    triangles: tuple[Triangle, ...]
    whole: tuple[NDArray[np.float64], ...]
    bytes: int

    def less(self, G: NDArray[np.float64]) -> SparseElimination:
        """With Bᵀ G B taken away from Z₂ᵀZ₂."""
        return replace(self, coupling=replace(self.coupling, products=self.coupling.eliminate(-G)))

    def at(self, E: NDArray[np.float64], T: Sequence[NDArray[np.float64]]) -> SparseEliminated:
        """What is left at S₂₂ = W₂₂ + BᵀEB, E of shape (K, K, J), and the other factors' T."""
        S22, roots, factor = self._factored(E, T)
        pattern = self.coupling.pattern
        inverse = selected_inverse(factor)
        return SparseEliminated(
            of=self,
            roots=roots,
            S22=S22,
            D2=pattern.congruent(inverse, [root.T for root in roots.plain]),
            inverse=inverse,
            matrix=pattern.matrix(S22),
            factor=factor,
        )

    def solution(
        self, E: NDArray[np.float64], T: Sequence[NDArray[np.float64]], v: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """D₂ v alone, of v of shape (q₂, c)."""
        _, roots, factor = self._factored(E, T)
        remainder = self.coupling.pattern.remainder
        inner = remainder.times([root.T for root in roots.plain], v)
        return remainder.times(roots.plain, factor.solve(inner))

    def _factored(
        self, E: NDArray[np.float64], T: Sequence[NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], Roots, SparseFactor]:
        """S₂₂, the roots, and the factor of A₂."""
        pattern = self.coupling.pattern
        S22 = self.coupling.eliminate(E)
        roots = Roots.of(T)
        A = pattern.congruent(S22, roots.regular)
        for f, K in enumerate(pattern.remainder.widths):
            pattern.diagonal(A, f)[np.arange(K), np.arange(K)] += 1.0
        return S22, roots, sparse_factor(self.layout, self.triangles, A)

    def times_W22(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """W₂₂ v, of v of shape (q₂, c)."""
        return np.asarray(self.coupling.pattern.matrix(self.coupling.products) @ v)

    def times(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """B v, shape (K, J, c), of v of shape (q₂, c)."""
        return np.asarray(self.B @ v).reshape(self.coupling.K, self.coupling.J, -1)

    def transposed_times(self, w: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bᵀ w, shape (q₂, c), of w of shape (K, J, c)."""
        return np.asarray(self.B.T @ w.reshape(self.B.shape[0], -1))

    def products(self, f: int) -> NDArray[np.float64]:
        """The diagonal blocks of W₂₂ of factor f, shape (J_f, K_f, K_f)."""
        return np.moveaxis(self.coupling.pattern.diagonal(self.coupling.products, f), -1, 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SparsePlan:
    """What is known before memory for an evaluation is allocated.

    Attributes
    ----------
    coupling : SparseCoupling
    layout : Fronts
    bytes : int
        How much memory an evaluation is estimated to take, with what it is made from.
    """

    coupling: SparseCoupling
    layout: Fronts
    bytes: int


def sparse_plan(
    parts: Sequence[Cells],
    products: Mapping[tuple[int, int], Cells],
    remainder: Remainder,
    *,
    shape: tuple[int, int],
) -> SparsePlan:
    """How a sparse remainder would lie in memory; the parameters are those of `sparse_coupling`."""
    coupled = sparse_coupling(parts, products, remainder, shape=shape)
    pattern = coupled.pattern
    i, j = pattern.neighbours()
    weights = np.repeat(remainder.widths, remainder.levels)
    tree = supernodes(i, j, elimination_order(i, j, len(weights)), weights)
    layout = fronts_of(tree, np.cumsum(weights) - weights, weights, pattern.coordinates())
    made, used = coefficient_bytes(parts, shape=shape)
    made += _MAKING * pattern.size
    used += _USING * pattern.size + layout.bytes + vector_bytes(remainder, shape)
    return SparsePlan(coupling=coupled, layout=layout, bytes=int(max(made, used)))


def sparse_elimination(
    plan: SparsePlan, parts: Sequence[Cells], remainder: Remainder
) -> SparseElimination:
    """A sparse remainder as planned."""
    found = incidence(parts, remainder).sorted()
    coupled = plan.coupling
    blocks = [
        np.moveaxis(coupled.pattern.diagonal(coupled.products, f), -1, 0)
        for f in range(len(remainder.widths))
    ]
    return SparseElimination(
        coupling=coupled,
        whole=tuple(blocks),
        B=found.matrix(plan.coupling.J, remainder.size),
        layout=plan.layout,
        triangles=triangles_of(plan.layout),
        bytes=plan.bytes,
    )
