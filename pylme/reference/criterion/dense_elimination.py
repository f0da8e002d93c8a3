"""The remainder as dense matrices of q₂ by q₂."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from pylme.reference.criterion.elimination import Roots, amplification, vector_bytes
from pylme.reference.problem.coupling import Coupling, Way, coupling, way_to_couple
from pylme.reference.problem.remainder import Remainder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pylme.reference.problem.cells import Cells

__all__ = [
    "DenseEliminated",
    "DenseElimination",
    "DensePlan",
    "dense_elimination",
    "dense_plan",
]

#: Rows and columns of a matrix that are copied at a time.
_ROWS: Final = 128
#: Columns of D₂ that are multiplied at a time: memory is that of a few columns for each level.
_CHUNK: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DenseEliminated:
    """At one set of covariances.

    Attributes
    ----------
    of : DenseElimination
    roots : Roots
        Of the remainder's factors.
    S22, inverse : ndarray, shape (q₂, q₂)
        The last is A₂⁻¹.
    factor : ndarray, shape (q₂, q₂)
        The lower Cholesky factor of A₂, in columns.
    D2 : ndarray, shape (q₂, q₂)
    logdet : float
        log|A₂|.
    """

    of: DenseElimination
    roots: Roots
    S22: NDArray[np.float64]
    inverse: NDArray[np.float64]
    factor: NDArray[np.float64]
    D2: NDArray[np.float64]
    logdet: float

    @property
    def amplified(self) -> float:
        """See `pylme.reference.criterion.elimination.amplification`."""
        remainder, diagonal = self.of.remainder, self.inverse.diagonal()
        own = [diagonal[remainder.rows(f)].reshape(-1, K) for f, K in enumerate(remainder.widths)]
        return amplification(self.of.whole, self.roots.regular, own)

    def times_S22(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """S₂₂ v, of v of shape (q₂, c)."""
        product: NDArray[np.float64] = self.S22 @ v
        return product

    def times_D2(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """D₂ v, of v of shape (q₂, c)."""
        return self.effects(self.solve(v))

    def solve(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """A₂⁻¹Λ₂ᵀ v = u, of v of shape (q₂, c)."""
        inner = self.of.remainder.times([root.T for root in self.roots.regular], v)
        return _solved(self.factor, inner)

    def effects(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Λ₂ u."""
        return self.of.remainder.times(self.roots.regular, u)

    def scores(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Λ₂⁻ᵀ u, which is Z₂ᵀV⁻¹ of what u was solved for."""
        return self.of.remainder.times([root.T for root in self.roots.inverse], u)

    def times_G(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """(I - D₂S₂₂) v = Λ₂A₂⁻¹Λ₂⁻¹ v, of v of shape (q₂, c)."""
        inner = self.of.remainder.times(self.roots.inverse, v)
        return self.effects(_solved(self.factor, inner))

    def G(self) -> NDArray[np.float64]:
        """I - D₂S₂₂ = Λ₂A₂⁻¹Λ₂⁻¹."""
        remainder = self.of.remainder
        half = remainder.right(self.inverse, self.roots.inverse)
        return remainder.right(half.T, [root.T for root in self.roots.regular]).T

    def coupled(self) -> NDArray[np.float64]:
        """The blocks of B D₂ Bᵀ, shape (K, K, J)."""
        return self.of.coupling.blocks(self.D2)

    def sums(self) -> list[NDArray[np.float64]]:
        """The sum of the diagonal blocks of K₂₂ of each factor, shapes (K_f, K_f)."""
        remainder = self.of.remainder
        SL = remainder.right(self.S22, self.roots.regular)
        made = []
        for f, inverse in enumerate(self.roots.inverse):
            own = remainder.rows(f)
            # K₂₂Λ₂ = S₂₂Λ₂A₂⁻¹
            K22 = remainder.sum_of_blocks(f, SL[own], self.inverse[own]) @ inverse
            made.append(0.5 * (K22 + K22.T))
        return made

    def spread(self, f: int) -> NDArray[np.float64]:
        """The diagonal blocks of D₂ of factor f, shape (J_f, K_f, K_f)."""
        return self.of.remainder.blocks(f, self.D2)

    def between(
        self, i: NDArray[np.integer[Any]], j: NDArray[np.integer[Any]]
    ) -> NDArray[np.float64]:
        """The entries (i, j) of D₂."""
        return np.asarray(self.D2[i, j])

    def towards(
        self, levels: NDArray[np.int32], i: NDArray[np.integer[Any]]
    ) -> NDArray[np.float64]:
        """The entries (a, j; i) of B D₂, shape (K, entries)."""
        columns, place = np.unique(i, return_inverse=True)
        found = []
        for start in range(0, len(columns), _CHUNK):
            here = np.flatnonzero((place >= start) & (place < start + _CHUNK))
            BD2 = self.of.coupling.times(self.D2[:, columns[start : start + _CHUNK]])
            found.append((here, BD2[:, levels[here], place[here] - start]))
        made = np.empty((len(found[0][1]), len(i)))
        for here, values in found:
            made[:, here] = values
        return made


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DenseElimination:
    """Before the covariances are known.

    Attributes
    ----------
    remainder : Remainder
    coupling : Coupling
        B.
    W22 : ndarray, shape (q₂, q₂)
    whole : tuple of ndarray, shapes (J_f, K_f, K_f)
        The diagonal blocks of Z₂ᵀZ₂.
    bytes : int
        How much memory an evaluation is estimated to take.
    """

    remainder: Remainder
    coupling: Coupling
    W22: NDArray[np.float64]
    whole: tuple[NDArray[np.float64], ...]
    bytes: int

    def less(self, G: NDArray[np.float64]) -> DenseElimination:
        """With Bᵀ G B taken away from Z₂ᵀZ₂."""
        return replace(self, W22=self.W22 - self.coupling.eliminate(G))

    def at(self, E: NDArray[np.float64], T: Sequence[NDArray[np.float64]]) -> DenseEliminated:
        """What is left at S₂₂ = W₂₂ + BᵀEB, E of shape (K, K, J), and the other factors' T."""
        S22, roots, factor = self._factored(E, T)
        inverse = _inverse(factor)
        return DenseEliminated(
            of=self,
            roots=roots,
            S22=S22,
            inverse=inverse,
            factor=factor,
            D2=self.remainder.congruent(inverse, [root.T for root in roots.plain]),
            logdet=2.0 * float(np.log(factor.diagonal()).sum()),
        )

    def solution(
        self, E: NDArray[np.float64], T: Sequence[NDArray[np.float64]], v: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """D₂ v alone, of v of shape (q₂, c)."""
        _, roots, factor = self._factored(E, T)
        inner = self.remainder.times([root.T for root in roots.plain], v)
        return self.remainder.times(roots.plain, _solved(factor, inner))

    def _factored(
        self, E: NDArray[np.float64], T: Sequence[NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], Roots, NDArray[np.float64]]:
        """S₂₂, the roots, and the factor of A₂."""
        S22 = self.W22 + self.coupling.eliminate(E)
        roots = Roots.of(T)
        A = self.remainder.congruent(S22, roots.regular)
        A.flat[:: len(A) + 1] += 1.0
        # The transpose of an array in rows is the same matrix in columns, as LAPACK wants it.
        factor, failed = lapack.dpotrf(A.T, lower=1, overwrite_a=1, clean=0)
        if failed:
            raise np.linalg.LinAlgError
        return S22, roots, factor

    def times_W22(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """W₂₂ v, of v of shape (q₂, c)."""
        product: NDArray[np.float64] = self.W22 @ v
        return product

    def times(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """B v, shape (K, J, c), of v of shape (q₂, c)."""
        return self.coupling.times(v)

    def transposed_times(self, w: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bᵀ w, shape (q₂, c), of w of shape (K, J, c)."""
        return self.coupling.transposed_times(w)

    def products(self, f: int) -> NDArray[np.float64]:
        """The diagonal blocks of W₂₂ of factor f, shape (J_f, K_f, K_f)."""
        return self.remainder.blocks(f, self.W22)


def _solved(factor: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of A₂ times v, from its Cholesky factor."""
    solved, _ = lapack.dpotrs(factor, v, lower=1)
    return np.asarray(solved, dtype=np.float64)


def _inverse(factor: NDArray[np.float64]) -> NDArray[np.float64]:
    """A₂⁻¹ from its Cholesky factor."""
    inverse, _ = lapack.dpotri(factor, lower=1)
    # By blocks of rows that stay in the cache.
    made = np.asarray(inverse, dtype=np.float64).T
    q = len(made)
    for start in range(0, q, _ROWS):
        end = start + _ROWS
        made[end:, start:end] = made[start:end, end:].T
        square = made[start:end, start:end]
        square[:] = np.triu(square) + np.triu(square, 1).T
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class DensePlan:
    """How a dense remainder would be kept, and the bytes that it would take at most."""

    way: Way
    bytes: int


def dense_plan(
    parts: Sequence[Cells], remainder: Remainder, *, shape: tuple[int, int], limit: float
) -> DensePlan:
    """How a dense remainder would be kept.

    Parameters
    ----------
    parts : sequence of Cells
        Of the leading factor with each of the others: B.
    remainder : Remainder
    shape : tuple of int
        K and J of the leading factor.
    limit : float
        The bytes that it should not exceed.
    """
    matrix = 8.0 * float(remainder.size) ** 2
    # At hand for the exact second derivatives: 10 matrices of q₂ by q₂, and 3 for each product of
    # two columns of the leading factor.
    used = matrix * (10 + 3 * shape[0] * (shape[0] + 1) / 2) + vector_bytes(remainder, shape)
    way = way_to_couple(parts, remainder, shape=shape, limit=limit - used)
    return DensePlan(way=way, bytes=int(max(way.made + matrix, way.used + used)))


def dense_elimination(
    plan: DensePlan,
    parts: Sequence[Cells],
    products: Mapping[tuple[int, int], Cells],
    remainder: Remainder,
    *,
    shape: tuple[int, int],
) -> DenseElimination:
    """A dense remainder as planned, from the cells of B and of Z₂ᵀZ₂."""
    W22 = _scattered(products, remainder)
    return DenseElimination(
        remainder=remainder,
        coupling=coupling(parts, remainder, shape=shape, way=plan.way),
        W22=W22,
        whole=tuple(remainder.blocks(f, W22) for f in range(len(remainder.widths))),
        bytes=plan.bytes,
    )


def _scattered(
    products: Mapping[tuple[int, int], Cells], remainder: Remainder
) -> NDArray[np.float64]:
    """Z₂ᵀZ₂."""
    C22 = np.zeros((remainder.size, remainder.size))
    for (f, g), found in products.items():
        k, m = remainder.widths[f], remainder.widths[g]
        for a in range(k):
            for b in range(m):
                rows = remainder.starts[f] + found.rows * k + a
                at = remainder.starts[g] + found.columns * m + b
                C22[rows, at] = found.values[a, b]
                C22[at, rows] = found.values[a, b]
    return C22
