"""The combinations of parameters that leave no trace in the data, in a sparse basis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pylme.design.identifiability.conditioning import Conditioned
    from pylme.design.identifiability.sketch import Sketches

__all__ = ["ROUNDING", "echelon", "nothing", "null_space"]

#: What counts as nothing, of a combination of matrices each scaled to length 1 before the fixed
#: effects are taken out. Rounding leaves 1e-13 of a million rows. The least that tells parameters
#: apart is far more: a single pair of rows in a million leaves 1e-3, a year and its square in a
#: term without covariances (||) 1e-7.
NOTHING: Final = 1e-9
#: An entry this small beside what it was computed from, or beside the largest of its row, is
#: rounding.
ROUNDING: Final = 1e-8
#: A basis vector is led by an entry of at least this size beside its largest.
_LEADING: Final = 1e-6


def nothing(terms: Iterable[Conditioned]) -> float:
    """What counts as nothing for these terms: not less than a hundred of their rounding errors."""
    return max([NOTHING, *(100 * term.rounding for term in terms)])


def null_space(sketches: Sketches, below: float) -> NDArray[np.float64]:
    """A basis of the combinations c with P(Σ c_i B_i)P = 0, shape (m, d + 1).

    Orthonormal for coefficients in units of the lengths of the B_i.

    Parameters
    ----------
    sketches : Sketches
    below : float
        What counts as nothing.
    """
    lengths = sketches.lengths
    _, sizes, vectors = np.linalg.svd(sketches.projected / lengths, full_matrices=False)
    found: NDArray[np.float64] = vectors[sizes < below] / lengths
    return found


def echelon(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The reduced echelon form, each row led by its last nonzero entry.

    So each row says how one parameter depends on parameters before it, and on as few as possible. A
    single parameter that leaves no trace has a row of its own.

    Parameters
    ----------
    rows : ndarray, shape (m, d)
        Linearly independent; entries of comparable units.
    """
    rows = rows / np.abs(rows).max(axis=1, keepdims=True)
    todo = list(range(len(rows)))
    for column in range(rows.shape[1] - 1, -1, -1):
        if not todo:
            break
        best = max(todo, key=lambda row: abs(rows[row, column]))
        if abs(rows[best, column]) <= _LEADING:
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
            rows[row][np.abs(rows[row]) <= ROUNDING * bound] = 0.0
            if row in todo:
                rows[row] /= np.abs(rows[row]).max()
    largest = np.abs(rows).max(axis=1, keepdims=True)
    rows[np.abs(rows) <= ROUNDING * largest] = 0.0
    return rows
