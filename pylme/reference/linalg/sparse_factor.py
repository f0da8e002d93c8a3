"""A sparse positive definite matrix: its factor, and its inverse where the factor has entries.

With the own rows of a front first and RᵀR the inverse of their block F₁₁,

    F = [ F₁₁  F₁₂ ] = [ I   0 ] [ F₁₁        ] [ I  G ]      G = RᵀRF₁₂
        [ F₁₂ᵀ F₂₂ ]   [ Gᵀ  I ] [      U     ] [ 0  I ]      U = F₂₂ - (RF₁₂)ᵀ(RF₁₂)

and U is added to the parent's front, from the leaves up (the multifrontal method: Duff & Reid 1983,
ACM Transactions on Mathematical Software 9(3)). F₁₁⁻¹ and G are kept: equations are solved and the
inverse is made with them. SuperLU, the one sparse factorization in SciPy, does twice the work, as
it does not know that the matrix is symmetric, and has no dense kernels for large fronts.

The blocks of the inverse Z follow from the roots down,

    Z₁₂ = -G Z₂₂      Z₁₁ = F₁₁⁻¹ - Z₁₂Gᵀ

where Z₂₂ lies within the parent's block of Z, as all that a front is tied to belongs to its
parent's front (Takahashi, Fagan & Chen 1973; Erisman & Tinney 1975, Communications of the ACM
18(3)). The rest of the inverse, which is dense, is never made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack
from scipy.sparse import get_index_dtype

from pylme.reference.linalg.fronts import Fronts
from pylme.reference.threads import threads_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.reference.linalg.fronts import Group

__all__ = ["SparseFactor", "Triangle", "selected_inverse", "sparse_factor", "triangles_of"]

#: Blocks wider than this go through LAPACK one by one, others through NumPy all at once.
WIDE: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Triangle:
    """Where the G of all fronts of one depth stand, as one sparse matrix.

    Attributes
    ----------
    own, below : ndarray of int
        The rows that belong to its columns and its rows.
    place : slice
        Of the values in the factor's flat array.
    indices, pointers : ndarray of int
        The matrix Gᵀ in compressed columns.
    """

    own: NDArray[np.intp]
    below: NDArray[np.intp]
    place: slice
    indices: NDArray[np.signedinteger]
    pointers: NDArray[np.signedinteger]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SparseFactor:
    """The factor of one matrix.

    Attributes
    ----------
    layout : Fronts
    triangles : tuple of Triangle
        One for each depth.
    blocks : ndarray
        F₁₁⁻¹ and G of each group, where the layout says.
    logdet : float
        Of the matrix.
    """

    layout: Fronts
    triangles: tuple[Triangle, ...]
    blocks: NDArray[np.float64]
    logdet: float

    def pivots(self, group: Group) -> NDArray[np.float64]:
        """F₁₁⁻¹, shape (m, w, w)."""
        return self.blocks[group.pivots].reshape(group.count, group.width, group.width)

    def rectangle(self, group: Group) -> NDArray[np.float64]:
        """G, shape (m, w, k)."""
        return self.blocks[group.rectangle].reshape(group.count, group.width, group.below)

    def solve(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """The inverse times v, shape (rows, c)."""
        x = np.zeros((len(v) + 1, v.shape[1]))
        x[:-1] = v
        matrices = [
            sparse.csc_array(
                (self.blocks[t.place], t.indices, t.pointers), shape=(len(t.below), len(t.own))
            )
            for t in self.triangles
        ]
        for t, matrix in zip(reversed(self.triangles), reversed(matrices), strict=True):
            x[t.below] -= np.asarray(matrix @ x[t.own])
        for group in self.layout.groups:
            rows = group.rows[:, : group.width]
            x[rows] = self.pivots(group) @ x[rows]
        for t, matrix in zip(self.triangles, matrices, strict=True):
            x[t.own] -= np.asarray(matrix.T @ x[t.below])
        return x[:-1]


def triangles_of(layout: Fronts) -> tuple[Triangle, ...]:
    """Where the G of each depth stand."""
    return tuple(_triangle(depth) for depth in layout.depths)


def _triangle(groups: Sequence[Group]) -> Triangle:
    own = np.concatenate([group.rows[:, : group.width].ravel() for group in groups])
    below, position = np.unique(
        np.concatenate([group.rows[:, group.width :].ravel() for group in groups]),
        return_inverse=True,
    )
    place = slice(groups[0].rectangle.start, groups[-1].rectangle.stop)
    index_of = get_index_dtype(maxval=place.stop - place.start)
    indices, start = [], 0
    for group in groups:
        stop = start + group.count * group.below
        rows = position[start:stop].astype(index_of).reshape(group.count, 1, group.below)
        indices.append(np.broadcast_to(rows, (group.count, group.width, group.below)).ravel())
        start = stop
    lengths = np.repeat(
        [group.below for group in groups], [group.count * group.width for group in groups]
    )
    pointers = np.concatenate([[0], np.cumsum(lengths)]).astype(index_of)
    return Triangle(
        own=own, below=below, place=place, indices=np.concatenate(indices), pointers=pointers
    )


def sparse_factor(
    layout: Fronts, triangles: tuple[Triangle, ...], values: NDArray[np.float64]
) -> SparseFactor:
    """Factorize a matrix.

    Parameters
    ----------
    layout : Fronts
    triangles : tuple of Triangle
    values : ndarray
        Of the entries that the layout was made for.

    Raises
    ------
    LinAlgError
        If the matrix is not positive definite.
    """
    blocks = np.zeros(layout.length)
    blocks[layout.entries] = values
    blocks[layout.padding] = 1.0
    logdet = 0.0
    own = np.zeros(0)
    for depth in range(len(layout.depths) - 1, -1, -1):
        above = np.zeros(layout.room[depth - 1] if depth > 0 else 0)
        for group in layout.depths[depth]:
            logdet += _eliminate(group, blocks, own, above)
        own = above
    return SparseFactor(layout=layout, triangles=triangles, blocks=blocks, logdet=logdet)


def _eliminate(
    group: Group,
    blocks: NDArray[np.float64],
    own: NDArray[np.float64],
    above: NDArray[np.float64],
) -> float:
    """Turn F₁₁ and F₁₂ into F₁₁⁻¹ and G, and add U to the fronts above; gives log|F₁₁|."""
    m, w, k = group.count, group.width, group.below
    F11 = blocks[group.pivots].reshape(m, w, w)
    F12 = blocks[group.rectangle].reshape(m, w, k)
    front = group.front_in(own) if group.front >= 0 else None
    if front is not None:
        F11 += front[:, :w, :w]
        F12 += front[:, :w, w:]
    R, logdet = _root_of_inverse(F11)
    with threads_for(m * w * group.size**2):
        np.matmul(R.swapaxes(1, 2), R, out=F11)
        if k > 0:
            half = R @ F12
            U = -half.swapaxes(1, 2) @ half
            if front is not None:
                U += front[:, w:, w:]
            np.matmul(R.swapaxes(1, 2), half, out=F12)
            group.add_to_parents(above, U)
    return logdet


def _root_of_inverse(F11: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """R and log|F₁₁| from the upper triangles, shape (m, w, w)."""
    w = F11.shape[1]
    if w == 1:
        if not (F11 > 0).all():
            raise np.linalg.LinAlgError
        return 1.0 / np.sqrt(F11), float(np.log(F11).sum())
    if w <= WIDE:
        L = np.linalg.cholesky(F11.swapaxes(1, 2))
        return np.linalg.inv(L), 2.0 * float(np.log(L.diagonal(axis1=1, axis2=2)).sum())
    R = np.empty_like(F11)
    logdet = 0.0
    for one, root in zip(F11, R, strict=True):
        # The transpose of an array in rows is the same matrix in columns, as LAPACK wants it.
        factor, failed = lapack.dpotrf(one.T, lower=1, clean=1)
        if failed:
            raise np.linalg.LinAlgError
        logdet += 2.0 * float(np.log(factor.diagonal()).sum())
        root[:], _ = lapack.dtrtri(factor, lower=1, overwrite_c=1)
    return R, logdet


def selected_inverse(factor: SparseFactor) -> NDArray[np.float64]:
    """The inverse's values in the places of the entries that the factor's layout was made for."""
    layout = factor.layout
    inverse = np.empty(layout.length)
    above = np.zeros(0)
    for groups, room in zip(layout.depths, layout.room, strict=True):
        own = np.zeros(room)
        for group in groups:
            with threads_for(group.count * group.width * group.size**2):
                _invert(group, factor, inverse, own, above)
        above = own
    return inverse[layout.entries]


def _invert(
    group: Group,
    factor: SparseFactor,
    inverse: NDArray[np.float64],
    own: NDArray[np.float64],
    above: NDArray[np.float64],
) -> None:
    m, w, k = group.count, group.width, group.below
    G = factor.rectangle(group)
    Z11 = inverse[group.pivots].reshape(m, w, w)
    Z12 = inverse[group.rectangle].reshape(m, w, k)
    Z11[:] = factor.pivots(group)
    Z22 = np.zeros((m, 0, 0))
    if k > 0:
        Z22 = group.of_parents(above)
        np.matmul(-G, Z22, out=Z12)
        Z11 -= Z12 @ G.swapaxes(1, 2)
    if group.front >= 0:
        front = group.front_in(own)
        front[:, :w, :w] = Z11
        front[:, :w, w:] = Z12
        front[:, w:, :w] = Z12.swapaxes(1, 2)
        front[:, w:, w:] = Z22
