"""All factors but the leading one, as one block of q₂ random effects, and matrices over that block.

The rows of the block are numbered factor by factor, level by level, column by column. Λ₂ is block
diagonal with T_f repeated for each level of f.

A sparse symmetric matrix over it has a block of shape (K_f, K_g) for each pair of a level of factor
f and a level of factor g that is not zero, f ≤ g. Its values stand in one flat array, pair of
factors by pair of factors, each as an array of shape (K_f, K_g, cells). Of the blocks within one
factor those on the diagonal come first, all of them and level by level, and of the others the ones
above the diagonal are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pylme.reference.problem.layout import GroupingFactor

__all__ = ["BlockPattern", "FactorPair", "Remainder", "block_pattern"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """Where the factors' random effects stand in the block.

    Attributes
    ----------
    widths, levels, starts : tuple of int
        Of each factor: K_f, J_f, and its first row.
    size : int
        q₂.
    """

    widths: tuple[int, ...]
    levels: tuple[int, ...]
    starts: tuple[int, ...]
    size: int

    @classmethod
    def of(cls, factors: Sequence[GroupingFactor]) -> Remainder:
        """The block of these factors."""
        *starts, size = np.cumsum([0, *(factor.size for factor in factors)]).tolist()
        return cls(
            widths=tuple(factor.width for factor in factors),
            levels=tuple(factor.levels for factor in factors),
            starts=tuple(starts),
            size=size,
        )

    @property
    def factors(self) -> range:
        """The numbers of the factors, from 0."""
        return range(len(self.widths))

    def rows(self, f: int) -> slice:
        """The rows of factor f."""
        return slice(self.starts[f], self.starts[f] + self.widths[f] * self.levels[f])

    def right(
        self, S: NDArray[np.float64], T: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """S Λ₂, shape (rows, q₂)."""
        made = np.empty_like(S)
        for f, (K, J) in enumerate(zip(self.widths, self.levels, strict=True)):
            own = self.rows(f)
            if K == 1:
                np.multiply(S[:, own], T[f][0, 0], out=made[:, own])
            else:
                made[:, own] = (S[:, own].reshape(-1, J, K) @ T[f]).reshape(-1, J * K)
        return made

    def congruent(
        self, S: NDArray[np.float64], T: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Λ₂ᵀ S Λ₂ of a symmetric S."""
        if max(self.widths) > 1:
            return self.right(self.right(S, T).T, T)
        scale = np.repeat([matrix[0, 0] for matrix in T], self.levels)
        made: NDArray[np.float64] = S * scale
        made *= scale[:, None]
        return made

    def times(
        self, T: Sequence[NDArray[np.float64]], v: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Λ₂ v, of v of shape (q₂, c)."""
        made = np.empty_like(v)
        for f, (K, J) in enumerate(zip(self.widths, self.levels, strict=True)):
            own = self.rows(f)
            made[own] = (T[f] @ v[own].reshape(J, K, -1)).reshape(J * K, -1)
        return made

    def sum_of_blocks(
        self, f: int, left: NDArray[np.float64], right: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The sum of the diagonal blocks of left @ rightᵀ, both rows of factor f: (K_f, K_f)."""
        K = self.widths[f]
        return np.array([[np.vdot(left[a::K], right[b::K]) for b in range(K)] for a in range(K)])

    def blocks(self, f: int, S: NDArray[np.float64]) -> NDArray[np.float64]:
        """The diagonal blocks of S of factor f, shape (J_f, K_f, K_f)."""
        K, J = self.widths[f], self.levels[f]
        own = S[self.rows(f), self.rows(f)].reshape(J, K, J, K)
        return own[np.arange(J), :, np.arange(J)]

    def of_factor(self, f: int, W: NDArray[np.float64]) -> NDArray[np.float64]:
        """The rows of factor f of W, shape (q₂, c), as (c, K_f, J_f)."""
        return W[self.rows(f)].reshape(self.levels[f], self.widths[f], -1).transpose(2, 1, 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FactorPair:
    """The blocks between two factors of the remainder.

    Attributes
    ----------
    f, g : int
        The factors, f ≤ g.
    rows, columns : ndarray of int, shape (cells,)
        The level of f and the level of g of each block.
    shape : tuple of int
        K_f, K_g, cells.
    place : slice
        Where the values stand in the flat array.
    """

    f: int
    g: int
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    shape: tuple[int, int, int]
    place: slice

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The blocks among all values, shape (K_f, K_g, cells)."""
        return values[self.place].reshape(self.shape)

    def flat(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The blocks among all values as columns, shape (K_f K_g, cells)."""
        return values[self.place].reshape(self.shape[0] * self.shape[1], self.shape[2])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockPattern:
    """Which blocks there are.

    Attributes
    ----------
    remainder : Remainder
    pairs : tuple of FactorPair
        (0, 0), (0, 1), …, (1, 1), ….
    size : int
        The number of values.
    source, indices, pointers : ndarray of int
        The whole matrix in compressed rows: the value of each entry, its column, and where rows
        begin.
    """

    remainder: Remainder
    pairs: tuple[FactorPair, ...]
    size: int
    source: NDArray[np.intp]
    indices: NDArray[np.int32]
    pointers: NDArray[np.int32]

    def matrix(self, values: NDArray[np.float64]) -> sparse.csr_array:
        """The whole matrix, shape (q₂, q₂)."""
        q2 = self.remainder.size
        return sparse.csr_array((values[self.source], self.indices, self.pointers), shape=(q2, q2))

    def congruent(
        self, values: NDArray[np.float64], T: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Λ₂ᵀ S Λ₂ of the matrix S that the values are those of."""
        made = np.empty_like(values)
        for pair in self.pairs:
            change = np.kron(T[pair.f], T[pair.g])
            pair.flat(made)[:] = change.T @ pair.flat(values)
        return made

    def diagonal(self, values: NDArray[np.float64], f: int) -> NDArray[np.float64]:
        """The diagonal blocks of factor f, shape (K_f, K_f, J_f)."""
        own = next(pair for pair in self.pairs if pair.f == pair.g == f)
        return own.of(values)[:, :, : self.remainder.levels[f]]

    def sums_of_products(
        self,
        left: NDArray[np.float64],
        T: Sequence[NDArray[np.float64]],
        right: NDArray[np.float64],
    ) -> list[NDArray[np.float64]]:
        """The sum of the diagonal blocks of left Λ₂ right of each factor, shapes (K_f, K_f).

        Exact where `right` is not zero elsewhere too, as what it is multiplied by is zero there.
        """
        made = [np.zeros((k, k)) for k in self.remainder.widths]
        for pair in self.pairs:
            k, m, _ = pair.shape
            start = self.remainder.levels[pair.f] if pair.f == pair.g else 0
            a, b = pair.flat(left), pair.flat(right)
            # Blocks off the diagonal stand for their transposes too, in the rows of g.
            off = (a[:, start:] @ b[:, start:].T).reshape(k, m, k, m)
            on = (a[:, :start] @ b[:, :start].T).reshape(k, m, k, m) + off
            made[pair.f] += np.einsum("acbd,cd->ab", on, T[pair.g])
            made[pair.g] += np.einsum("acbd,ab->cd", off, T[pair.f])
        return made

    def neighbours(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The levels of each block off the diagonal, those of all factors numbered through."""
        starts = np.cumsum([0, *self.remainder.levels])
        i, j = [], []
        for pair in self.pairs:
            start = self.remainder.levels[pair.f] if pair.f == pair.g else 0
            i.append(starts[pair.f] + pair.rows[start:])
            j.append(starts[pair.g] + pair.columns[start:])
        return np.concatenate(i), np.concatenate(j)

    def coordinates(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The row and the column of each value among the q₂."""
        return _coordinates(self.remainder, self.pairs)


def block_pattern(
    remainder: Remainder, found: Iterable[tuple[int, int, NDArray[np.intp], NDArray[np.intp]]]
) -> BlockPattern:
    """The pattern of blocks that were found.

    Parameters
    ----------
    remainder : Remainder
    found : iterable of tuple
        f, g, and the levels of both, as described above.
    """
    pairs, start = [], 0
    for f, g, rows, columns in found:
        shape = (remainder.widths[f], remainder.widths[g], len(rows))
        stop = start + shape[0] * shape[1] * shape[2]
        pairs.append(
            FactorPair(f=f, g=g, rows=rows, columns=columns, shape=shape, place=slice(start, stop))
        )
        start = stop
    rows, columns = _coordinates(remainder, pairs)
    twice = np.concatenate([_off_diagonal(remainder, pair) for pair in pairs])
    source = np.concatenate([np.arange(start), np.flatnonzero(twice)])
    i = np.concatenate([rows, columns[twice]])
    j = np.concatenate([columns, rows[twice]])
    order = np.lexsort((j, i))
    pointers = np.concatenate([[0], np.cumsum(np.bincount(i, minlength=remainder.size))])
    return BlockPattern(
        remainder=remainder,
        pairs=tuple(pairs),
        size=start,
        source=source[order],
        indices=j[order].astype(np.int32),
        pointers=pointers.astype(np.int32),
    )


def _coordinates(
    remainder: Remainder, pairs: Sequence[FactorPair]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows, columns = [], []
    for pair in pairs:
        k, m, _ = pair.shape
        first = remainder.starts[pair.f] + pair.rows * k + np.arange(k)[:, None, None]
        second = remainder.starts[pair.g] + pair.columns * m + np.arange(m)[:, None]
        rows.append(np.broadcast_to(first, pair.shape).ravel())
        columns.append(np.broadcast_to(second, pair.shape).ravel())
    return np.concatenate(rows), np.concatenate(columns)


def _off_diagonal(remainder: Remainder, pair: FactorPair) -> NDArray[np.bool_]:
    off = np.ones(pair.shape, dtype=np.bool_)
    if pair.f == pair.g:
        off[:, :, : remainder.levels[pair.f]] = False
    return off.ravel()
