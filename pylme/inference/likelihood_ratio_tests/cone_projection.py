"""Projections on cones of positive semidefinite matrices, in the metric of the information.

Let z ~ N(0, C) hold the cells of one or more symmetric matrices, J = C⁻¹, and x be its projection:
the positive semidefinite matrices with the least (z - x)ᵀJ(z - x). Then the part of a likelihood
ratio that belongs to them is

    T = zᵀJz - (z - x)ᵀJ(z - x) = xᵀJx

in large samples (Self & Liang 1987, JASA 82). In cells whose Euclidean norm is that of the matrix
(the off-diagonal ones times √2) the nearest matrix without a metric drops negative eigenvalues;
accelerated projected gradients reach the nearest one in the metric J, all draws at once:

    x ← P(y - (1/L) J(y - z))      y ← x + β(x - x_before)      β = (√κ - 1)/(√κ + 1)

with L and L/κ the extreme eigenvalues of J (Nesterov 2004, Introductory Lectures on Convex
Optimization, section 2.2). A congruence Z → AZAᵀ maps the cone onto itself, and the A for which
E[(AZAᵀ)²] is the identity make κ small: it is 1 if the groups are alike, however nearly dependent
the effects are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.covariance.names import cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["drawn_projections"]

#: A draw is at its end when a step changes no cell by more than this, in standard deviations.
_ENOUGH: Final = 1e-10
_MOST_STEPS: Final = 2000
#: Of E[Z²]: nearly the identity after two.
_BALANCINGS: Final = 6


def drawn_projections(
    covariance: NDArray[np.float64], sizes: Sequence[int], *, draws: int, seed: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The projections of normal draws.

    Parameters
    ----------
    covariance : ndarray, shape (c, c)
        C, by the cells of each matrix in their order, one matrix after the other.
    sizes : sequence of int
        The orders of the matrices.
    draws : int
    seed : int

    Returns
    -------
    x : ndarray, shape (draws, c)
        In cells of variance 1 on the diagonals, the off-diagonal ones times √2.
    statistic : ndarray, shape (draws,)
        T.
    share : ndarray, shape (draws,)
        T / zᵀJz, from 0 to 1. A cone is the same at every size, so that this is independent of
        zᵀJz, which is χ²(c).
    """
    places = [(at, i, j) for at, size in enumerate(sizes) for i, j in cells(size)]
    deviation = {
        (at, i): float(np.sqrt(covariance[k, k])) for k, (at, i, j) in enumerate(places) if i == j
    }
    # Scaling each effect leaves the cone as it is.
    scale = [
        (1.0 if i == j else np.sqrt(2.0)) / np.sqrt(deviation[at, i] * deviation[at, j])
        for at, i, j in places
    ]
    C = covariance * np.outer(scale, scale)
    standard = np.random.default_rng(seed).standard_normal((draws, len(C)))
    z = standard @ np.linalg.cholesky(C).T
    B = _balance(C, sizes)
    J = np.asarray(np.linalg.inv(B @ C @ B.T), dtype=np.float64)
    x = _projected(z @ B.T, J, sizes) @ np.linalg.inv(B).T
    statistic = np.einsum("ni,ij,nj->n", x, np.linalg.inv(C), x)
    return x, statistic, statistic / (standard * standard).sum(axis=1)


def _projected(
    z: NDArray[np.float64], J: NDArray[np.float64], sizes: Sequence[int]
) -> NDArray[np.float64]:
    """The nearest point of the cone to each z in the metric J, shape (draws, c)."""
    values = np.linalg.eigvalsh(J)
    longest, kappa = float(values[-1]), float(values[-1] / values[0])
    momentum = (np.sqrt(kappa) - 1.0) / (np.sqrt(kappa) + 1.0)
    ends = _nearest(z, sizes)
    # Those that still move: most draws are at their end after a few steps.
    moving, x, y = np.arange(len(z)), ends, ends
    for _ in range(_MOST_STEPS):
        new = _nearest(y - (y - z[moving]) @ J / longest, sizes)
        change = new - x
        ends[moving] = new
        left = np.abs(change).max(axis=1) >= _ENOUGH
        if not left.any():
            break
        moving, x, change = moving[left], new[left], change[left]
        y = x + momentum * change
    return ends


def _balance(C: NDArray[np.float64], sizes: Sequence[int]) -> NDArray[np.float64]:
    """The congruences that make E[Z²] the identity for each matrix, on its cells: shape (c, c)."""
    B = np.eye(len(C))
    for size, part in _blocks(sizes):
        if size == 1:
            continue
        covariance, A = C[part, part], np.eye(size)
        units = _matrices(np.eye(len(covariance)), size)
        for _ in range(_BALANCINGS):
            turned = A @ units @ A.T
            values, vectors = np.linalg.eigh(
                np.einsum("kl,kab,lbc->ac", covariance, turned, turned, optimize=True)
            )
            A = (vectors / np.sqrt(values)) @ vectors.T @ A
        B[part, part] = _cells_of(A @ units @ A.T, size).T
    return B


def _blocks(sizes: Sequence[int]) -> Iterator[tuple[int, slice]]:
    """The order of each matrix, and where its cells stand."""
    start = 0
    for size in sizes:
        stop = start + size * (size + 1) // 2
        yield size, slice(start, stop)
        start = stop


def _weights(size: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Row and column of each cell, and its value in the matrix for a cell of 1."""
    i, j = np.array(cells(size)).T
    return i, j, np.where(i == j, 1.0, np.sqrt(0.5))


def _matrices(z: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """The symmetric matrices of cells, off-diagonal ones times √2: shape (n, size, size)."""
    i, j, weight = _weights(size)
    made = np.zeros((len(z), size, size))
    made[:, i, j] = made[:, j, i] = z * weight
    return made


def _cells_of(matrices: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """The inverse of `_matrices`, shape (n, c)."""
    i, j, weight = _weights(size)
    return np.asarray(matrices[:, i, j] / weight, dtype=np.float64)


def _nearest(z: NDArray[np.float64], sizes: Sequence[int]) -> NDArray[np.float64]:
    """The nearest positive semidefinite matrices by their Euclidean norm."""
    made = np.empty_like(z)
    for size, part in _blocks(sizes):
        if size == 1:
            made[:, part] = np.maximum(z[:, part], 0.0)
            continue
        values, vectors = np.linalg.eigh(_matrices(z[:, part], size))
        kept = (vectors * np.maximum(values, 0.0)[:, None]) @ vectors.swapaxes(1, 2)
        made[:, part] = _cells_of(kept, size)
    return made
