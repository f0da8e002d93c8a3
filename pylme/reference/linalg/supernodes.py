"""The structure of a sparse Cholesky factor: order of elimination, supernodes and their tree.

Column j of the factor has entries in the rows s_j. With p = min s_j, the parent of j in the
elimination tree, s_j ⊂ {p} ∪ s_p (Liu 1990, SIAM Journal on Matrix Analysis and Applications
11(1)). Columns whose s differ by little are put together in a supernode and computed with as one
dense block, a few zeros being taken along (Ashcraft & Grimes 1989, ACM Transactions on Mathematical
Software 15(4)). Here the columns are nodes, each of which stands for a few rows of the matrix: all
effects of one level.

The order is SuperLU's by multiple minimum degree (Liu 1985, ACM Transactions on Mathematical
Software 11(2)). SciPy hands it over with a factorization only; an incomplete one that drops all
that it may has the same order and next to no fill, whatever the complete one would have.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import spilu

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Supernodes", "elimination_order", "supernodes"]

#: Once a column has entries in this part of all that follow, the rest is taken as dense.
NEARLY_ALL: Final = 0.9
#: Supernodes of up to so many rows are joined if at most that part of the joint block is zeros.
ZEROS: Final = ((4, 1.0), (16, 0.5), (48, 0.3), (np.inf, 0.15))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Supernodes:
    """The supernodes in an order in which children come before their parents.

    Attributes
    ----------
    parent : ndarray of int, shape (S,)
        The supernode that takes up what elimination leaves; -1 for roots.
    nodes : ndarray of int
        Of one supernode after the other its own nodes, then the later ones that it is tied to,
        both in the order of elimination.
    starts : ndarray of int, shape (S + 1,)
        Where each supernode's nodes begin.
    own : ndarray of int, shape (S,)
        How many are its own.
    position : ndarray of int, shape (nodes,)
        The place of each node in the order of elimination.
    """

    parent: NDArray[np.intp]
    nodes: NDArray[np.intp]
    starts: NDArray[np.intp]
    own: NDArray[np.intp]
    position: NDArray[np.intp]


def supernodes(
    i: NDArray[np.intp], j: NDArray[np.intp], order: NDArray[np.intp], weights: NDArray[np.intp]
) -> Supernodes:
    """The supernodes of a matrix.

    Parameters
    ----------
    i, j : ndarray of int
        The pairs of different nodes that are neighbours, each pair once.
    order : ndarray of int, shape (nodes,)
        The position of each node in the order of elimination.
    weights : ndarray of int, shape (nodes,)
        How many rows of the matrix each node stands for.
    """
    node_at = np.argsort(order)
    columns, structures, parent = _structures(*_later_neighbours(i, j, order))
    before = np.concatenate([[0], np.cumsum(weights[node_at])]).tolist()
    own = [before[stop] - before[start] for start, stop in columns]
    if (weights == weights[0]).all():
        below = [len(s) * int(weights[0]) for s in structures]
    else:
        below = [int(weights[node_at[s]].sum()) for s in structures]
    joined = _joined(parent, own, below)
    return _arranged(columns, structures, parent, joined, node_at)


def _later_neighbours(
    i: NDArray[np.intp], j: NDArray[np.intp], order: NDArray[np.intp]
) -> tuple[list[int], NDArray[np.int32]]:
    """Of each position the later positions that are its neighbours: where they begin, and all."""
    first, second = np.minimum(order[i], order[j]), np.maximum(order[i], order[j])
    sort = np.lexsort((second, first))
    counts = np.bincount(first, minlength=len(order))
    return [0, *np.cumsum(counts).tolist()], second[sort].astype(np.int32)


def _structures(
    pointers: list[int], later: NDArray[np.int32]
) -> tuple[list[tuple[int, int]], list[NDArray[np.int32]], list[int]]:
    """The columns, the s and the parent of each fundamental supernode.

    These are the longest runs of columns of which each has the one before as its only child and s
    is that of the one before less one.
    """
    n = len(pointers) - 1
    columns: list[tuple[int, int]] = []
    structures: list[NDArray[np.int32]] = []
    children: list[list[int]] = [[] for _ in range(n)]
    parent_column: list[int] = []
    for j, (start, stop) in enumerate(pairwise(pointers)):
        found = _united(later[start:stop], [structures[c] for c in children[j]], j)
        last = len(structures) - 1
        if children[j] == [last] and len(found) == len(structures[last]) - 1:
            columns[last] = (columns[last][0], j + 1)
            structures[last] = found
        else:
            columns.append((j, j + 1))
            structures.append(found)
            parent_column.append(-1)
            last += 1
        parent_column[last] = int(found[0]) if len(found) else -1
        if not len(found):
            continue
        rest = n - j - 1
        if rest > 1 and len(found) >= NEARLY_ALL * rest:
            columns.append((j + 1, n))
            structures.append(found[:0])
            parent_column.append(-1)
            break
        children[parent_column[last]].append(last)
    owner = np.repeat(np.arange(len(columns)), [stop - start for start, stop in columns])
    parent = [int(owner[column]) if column >= 0 else -1 for column in parent_column]
    return columns, structures, parent


def _united(
    own: NDArray[np.int32], children: Sequence[NDArray[np.int32]], j: int
) -> NDArray[np.int32]:
    """What a column is tied to beyond itself, sorted."""
    if not children:
        return own
    if len(children) == 1 and not len(own):
        return children[0][1:]
    found = np.unique(np.concatenate([own, *children]))
    return found[found.searchsorted(j, side="right") :]


def _joined(parent: list[int], own: list[int], below: list[int]) -> list[int]:
    """The supernode that each is joined to, at the end of a chain of such; its own number if none.

    A child is joined to its parent, whatever the parent's other children are: the columns of the
    child then stand right before those of the parent.
    """
    into = list(range(len(parent)))
    children: list[list[int]] = [[] for _ in parent]
    filled = [w * (w + 1) // 2 + w * k for w, k in zip(own, below, strict=True)]
    width = list(own)
    for s, p in enumerate(parent):
        for c in sorted(children[s], key=lambda c: -below[c]):
            joint = width[c] + width[s]
            size = joint * (joint + 1) // 2 + joint * below[s]
            entries = filled[c] + filled[s]
            allowed = next(part for most, part in ZEROS if joint <= most)
            if size - entries <= allowed * size:
                width[s], filled[s], into[c] = joint, entries, s
        if p >= 0:
            children[p].append(s)
    for s in reversed(range(len(parent))):
        into[s] = into[into[s]]
    return into


def _arranged(
    columns: list[tuple[int, int]],
    structures: list[NDArray[np.int32]],
    parent: list[int],
    joined: list[int],
    node_at: NDArray[np.intp],
) -> Supernodes:
    """The joined supernodes with their nodes in a new order of elimination."""
    into = np.asarray(joined)
    kept = np.flatnonzero(into == np.arange(len(into)))
    number = np.empty(len(into), dtype=np.intp)
    number[kept] = np.arange(len(kept))
    of_old = number[into]
    of_column = np.repeat(of_old, [stop - start for start, stop in columns])
    # Columns of one supernode side by side, in their old order.
    sequence = np.argsort(of_column, kind="stable")
    new = np.empty_like(sequence)
    new[sequence] = np.arange(len(sequence))
    below = [structures[s] for s in kept]
    supernode = np.concatenate(
        [of_column[sequence], np.repeat(np.arange(len(kept)), [len(s) for s in below])]
    )
    place = np.concatenate([np.arange(len(sequence)), *(new[s] for s in below)])
    arranged = np.lexsort((place, supernode))
    position = np.empty(len(sequence), dtype=np.intp)
    position[node_at] = new
    old_parent = np.asarray(parent)[kept]
    return Supernodes(
        parent=np.where(old_parent >= 0, of_old[old_parent], -1),
        nodes=node_at[sequence[place[arranged]]],
        starts=np.concatenate([[0], np.cumsum(np.bincount(supernode, minlength=len(kept)))]),
        own=np.bincount(of_column, minlength=len(kept)),
        position=position,
    )


def elimination_order(i: NDArray[np.intp], j: NDArray[np.intp], nodes: int) -> NDArray[np.intp]:
    """The position of each node in an order of elimination with little fill.

    Parameters
    ----------
    i, j : ndarray of int
        The pairs of different nodes that are neighbours, each pair once.
    nodes : int
        How many there are.
    """
    diagonal = np.arange(nodes)
    # Diagonally dominant, so that no pivot is refused.
    degree = np.bincount(i, minlength=nodes) + np.bincount(j, minlength=nodes)
    values = np.concatenate([np.full(2 * len(i), -1.0), degree + 1.0])
    matrix = sparse.csc_array(
        (values, (np.concatenate([i, j, diagonal]), np.concatenate([j, i, diagonal]))),
        shape=(nodes, nodes),
    )
    factor = spilu(
        matrix,
        drop_tol=1.0,
        fill_factor=1.0,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return np.asarray(factor.perm_c, dtype=np.intp)
