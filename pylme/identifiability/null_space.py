"""A sparse basis of the combinations of parameters that are not identified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NOTHING", "echelon", "entries_from", "null_space", "tolerance"]

#: What counts as nothing, of a combination of matrices each scaled to length 1 before the fixed
#: effects are taken out. Rounding leaves 1e-13 of a million rows. The least that tells parameters
#: apart is far more: a single pair of rows in a million leaves 1e-3, a year and its square in a
#: term without covariances (||) 1e-7.
NOTHING: Final = 1e-9
#: An entry of a combination this small beside what it was computed from, or beside the largest of
#: the combination, is rounding.
_ENTRY: Final = 1e-8
#: By how much rounding errors of the data may grow until they stand in a combination.
_GROWTH: Final = 100.0


def tolerance(rounding: NDArray[np.float64]) -> NDArray[np.float64]:
    """The size that counts as zero for parameters whose matrices have these rounding errors."""
    return np.maximum(NOTHING, _GROWTH * rounding)


def entries_from(rounding: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smallest entry of a combination that is not a rounding error, relative to the largest."""
    return np.maximum(_ENTRY, _GROWTH * rounding)


def null_space(sketches: NDArray[np.float64], rounding: NDArray[np.float64]) -> NDArray[np.float64]:
    """An orthonormal basis of the combinations of sketches that are zero, shape (combinations, d).

    Parameters
    ----------
    sketches : ndarray, shape (m, d)
        One in each column, scaled such that the matrix that it represents has length 1.
    rounding : ndarray, shape (d,)
        Of the matrices, relative to their lengths.
    """
    _, sizes, vectors = np.linalg.svd(sketches, full_matrices=False)
    found: NDArray[np.float64] = vectors[
        sizes <= np.maximum(NOTHING, _GROWTH * np.abs(vectors) @ rounding)
    ]
    return found


def echelon(rows: NDArray[np.float64], least: NDArray[np.float64]) -> NDArray[np.float64]:
    """The reduced echelon form, each row led by its last nonzero entry.

    So each row says how one parameter depends on as few as possible of those before it. A single
    parameter that is not identified has its own row.

    Parameters
    ----------
    rows : ndarray, shape (m, d)
        Linearly independent; entries of comparable units.
    least : ndarray, shape (d,)
        From `entries_from`.
    """
    rows = rows / np.abs(rows).max(axis=1, keepdims=True)
    todo = list(range(len(rows)))
    for column in range(rows.shape[1] - 1, -1, -1):
        if not todo:
            break
        best = max(todo, key=lambda row: abs(rows[row, column]))
        if abs(rows[best, column]) <= least[column]:
            rows[todo, column] = 0.0
            continue
        todo.remove(best)
        rows[best] /= rows[best, column]
        for row in range(len(rows)):
            if row == best or rows[row, column] == 0:
                continue
            taken = rows[row, column] * rows[best]
            bound = np.abs(rows[row]) + np.abs(taken)
            rows[row] -= taken
            rows[row][np.abs(rows[row]) <= least * bound] = 0.0
            if row in todo:
                rows[row] /= np.abs(rows[row]).max()
    largest = np.abs(rows).max(axis=1, keepdims=True)
    rows[np.abs(rows) <= least * largest] = 0.0
    return rows
