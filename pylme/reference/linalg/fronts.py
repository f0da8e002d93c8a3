"""How the dense blocks of a sparse Cholesky factor lie in memory, and what is added to what.

Each supernode has a front: a dense symmetric matrix over its own w rows and the k later ones that
it is tied to (Duff & Reid 1983, ACM Transactions on Mathematical Software 9(3)). Elimination leaves
a k by k matrix, which is added to the front of the parent. Fronts at the same depth of the tree do
not touch each other: those of about the same size are computed with as one array, the smaller ones
padded with rows of the identity matrix. Of the fronts themselves only those of two depths are in
memory at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Fronts", "Group"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Fronts of one size at one depth, side by side.

    Attributes
    ----------
    count, width, below : int
        m fronts, each of w own rows and k others.
    pivots, rectangle : slice
        Where the blocks of shapes (w, w) and (w, k) stand in the factor's flat array.
    rows : ndarray of int, shape (m, w + k)
        The rows of the matrix; its size where padded.
    front : int
        Where they begin among the fronts of their depth; -1 where they have no children, and need
        no place.
    parent, stride : ndarray of int, shape (m,)
        Where the parent begins among the fronts of the depth above, and its size.
    places : ndarray of int, shape (m, k)
        The rows in the parent's front; -1 where padded.
    padded : bool
        Whether any of `places` is.
    """

    count: int
    width: int
    below: int
    pivots: slice
    rectangle: slice
    rows: NDArray[np.intp]
    front: int
    parent: NDArray[np.intp]
    stride: NDArray[np.intp]
    places: NDArray[np.intp]
    padded: bool

    @property
    def size(self) -> int:
        """The rows of each front, w + k."""
        return self.width + self.below

    def front_in(self, own: NDArray[np.float64]) -> NDArray[np.float64]:
        """These fronts among those of their depth, shape (m, w + k, w + k)."""
        numbers = self.count * self.size**2
        return own[self.front : self.front + numbers].reshape(self.count, self.size, self.size)

    def add_to_parents(self, above: NDArray[np.float64], U: NDArray[np.float64]) -> None:
        """Add matrices over the rows below, shape (m, k, k), to the fronts of the depth above."""
        if self.count == 1:
            self._parent(above)[np.ix_(self.places[0], self.places[0])] += U[0]
        else:
            # Several may have one parent.
            np.add.at(above, self._index(above).ravel(), U.ravel())

    def of_parents(self, above: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the fronts of the depth above have in the rows below, shape (m, k, k)."""
        if self.count == 1:
            return self._parent(above)[np.ix_(self.places[0], self.places[0])][None]
        return above[self._index(above)]

    def _parent(self, above: NDArray[np.float64]) -> NDArray[np.float64]:
        start, size = int(self.parent[0]), int(self.stride[0])
        return above[start : start + size * size].reshape(size, size)

    def _index(self, above: NDArray[np.float64]) -> NDArray[np.intp]:
        rows = self.parent[:, None] + self.places * self.stride[:, None]
        index: NDArray[np.intp] = rows[:, :, None] + self.places[:, None]
        if self.padded:
            absent = self.places < 0
            index[absent[:, :, None] | absent[:, None]] = len(above) - 1
        return index


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fronts:
    """The layout of a factor.

    Attributes
    ----------
    size : int
        Rows of the matrix.
    depths : tuple of tuple of Group
        From the roots down.
    room : tuple of int
        The numbers in the fronts of each depth, and a place to throw things away.
    pivots, length : int
        The numbers of the pivots' blocks, with which the factor's flat array begins, and of all.
    padding : ndarray of int
        The places of the diagonal elements of padded rows.
    entries : ndarray of int
        The place of each of the matrix's values that the layout was made for.
    """

    size: int
    depths: tuple[tuple[Group, ...], ...]
    room: tuple[int, ...]
    pivots: int
    length: int
    padding: NDArray[np.intp]
    entries: NDArray[np.intp]

    @property
    def groups(self) -> Iterator[Group]:
        """All of them, from the roots down."""
        return chain.from_iterable(self.depths)

    @property
    def bytes(self) -> float:
        """What a factor, its inverse, and the fronts at work take at most."""
        most = max(group.count * group.size**2 for group in self.groups)
        at_work = max(map(sum, pairwise([*self.room, 0])))
        return 8.0 * (2.5 * self.length + at_work + 4 * most)

    @property
    def seconds(self) -> float:
        """About how long an evaluation takes, with one thread of a processor of today."""
        work = sum(g.count * (g.width * g.size**2 + 300 * g.below**2) for g in self.groups)
        return 3e-4 * sum(map(len, self.depths)) + 2e-10 * work
