"""What eliminating the first of several factors leaves, as a sparse matrix.

S = A₂₂ - BᵀG has an element where two levels of the other factors meet in a row, or with the same
level of the first. Which products make which element does not depend on the weights: it is found
once, and S is one pass over these products. Its factor and the part of its inverse on the same
pattern, which is all that a gradient needs, are those of the linear models
(`pylme.reference.linalg.sparse_factor`). With V = GS⁻¹,

    V_jc = Σ_b G_jb (S⁻¹)_bc

runs over the levels b that meet level j, so that all that it needs of S⁻¹ is on the pattern.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from pylme.reference.generalized.algebra.meetings import Meeting
from pylme.reference.linalg.fronts import Fronts, fronts_of
from pylme.reference.linalg.sparse_factor import (
    Triangle,
    selected_inverse,
    sparse_factor,
    triangles_of,
)
from pylme.reference.linalg.supernodes import elimination_order, supernodes
from pylme.reference.problem.cells import pairs_within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.reference.linalg.sparse_factor import SparseFactor

__all__ = ["SparseRest", "pairs_of", "sparse_rest"]

Arrays = list[NDArray[np.float64]]

#: Bytes that a product takes, its places and its value, and that each element of S takes.
OF_PRODUCT: Final = 60
OF_ELEMENT: Final = 150


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SparseRest:
    """The pattern of S, and what each of its elements is made of.

    Attributes
    ----------
    meetings, rest : tuple of Meeting
        Of the first factor with the others, and of the others.
    source : ndarray of int, shape (N,)
        The elements of B, flat over meetings and columns, in the order of the first factor's
        levels.
    first, second : ndarray of int, shape (P,)
        Pairs of these elements within a level, the second not before the first.
    product : ndarray of int, shape (P,)
        The element of S of each pair.
    places : tuple of ndarray of int, shapes (K_f, K_g, E)
        The element of S of each pair of levels of the others.
    diagonal : ndarray of int, shape (q₂,)
    elements : int
        Of S, each pair of effects once.
    layout : Fronts
    triangles : tuple of Triangle
    """

    meetings: tuple[Meeting, ...]
    rest: tuple[Meeting, ...]
    source: NDArray[np.intp]
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    product: NDArray[np.intp]
    places: tuple[NDArray[np.intp], ...]
    diagonal: NDArray[np.intp]
    elements: int
    layout: Fronts
    triangles: tuple[Triangle, ...]

    @property
    def bytes(self) -> float:
        """About how much memory an evaluation takes."""
        return (
            OF_PRODUCT * float(len(self.first))
            + OF_ELEMENT * float(self.elements)
            + self.layout.bytes
        )

    def factor(self, B: Arrays, G: Arrays, rest: Arrays) -> SparseFactor | None:
        """The factored S of the blocks of B, G and A₂₂; None where it is not positive definite."""
        values = np.zeros(self.elements)
        for m, places, blocks in zip(self.rest, self.places, rest, strict=True):
            # Of a factor with itself both triangles of a block stand in one place.
            for a in range(len(blocks)):
                for b in range(blocks.shape[1] if m.f != m.g else a + 1):
                    values[places[a, b]] = blocks[a, b]
        values[self.diagonal] += 1.0
        left, right = self._elements(B), self._elements(G)
        products = sum(
            x.take(self.first) * y.take(self.second) for x, y in zip(left, right, strict=True)
        )
        values -= np.bincount(self.product, products, minlength=self.elements)
        try:
            return sparse_factor(self.layout, self.triangles, values)
        except np.linalg.LinAlgError:
            return None

    def inverse(self, factor: SparseFactor, G: Arrays) -> tuple[Arrays, Arrays]:
        """GS⁻¹ on the pairs of the first factor, and S⁻¹ on the pairs of the others."""
        values = selected_inverse(factor)
        between = values.take(self.product)
        apart = self.first != self.second
        elements = []
        for own in self._elements(G):
            made = np.bincount(self.second, own.take(self.first) * between, minlength=len(own))
            back = own.take(self.second[apart]) * between[apart]
            elements.append(made + np.bincount(self.first[apart], back, minlength=len(own)))
        flat = np.empty((len(elements), len(self.source)))
        flat[:, self.source] = elements
        coupling, start = [], 0
        for blocks in G:
            K, width, pairs = blocks.shape
            stop = start + width * pairs
            coupling.append(flat[:, start:stop].reshape(K, width, pairs))
            start = stop
        return coupling, [values.take(places) for places in self.places]

    def _elements(self, blocks: Arrays) -> NDArray[np.float64]:
        """The elements of B or G by the first factor's columns, shape (K₁, N)."""
        flat = np.concatenate([each.reshape(len(each), -1) for each in blocks], axis=1)
        return flat.take(self.source, axis=1)


def pairs_of(meetings: Sequence[Meeting], widths: Sequence[int], J: int) -> float:
    """How many products S would be made of.

    Parameters
    ----------
    meetings : sequence of Meeting
        Of the first factor with each other one.
    widths : sequence of int
        The effects of a level of each factor.
    J : int
        The levels of the first factor.
    """
    counts = np.zeros(J)
    for m in meetings:
        counts += widths[m.g] * np.bincount(m.at, minlength=J)
    return float((counts * (counts + 1.0)).sum()) / 2.0


def sparse_rest(
    meetings: tuple[Meeting, ...],
    rest: tuple[Meeting, ...],
    widths: Sequence[int],
    levels: Sequence[int],
    offsets: Sequence[int],
) -> SparseRest:
    """The pattern of S.

    Parameters
    ----------
    meetings, rest : tuple of Meeting
    widths, levels : sequence of int
        Of all factors.
    offsets : sequence of int
        Where the effects of each factor begin among the q₂, then q₂.
    """
    q2 = offsets[-1]

    def effects(f: int, a: int, at: NDArray[np.intp]) -> NDArray[np.intp]:
        return offsets[f] + a * levels[f] + at

    at = np.concatenate([m.at for m in meetings for _ in range(widths[m.g])])
    column = np.concatenate([effects(m.g, b, m.to) for m in meetings for b in range(widths[m.g])])
    source = np.argsort(at, kind="stable")
    column = column[source]
    first, second = pairs_within(at[source], levels[0])

    def key(i: NDArray[np.intp], j: NDArray[np.intp]) -> NDArray[np.intp]:
        return np.minimum(i, j) * q2 + np.maximum(i, j)

    keys = [key(column[first], column[second])]
    keys += [
        key(effects(m.f, a, m.at), effects(m.g, b, m.to))
        for m in rest
        for a in range(widths[m.f])
        for b in range(widths[m.g])
    ]
    every = np.arange(q2)
    found, where = np.unique(np.concatenate([*keys, every * (q2 + 1)]), return_inverse=True)
    ends = np.cumsum([0, *map(len, keys), q2])
    parts: list[Any] = [where[a:b] for a, b in pairwise(ends)]
    places, used = [], 1
    for m in rest:
        count = widths[m.f] * widths[m.g]
        stacked = np.stack(parts[used : used + count])
        places.append(stacked.reshape(widths[m.f], widths[m.g], -1))
        used += count
    i, j = np.divmod(found, q2)
    apart = i != j
    weights = np.ones(q2, dtype=np.intp)
    order = elimination_order(i[apart], j[apart], q2)
    tree = supernodes(i[apart], j[apart], order, weights)
    layout = fronts_of(tree, every, weights, (i, j))
    return SparseRest(
        meetings=meetings, rest=rest, source=source, first=first, second=second,
        product=parts[0], places=tuple(places), diagonal=parts[-1], elements=len(found),
        layout=layout, triangles=triangles_of(layout),
    )  # fmt: skip
