"""The columns of a random-effects term, freed of shift and scale.

A column that is nearly a combination of those before it (a year, which is nearly a multiple of the
intercept) is replaced by what is left of it, and each column by its multiple of mean square 1:
Z = Z̃R with R upper triangular. Covariances Σ of the raw columns are RΣRᵀ of the new ones, and come
back as R⁻¹ΣR⁻ᵀ. All other columns are scaled alone, not made orthogonal: a covariance that is an
exact zero of the data (of two slopes that no level has both of) stays one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

if TYPE_CHECKING:
    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["Conditioned", "conditioned", "weighted"]

#: The share of a column's squares that columns before it may leave unexplained before the column is
#: taken for nearly a combination of them. Pairs of columns as alike as that still leave traces of
#: variances different by a ten-thousandth, far above rounding.
NEARLY: Final = 1e-2
#: A remainder of this size relative to its column is rounding: products and sums of columns are
#: exact to 1e-16, transformations such as `poly()` to about 1e-14.
NOTHING: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conditioned:
    """The columns of one term, well-conditioned.

    Attributes
    ----------
    columns : ndarray, shape (k, n)
        The new columns, each a row of this array; zero where a column depends on those before it.
    R : ndarray, shape (k, k)
        Upper triangular and nonsingular: the raw columns are columnsᵀ R.
    rounding : ndarray, shape (k,)
        The rounding errors of the raw columns, relative to what is left of them.
    """

    columns: NDArray[np.float64]
    R: NDArray[np.float64]
    rounding: NDArray[np.float64]

    @property
    def inverse(self) -> NDArray[np.float64]:
        """R⁻¹."""
        solved: NDArray[np.float64] = solve_triangular(self.R, np.eye(len(self.R)))
        return solved


def weighted(term: RandomTerm, roots: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """The raw columns of a term, each a row, times the roots of the weights where there are any."""
    raw = np.ascontiguousarray(term.columns.T)
    return raw if roots is None else raw * roots


def conditioned(raw: NDArray[np.float64]) -> Conditioned:
    """The columns of a term, freed of shift and scale.

    Parameters
    ----------
    raw : ndarray, shape (k, n)
        From `weighted`.
    """
    k, n = raw.shape
    columns = np.zeros((k, n))
    R = np.zeros((k, k))
    left_over = np.ones(k)
    for j in range(k):
        length = _length(raw[j]) or 1.0
        columns[j] = raw[j] / length
        R[j, j] = length
        if j == 0:
            continue
        coefficients, left = _regressed(columns[:j], columns[j])
        size = _length(left)
        if size**2 >= NEARLY:
            continue
        # Twice, since the first remainder carries the rounding of the whole column.
        again, left = _regressed(columns[:j], left)
        size = _length(left)
        R[:j, j] = (coefficients + again) * length
        if size > NOTHING:
            columns[j] = left / size
            R[j, j] = size * length
            left_over[j] = size
        else:
            columns[j] = 0.0
    return Conditioned(columns=columns, R=R, rounding=np.finfo(float).eps / left_over)


def _length(column: NDArray[np.float64]) -> float:
    """The root of the mean square."""
    return float(np.sqrt(np.mean(column * column)))


def _regressed(
    before: NDArray[np.float64], column: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least-squares coefficients of a column on those before it, and what they leave."""
    solution = np.linalg.lstsq(before @ before.T, before @ column, rcond=None)[0]
    coefficients: NDArray[np.float64] = np.asarray(solution, dtype=np.float64)
    return coefficients, column - coefficients @ before
