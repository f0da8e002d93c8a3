"""Bᵀ E B on a sparse pattern, and the blocks of B E Bᵀ for E known on that pattern alone.

Two levels of the remainder meet where some level of the leading factor occurs with both. Each entry
of Bᵀ E B is a fixed linear combination of the entries of E, so that eliminating the leading factor
is one product with a sparse matrix of coefficients for each pair of factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import get_index_dtype

from pylme.reference.problem.cells import pairs_within
from pylme.reference.problem.remainder import BlockPattern, block_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pylme.reference.problem.cells import Cells
    from pylme.reference.problem.remainder import Remainder

__all__ = ["SparseCoupling", "coefficient_bytes", "sparse_coupling"]

#: Bytes for each pair of levels within one of the leading factor while it is found, and for each
#: coefficient while it is made and while it is used.
_FINDING: Final = 56
_MAKING: Final = 24
_USING: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SparseCoupling:
    """The coefficients of Bᵀ D B, and Z₂ᵀZ₂ on the same pattern.

    Attributes
    ----------
    pattern : BlockPattern
    products : ndarray, shape (values,)
        W₂₂: Z₂ᵀZ₂ less what the leading factor's columns explain of it.
    coefficients : tuple of csc_array, shapes (values of the pair, J K (K + 1) / 2)
        Of the entries of D's upper triangles, for each pair of the pattern.
    K, J : int
        Of the leading factor.
    """

    pattern: BlockPattern
    products: NDArray[np.float64]
    coefficients: tuple[sparse.csc_array, ...]
    K: int
    J: int

    def eliminate(self, E: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values of S₂₂ = W₂₂ + Bᵀ E B, of symmetric blocks E of shape (K, K, J)."""
        upper = E[np.triu_indices(self.K)].ravel()
        made = self.products.copy()
        for pair, coefficients in zip(self.pattern.pairs, self.coefficients, strict=True):
            made[pair.place] += coefficients @ upper
        return made

    def blocks(self, E: NDArray[np.float64]) -> NDArray[np.float64]:
        """The blocks of B E Bᵀ, shape (K, K, J), of the values of a symmetric E."""
        a, b = np.triu_indices(self.K)
        entries = np.zeros(len(a) * self.J)
        for pair, coefficients in zip(self.pattern.pairs, self.coefficients, strict=True):
            weighted = 2.0 * pair.of(E)
            if pair.f == pair.g:
                weighted[:, :, : self.pattern.remainder.levels[pair.f]] *= 0.5
            entries += coefficients.T @ weighted.ravel()
        made = np.empty((self.K, self.K, self.J))
        # The coefficients of D_ab, a ≠ b, count both D_ab and D_ba.
        halved = entries.reshape(len(a), self.J) * np.where(a == b, 1.0, 0.5)[:, None]
        made[a, b] = made[b, a] = halved
        return made


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Occurrences:
    """All blocks of B, sorted by the level of the leading factor and then by f and its level."""

    rows: NDArray[np.intp]
    factors: NDArray[np.intp]
    levels: NDArray[np.intp]
    #: Where the block's values stand among those of its factor.
    places: NDArray[np.intp]


def coefficient_bytes(parts: Sequence[Cells], *, shape: tuple[int, int]) -> tuple[float, float]:
    """The bytes that the coefficients take while they are made, and while they are used."""
    K, J = shape
    counts = [np.bincount(part.rows, minlength=J).astype(np.float64) for part in parts]
    pairs = coefficients = 0.0
    for f, left in enumerate(counts):
        for g in range(f, len(counts)):
            met = float(left @ (left + 1.0) / 2.0 if f == g else left @ counts[g])
            pairs += met
            coefficients += met * parts[f].values.shape[1] * parts[g].values.shape[1]
    coefficients *= K * (K + 1) / 2
    return _FINDING * pairs + _MAKING * coefficients, _USING * coefficients


def sparse_coupling(
    parts: Sequence[Cells],
    products: Mapping[tuple[int, int], Cells],
    remainder: Remainder,
    *,
    shape: tuple[int, int],
) -> SparseCoupling:
    """The coefficients from the cells.

    Parameters
    ----------
    parts : sequence of Cells
        Of the leading factor with each of the others: B.
    products : mapping of (f, g) to Cells
        Of the others with each other, f ≤ g: Z₂ᵀZ₂.
    remainder : Remainder
    shape : tuple of int
        K and J of the leading factor.
    """
    K, J = shape
    occurrences = _occurrences(parts)
    first, second = pairs_within(occurrences.rows, J)
    f, g = occurrences.factors[first], occurrences.factors[second]
    found, values, made = [], [], []
    for (i, k), cells in sorted(products.items()):
        own = np.flatnonzero((f == i) & (g == k))
        left, right = first[own], second[own]
        rows, columns = occurrences.levels[left], occurrences.levels[right]
        keys = _keys(rows, columns, i, k, remainder)
        unique, of_pair, of_product = _all_keys(
            keys, _keys(cells.rows, cells.columns, i, k, remainder), i, k, remainder
        )
        found.append((i, k, *_levels(unique, i, k, remainder)))
        table = np.zeros((remainder.widths[i], remainder.widths[k], len(unique)))
        table[:, :, of_product] = cells.values
        values.append(table.ravel())
        blocks = (
            parts[i].values[:, :, occurrences.places[left]],
            parts[k].values[:, :, occurrences.places[right]],
        )
        counts = np.bincount(occurrences.rows[left], minlength=J)
        made.append(_coefficients(*blocks, of_pair, len(unique), counts))
    return SparseCoupling(
        pattern=block_pattern(remainder, found),
        products=np.concatenate(values),
        coefficients=tuple(made),
        K=K,
        J=J,
    )


def _occurrences(parts: Sequence[Cells]) -> _Occurrences:
    rows = np.concatenate([part.rows for part in parts])
    factors = np.repeat(np.arange(len(parts)), [len(part.rows) for part in parts])
    levels = np.concatenate([part.columns for part in parts])
    places = np.concatenate([np.arange(len(part.rows)) for part in parts])
    # Each part is sorted by both levels already.
    order = np.argsort(rows, kind="stable")
    return _Occurrences(
        rows=rows[order], factors=factors[order], levels=levels[order], places=places[order]
    )


def _keys(
    rows: NDArray[np.intp], columns: NDArray[np.intp], f: int, g: int, remainder: Remainder
) -> NDArray[np.int64]:
    """A number for each block, in the order in which blocks are kept."""
    keys = rows.astype(np.int64) * remainder.levels[g] + columns
    if f == g:
        keys = np.where(rows == columns, rows, remainder.levels[f] + keys)
    return keys


def _levels(
    keys: NDArray[np.int64], f: int, g: int, remainder: Remainder
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    J = remainder.levels[f]
    if f != g:
        return np.divmod(keys, remainder.levels[g])
    rows, columns = np.divmod(keys[J:] - J, J)
    diagonal = np.arange(J)
    return np.concatenate([diagonal, rows]), np.concatenate([diagonal, columns])


def _all_keys(
    of_pairs: NDArray[np.int64],
    of_products: NDArray[np.int64],
    f: int,
    g: int,
    remainder: Remainder,
) -> tuple[NDArray[np.int64], NDArray[np.intp], NDArray[np.intp]]:
    """All different keys, and where each pair's and each product's stands among them."""
    diagonal = np.arange(remainder.levels[f] if f == g else 0)
    unique, inverse = np.unique(
        np.concatenate([of_pairs, of_products, diagonal]), return_inverse=True
    )
    ends = np.cumsum([len(of_pairs), len(of_products)])
    return unique, inverse[: ends[0]], inverse[ends[0] : ends[1]]


def _coefficients(
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    cell: NDArray[np.intp],
    cells: int,
    counts: NDArray[np.intp],
) -> sparse.csc_array:
    """Of one pair of factors, from the blocks (K, K_f, pairs) and (K, K_g, pairs) of B that meet.

    Parameters
    ----------
    left, right : ndarray
        Sorted by the level of the leading factor.
    cell : ndarray of int, shape (pairs,)
        The block of the pattern that each pair adds to.
    cells : int
        The number of blocks.
    counts : ndarray of int, shape (J,)
        The number of pairs within each level of the leading factor.
    """
    K, k, n = left.shape
    m = right.shape[1]
    data = []
    for a, b in _upper_triangle(K):
        products = left[a][:, None] * right[b]
        if a != b:
            products += left[b][:, None] * right[a]
        data.append(products.reshape(k * m, n).T.ravel())
    places = (cell[:, None] + np.arange(k * m) * cells).ravel()
    pieces = len(data)
    entries = pieces * len(places)
    index = get_index_dtype(maxval=max(entries, k * m * cells))
    pointers = np.concatenate([[0], np.cumsum(np.tile(counts * (k * m), pieces))])
    return sparse.csc_array(
        (np.concatenate(data), np.tile(places.astype(index), pieces), pointers.astype(index)),
        shape=(k * m * cells, pieces * len(counts)),
    )


def _upper_triangle(K: int) -> Iterator[tuple[int, int]]:
    return ((a, b) for a in range(K) for b in range(a, K))
