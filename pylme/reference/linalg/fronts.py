"""The fronts of a sparse Cholesky factor: their rows, and where they lie in memory.

Each supernode has a front: a dense symmetric matrix over its own w rows and the k later ones that
it is tied to (Duff & Reid 1983, ACM Transactions on Mathematical Software 9(3)). Elimination leaves
a k by k matrix, which is added to the front of the parent. Fronts at the same depth of the tree do
not touch each other: those of about the same size form a group, which is computed with as one array
of the size of the largest, the smaller ones padded with rows of the identity matrix. The groups
follow one another from the roots down. Of the fronts themselves only those of two depths are in
memory at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylme.reference.linalg.supernodes import Supernodes

__all__ = ["Fronts", "Group", "fronts_of"]

#: Numbers in the fronts of one group: more are taken in turns.
MOST_NUMBERS: Final = 2_000_000


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """The rows of all fronts, one after the other, those of a front in the order of elimination.

    Attributes
    ----------
    rows : ndarray of int
    starts, widths, sizes : ndarray of int, shape (fronts,)
        Where each front's rows begin, how many are its own, and how many there are.
    position : ndarray of int, shape (rows of the matrix,)
        The place of each row in the order of elimination.
    owner : ndarray of int, shape (rows of the matrix,)
        The front that each row is its own of.
    keys : ndarray of int
        Front and position of each of `rows` as one number, ascending.
    """

    rows: NDArray[np.intp]
    starts: NDArray[np.intp]
    widths: NDArray[np.intp]
    sizes: NDArray[np.intp]
    position: NDArray[np.intp]
    owner: NDArray[np.intp]
    keys: NDArray[np.intp]

    def within(self, fronts: NDArray[np.intp], rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Which row of its front each is."""
        keys = fronts * len(self.position) + self.position[rows]
        return np.asarray(np.searchsorted(self.keys, keys) - self.starts[fronts])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Places:
    """Where the blocks of each front stand.

    Attributes
    ----------
    width, below : ndarray of int, shape (fronts,)
        With the rows that it is padded with.
    pivots, rectangle : ndarray of int, shape (fronts,)
        Where they begin in the factor's flat array.
    front : ndarray of int, shape (fronts,)
        Where it begins among the fronts of its depth.
    """

    width: NDArray[np.intp]
    below: NDArray[np.intp]
    pivots: NDArray[np.intp]
    rectangle: NDArray[np.intp]
    front: NDArray[np.intp]

    def padded(
        self, fronts: NDArray[np.intp], within: NDArray[np.intp], rows: _Rows
    ) -> NDArray[np.intp]:
        """The row of the padded front, of rows of the front itself."""
        widths = rows.widths[fronts]
        return within + np.where(within < widths, 0, self.width[fronts] - widths)


def fronts_of(
    tree: Supernodes,
    first: NDArray[np.intp],
    weights: NDArray[np.intp],
    entries: tuple[NDArray[np.intp], NDArray[np.intp]],
) -> Fronts:
    """The layout of a factor.

    Parameters
    ----------
    tree : Supernodes
    first, weights : ndarray of int, shape (nodes,)
        The first row of the matrix that each node stands for, and how many it stands for.
    entries : tuple of ndarray
        The row and the column of each of the matrix's values.
    """
    rows = _rows(tree, first, weights)
    depth = _depths(tree.parent)
    is_parent = np.zeros(len(depth), dtype=np.bool_)
    is_parent[tree.parent[tree.parent >= 0]] = True
    members = _groups(depth, is_parent, rows.widths, rows.sizes - rows.widths)
    places, room = _places(members, rows, depth, is_parent)
    depths: list[list[Group]] = [[] for _ in room]
    for own in members:
        group = _group(own, tree, rows, places, keeps=bool(is_parent[own[0]]))
        depths[depth[own[0]]].append(group)
    pivots = int((places.width**2).sum())
    return Fronts(
        size=len(rows.position),
        depths=tuple(map(tuple, depths)),
        room=tuple(room),
        pivots=pivots,
        length=pivots + int((places.width * places.below).sum()),
        padding=_padding(rows, places),
        entries=_entries(*entries, rows, places),
    )


def _rows(tree: Supernodes, first: NDArray[np.intp], weights: NDArray[np.intp]) -> _Rows:
    of_node = weights[tree.nodes]
    rows = _spans(first[tree.nodes], of_node)
    before = np.concatenate([[0], np.cumsum(of_node)])
    starts = before[tree.starts]
    widths = before[tree.starts[:-1] + tree.own] - starts[:-1]
    nodes = np.argsort(tree.position)
    sequence = _spans(first[nodes], weights[nodes])
    position, owner = np.empty_like(sequence), np.empty_like(sequence)
    position[sequence] = np.arange(len(sequence))
    owner[sequence] = np.repeat(np.arange(len(widths)), widths)
    sizes = np.diff(starts)
    keys = np.repeat(np.arange(len(sizes)), sizes) * len(sequence) + position[rows]
    return _Rows(
        rows=rows, starts=starts[:-1], widths=widths, sizes=sizes,
        position=position, owner=owner, keys=keys,
    )  # fmt: skip


def _spans(first: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.intp]:
    """The numbers first, first + 1, … of each, one after the other."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(first - before, lengths) + np.arange(int(lengths.sum()))


def _depths(parent: NDArray[np.intp]) -> NDArray[np.intp]:
    depth = [0] * len(parent)
    for s, p in zip(range(len(parent) - 1, -1, -1), parent[::-1].tolist(), strict=True):
        if p >= 0:
            depth[s] = depth[p] + 1
    return np.asarray(depth)


def _groups(
    depth: NDArray[np.intp],
    is_parent: NDArray[np.bool_],
    width: NDArray[np.intp],
    below: NDArray[np.intp],
) -> list[NDArray[np.intp]]:
    """The fronts of each group."""
    keys = (_rounded(below), _rounded(width), is_parent, depth)
    order = np.lexsort(keys)
    differs = np.any([np.diff(key[order]) != 0 for key in keys], axis=0)
    made = []
    for own in np.split(order, np.flatnonzero(differs) + 1):
        most = max(1, MOST_NUMBERS // int((width[own].max() + below[own].max()) ** 2))
        made.extend(np.split(own, range(most, len(own), most)))
    return made


def _rounded(size: NDArray[np.intp]) -> NDArray[np.intp]:
    """The sizes up to which fronts are padded alike: 1 to 8, 10, 12, 14, 16, 20, and so on."""
    exponent = np.maximum(np.frexp(size)[1] - 3, 0)
    step = 1 << exponent
    return np.asarray(-(-size // step) * step)


def _places(
    members: list[NDArray[np.intp]],
    rows: _Rows,
    depth: NDArray[np.intp],
    is_parent: NDArray[np.bool_],
) -> tuple[_Places, list[int]]:
    width, below, pivots, rectangle, front = np.zeros((5, len(depth)), dtype=np.intp)
    room = [1] * (int(depth.max()) + 1)
    end = [0, 0]
    for own in members:
        w, k = rows.widths[own].max(), (rows.sizes - rows.widths)[own].max()
        width[own], below[own] = w, k
        side_by_side = np.arange(len(own))
        pivots[own] = end[0] + side_by_side * w * w
        rectangle[own] = end[1] + side_by_side * w * k
        end = [end[0] + len(own) * w * w, end[1] + len(own) * w * k]
        if is_parent[own[0]]:
            d = depth[own[0]]
            front[own] = room[d] - 1 + side_by_side * (w + k) ** 2
            room[d] += len(own) * int(w + k) ** 2
    rectangle += end[0]
    return _Places(width=width, below=below, pivots=pivots, rectangle=rectangle, front=front), room


def _group(
    own: NDArray[np.intp], tree: Supernodes, rows: _Rows, places: _Places, *, keeps: bool
) -> Group:
    m, w, k = len(own), int(places.width[own[0]]), int(places.below[own[0]])
    sizes = rows.sizes[own]
    index = np.repeat(np.arange(m), sizes)
    within = _spans(np.zeros_like(sizes), sizes)
    column = places.padded(own[index], within, rows)
    found = rows.rows[_spans(rows.starts[own], sizes)]
    all_rows = np.full((m, w + k), len(rows.position))
    all_rows[index, column] = found
    in_parent = np.full((m, k), -1)
    above = column >= w
    parents = tree.parent[own[index[above]]]
    in_parent[index[above], column[above] - w] = places.padded(
        parents, rows.within(parents, found[above]), rows
    )
    parent = tree.parent[own]
    pivots, rectangle = int(places.pivots[own[0]]), int(places.rectangle[own[0]])
    return Group(
        count=m,
        width=w,
        below=k,
        pivots=slice(pivots, pivots + m * w * w),
        rectangle=slice(rectangle, rectangle + m * w * k),
        rows=all_rows,
        front=int(places.front[own[0]]) if keeps else -1,
        parent=places.front[parent],
        stride=(places.width + places.below)[parent],
        places=in_parent,
        padded=bool((in_parent < 0).any()),
    )


def _padding(rows: _Rows, places: _Places) -> NDArray[np.intp]:
    lacking = places.width - rows.widths
    front = np.repeat(np.arange(len(lacking)), lacking)
    column = _spans(rows.widths, lacking)
    return np.asarray(places.pivots[front] + column * (places.width[front] + 1))


def _entries(
    i: NDArray[np.intp], j: NDArray[np.intp], rows: _Rows, places: _Places
) -> NDArray[np.intp]:
    swap = rows.position[i] > rows.position[j]
    earlier, later = np.where(swap, j, i), np.where(swap, i, j)
    front = rows.owner[earlier]
    column, row = rows.within(front, earlier), rows.within(front, later)
    below = row - rows.widths[front]
    return np.where(
        below < 0,
        places.pivots[front] + column * places.width[front] + row,
        places.rectangle[front] + column * places.below[front] + below,
    )
