"""Few rows that have the cross products of many.

A linear mixed model is the same for any rows with the same cross products within each combination
of levels. Of a cell with W = Σ w c_Z c_Zᵀ = RᵀR and V = Σ w c_Zᵀ[c y], the k rows R⁻ᵀV have these
products; R is the pivoted Cholesky factor, and a pivot that is a rounding error ends it. What all
cells together leave of the total, [c y]ᵀ[c y] - Σ VᵀW⁻¹V, is a matrix in which those of Z are zero,
and its Cholesky factor are the last rows. This is the decomposition of Pinheiro & Bates (2000,
section 2.2) for any number of factors, made from sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ROUNDING", "cell_rows", "factor_rows"]

#: A pivot relative to its column that is a rounding error of the sums.
ROUNDING: Final = 1e-12


def cell_rows(
    cells: NDArray[np.float64], of_z: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The rows R⁻ᵀV of all cells, and the cell of each.

    Parameters
    ----------
    cells : ndarray, shape (C, k, b + 1)
        V of each cell.
    of_z : ndarray of int, shape (k,)
        The columns of Z among the b.

    Returns
    -------
    rows : ndarray, shape (m, b + 1)
    cell : ndarray of int, shape (m,)
    """
    made = _within_cells(cells, of_z)
    rows = made.reshape(-1, made.shape[2])
    cell = np.repeat(np.arange(len(made)), made.shape[1])
    used = np.any(rows != 0, axis=1)
    return rows[used], cell[used]


def _within_cells(cells: NDArray[np.float64], of_z: NDArray[np.intp]) -> NDArray[np.float64]:
    """The rows R⁻ᵀV of each cell, shape (C, k, b + 1)."""
    C, k, _ = cells.shape
    left = cells.copy()
    at = np.arange(C)
    sizes = left[:, np.arange(k), of_z].copy()
    made = np.zeros_like(left)
    for step in range(k):
        own = left[:, np.arange(k), of_z]
        parts = np.divide(own, sizes, out=np.zeros_like(own), where=sizes > 0)
        pivot = parts.argmax(axis=1)
        sound = parts[at, pivot] > ROUNDING
        size = np.where(sound, own[at, pivot], 1.0)
        row = left[at, pivot] * (sound / np.sqrt(size))[:, None]
        made[:, step] = row
        # What this row has of each of Z, which its own elements are.
        left -= row[:, of_z][:, :, None] * row[:, None, :]
        left[at, pivot] = 0.0
        left[at[:, None], np.arange(k), of_z[pivot][:, None]] = 0.0
    return made


def factor_rows(matrix: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows with the given cross products, without those that are rounding errors.

    Parameters
    ----------
    matrix : ndarray, shape (b, b)
        Symmetric, positive semidefinite but for rounding.
    sizes : ndarray, shape (b,)
        The diagonal of the sums whose difference it is.
    """
    left = matrix.copy()
    made = []
    for _ in range(len(left)):
        own = left.diagonal()
        parts = np.divide(own, sizes, out=np.zeros_like(own), where=sizes > 0)
        pivot = int(parts.argmax())
        if parts[pivot] <= ROUNDING:
            break
        row = left[pivot] / np.sqrt(own[pivot])
        made.append(row)
        left = left - np.outer(row, row)
        left[pivot] = left[:, pivot] = 0.0
    return np.array(made).reshape(-1, len(left))
