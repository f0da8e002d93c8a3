"""How the leading factor is tied to all others: B = Q₁ᵀZ₂ and the products with it.

Eliminating the leading factor needs only Bᵀ D B for block-diagonal D, the blocks of B E Bᵀ,
and products with a few vectors. Where the levels of the leading factor meet few of the others, the
entries of Bᵀ D B are fixed linear combinations of those of D: their coefficients are kept as one
sparse matrix, and each elimination is one product with it. Where they meet many, B is kept dense.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import get_index_dtype

from pylme.reference.problem.cells import incidence, pairs_within
from pylme.reference.threads import threads_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pylme.reference.problem.cells import Cells, Incidence
    from pylme.reference.problem.remainder import Remainder

__all__ = ["Coupling", "Way", "coupling", "way_to_couple"]

#: A sparse multiplication costs about as much as this many in a dense product.
SPARSE_COST: Final = 60
#: Multiplications that cost less than the calls of a sparse product.
SMALL: Final = 1e5
#: Pairs of entries within a level that are found at a time.
PORTION: Final = 1_000_000
#: Bytes for each of these, and for each coefficient that is kept: its value and its place.
_FINDING: Final = 100
_KEEPING: Final = 12


class Coupling(Protocol):
    """B of shape (K J, q₂), its rows numbered (column of the leading factor, level)."""

    def eliminate(self, D: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bᵀ D B, shape (q₂, q₂), of symmetric blocks D of shape (K, K, J)."""
        ...

    def blocks(self, E: NDArray[np.float64]) -> NDArray[np.float64]:
        """The blocks of B E Bᵀ, shape (K, K, J), of symmetric E of shape (q₂, q₂)."""
        ...

    def times(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """B v, shape (K, J, c), of v of shape (q₂, c)."""
        ...

    def transposed_times(self, w: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bᵀ w, shape (q₂, c), of w of shape (K, J, c)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to keep B, and the bytes that it takes while it is made and while it is used."""

    dense: bool
    made: float
    used: float


def way_to_couple(
    parts: Sequence[Cells], remainder: Remainder, *, shape: tuple[int, int], limit: float = np.inf
) -> Way:
    """The quicker way to keep B if its bytes do not exceed the limit, else the smaller.

    Parameters
    ----------
    parts : sequence of Cells
        Of the leading factor with each of the others.
    remainder : Remainder
        Where those stand among the q₂.
    shape : tuple of int
        K and J of the leading factor.
    limit : float
    """
    K, J = shape
    per_level = np.zeros(J)
    for part in parts:
        per_level += part.values.shape[1] * np.bincount(part.rows, minlength=J)
    pairs = float((per_level * (per_level + 1)).sum()) / 2
    coefficients = pairs * (K * (K + 1) / 2)
    size = 8.0 * K * J * remainder.size
    # In addition to B, two products of its size are in use.
    dense = Way(dense=True, made=size, used=3.0 * size)
    kept = _KEEPING * coefficients
    sparse = Way(dense=False, made=_FINDING * min(pairs, PORTION) + kept, used=kept)
    work = K * J * float(remainder.size) ** 2
    quick = dense if work < SMALL or coefficients * SPARSE_COST > work else sparse
    if max(quick.made, quick.used) <= limit:
        return quick
    return min(dense, sparse, key=lambda way: max(way.made, way.used))


def coupling(
    parts: Sequence[Cells], remainder: Remainder, *, shape: tuple[int, int], way: Way
) -> Coupling:
    """B from its cells with each other factor, the chosen way."""
    K, J = shape
    found = incidence(parts, remainder)
    if way.dense:
        B = np.zeros((K, J, remainder.size))
        B[:, found.rows, found.at] = found.values
        return _Dense(B=B)
    return _sparse(found.sorted(), J, remainder.size)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Dense:
    """B as an array of shape (K, J, q₂)."""

    B: NDArray[np.float64]

    def eliminate(self, D: NDArray[np.float64]) -> NDArray[np.float64]:
        K, J, q2 = self.B.shape
        weighted = self._weighted(D).reshape(K * J, q2)
        with threads_for(K * J * q2 * q2):
            product: NDArray[np.float64] = weighted.T @ self.B.reshape(K * J, q2)
        return product

    def _weighted(self, D: NDArray[np.float64]) -> NDArray[np.float64]:
        K = len(self.B)
        made = np.empty_like(self.B)
        for a in range(K):
            np.multiply(self.B[0], D[a, 0][:, None], out=made[a])
            for b in range(1, K):
                made[a] += self.B[b] * D[a, b][:, None]
        return made

    def blocks(self, E: NDArray[np.float64]) -> NDArray[np.float64]:
        K, J, q2 = self.B.shape
        with threads_for(K * J * q2 * q2):
            BE = (self.B.reshape(K * J, q2) @ E).reshape(K, J, q2)
        made = np.empty((K, K, J))
        for a in range(K):
            for b in range(a, K):
                made[a, b] = made[b, a] = np.einsum("ju,ju->j", BE[a], self.B[b])
        return made

    def times(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        product: NDArray[np.float64] = self.B @ v
        return product

    def transposed_times(self, w: NDArray[np.float64]) -> NDArray[np.float64]:
        K, J, q2 = self.B.shape
        product: NDArray[np.float64] = self.B.reshape(K * J, q2).T @ w.reshape(K * J, -1)
        return product


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sparse:
    """B as a sparse matrix of shape (K J, q₂), and the coefficients of Bᵀ D B.

    Attributes
    ----------
    B : csr_array, shape (K J, q₂)
    coefficients : csc_array, shape (q₂², J K (K + 1) / 2)
        Of the entries of D's upper triangles, for those of the upper triangle of Bᵀ D B.
    K, J : int
    """

    B: sparse.csr_array
    coefficients: sparse.csc_array
    K: int
    J: int

    def eliminate(self, D: NDArray[np.float64]) -> NDArray[np.float64]:
        q2 = self.B.shape[1]
        a, b = np.triu_indices(self.K)
        upper = (self.coefficients @ D[a, b].ravel()).reshape(q2, q2)
        made: NDArray[np.float64] = upper + np.triu(upper, 1).T
        return made

    def blocks(self, E: NDArray[np.float64]) -> NDArray[np.float64]:
        # Each pair of others stands once in the upper triangle and twice in the quadratic form.
        twice = 2.0 * E
        np.fill_diagonal(twice, E.diagonal())
        a, b = np.triu_indices(self.K)
        entries = (self.coefficients.T @ twice.ravel()).reshape(len(a), self.J)
        made = np.empty((self.K, self.K, self.J))
        # The coefficients of D_ab, a ≠ b, count both D_ab and D_ba.
        made[a, b] = made[b, a] = entries * np.where(a == b, 1.0, 0.5)[:, None]
        return made

    def times(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.B @ v).reshape(self.K, self.J, -1)

    def transposed_times(self, w: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.B.T @ w.reshape(self.K * self.J, -1))


def _sparse(found: Incidence, J: int, q2: int) -> _Sparse:
    """B and its coefficients from sorted entries."""
    K = len(found.values)
    products = [(a, b) for a in range(K) for b in range(a, K)]
    per_level = np.bincount(found.rows, minlength=J)
    counts = per_level * (per_level + 1) // 2
    total = int(counts.sum())
    index = get_index_dtype(maxval=max(q2 * q2, len(products) * total))
    data = np.empty((len(products), total))
    places = np.empty((len(products), total), dtype=index)
    done = 0
    for entries in _portions(per_level, counts):
        rows, at, values = found.rows[entries], found.at[entries], found.values[:, entries]
        first, second = pairs_within(rows - rows[0], int(rows[-1] - rows[0]) + 1)
        here = slice(done, done + len(first))
        places[:, here] = at[first] * q2 + at[second]
        left, right = values[:, first], values[:, second]
        for k, (a, b) in enumerate(products):
            np.multiply(left[a], right[b], out=data[k, here])
            if a != b:
                data[k, here] += left[b] * right[a]
        done = here.stop
    pointers = np.concatenate([[0], np.cumsum(np.tile(counts, len(products)))]).astype(index)
    coefficients = sparse.csc_array(
        (data.ravel(), places.ravel(), pointers), shape=(q2 * q2, len(products) * J)
    )
    return _Sparse(B=found.matrix(J, q2), coefficients=coefficients, K=K, J=J)


def _portions(per_level: NDArray[np.intp], counts: NDArray[np.intp]) -> Iterator[slice]:
    """The entries of as many levels at a time as have about `PORTION` pairs."""
    portion = np.cumsum(counts) // PORTION
    levels = np.flatnonzero(np.diff(portion)) + 1
    ends = np.concatenate([[0], np.cumsum(per_level)])
    bounds = ends[[0, *levels, len(per_level)]].tolist()
    return (slice(start, stop) for start, stop in pairwise(bounds) if stop > start)
