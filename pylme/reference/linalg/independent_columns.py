"""Columns that are nearly dependent, made orthogonal in twice the working precision.

With x shifted by a million, x·b is a million times b and little else. What is left of it lies
beyond the digits of products and sums in double precision, but the columns themselves have it, as
they are exact. So each column is freed of those before it (modified Gram-Schmidt) with numbers that
are unevaluated sums of two doubles (Dekker 1971, Numerische Mathematik 18): the coefficients need
only be near those of least squares, but what they are multiplied by, and what is subtracted, must
not be rounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["orthogonal_columns"]

#: Cosines that need not be removed.
NEAR: Final = 1e-3
#: What is left of a column, relative to it, that is rounding error of the column itself.
NOTHING: Final = 1e-14
_ROUNDS: Final = 4
#: Dekker's constant, which splits a double into two halves of its digits.
_SPLIT: Final = 134217729.0
#: Rows at a time, so that all intermediate results stay in the cache.
_ROWS: Final = 8192


def orthogonal_columns(
    columns: Sequence[NDArray[np.float64]], weights: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nearly orthogonal columns, and the upper triangular U with the given ones = rowsᵀ U.

    Parameters
    ----------
    columns : sequence of ndarray, shapes (n,)
    weights : ndarray, shape (n,), optional
        Of the inner product.

    Returns
    -------
    rows : ndarray, shape (k, n)
        Not multiplied by the roots of the weights. A column that depends on those before it, up to
        its own rounding, is only scaled.
    U : ndarray, shape (k, k)
    """
    k, n = len(columns), len(columns[0])
    high, low = np.empty((k, n)), np.zeros((k, n))
    U = np.zeros((k, k))
    for j, column in enumerate(columns):
        scale = _power_of_two(_length(column, weights))
        high[j] = column / scale
        size = length = _length(high[j], weights)
        coefficients = np.zeros(j)
        for _ in range(_ROUNDS):
            weighted = high[j] if weights is None else high[j] * weights
            squares = np.array([_square(row, weights) for row in high[:j]])
            # No part of a column lies along a column of zeros.
            c = (high[:j] @ weighted) / np.where(squares > 0, squares, 1.0)
            c[np.abs(c) < NEAR * length / max(j, 1)] = 0.0
            if not c.any():
                break
            for i in np.flatnonzero(c).tolist():
                _subtract(high[j], low[j], c[i], high[i], low[i])
            coefficients += c
            length = _length(high[j], weights)
        if length <= NOTHING * size:
            high[j], low[j], length = column / scale, 0.0, size
            coefficients[:] = 0.0
        unit = _power_of_two(length)
        high[j] /= unit
        low[j] /= unit
        U[:j, j] = coefficients * scale
        U[j, j] = unit * scale
    return high, U


def _square(row: NDArray[np.float64], weights: NDArray[np.float64] | None) -> float:
    return float(row @ row if weights is None else row @ (row * weights))


def _length(row: NDArray[np.float64], weights: NDArray[np.float64] | None) -> float:
    """The root mean square."""
    return float(np.sqrt(_square(row, weights) / len(row)))


def _power_of_two(size: float) -> float:
    """The next one above, by which division is exact."""
    return float(np.ldexp(1.0, np.frexp(size)[1])) if size > 0 else 1.0


def _subtract(
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    c: float,
    of_high: NDArray[np.float64],
    of_low: NDArray[np.float64],
) -> None:
    """Take c times one column from another, in place."""
    c_high = _SPLIT * c - (_SPLIT * c - c)
    c_low = c - c_high
    for start in range(0, len(high), _ROWS):
        rows = slice(start, start + _ROWS)
        a, b = high[rows], of_high[rows]
        spread = _SPLIT * b
        b_high = spread - (spread - b)
        b_low = b - b_high
        product = c * b
        error = ((c_high * b_high - product) + c_high * b_low + c_low * b_high) + c_low * b_low
        error += c * of_low[rows]
        # Knuth's exact sum of a and -product.
        total = a - product
        part = total - a
        rest = (a - (total - part)) - (product + part)
        rest += low[rows] - error
        high[rows] = total + rest
        low[rows] = rest - (high[rows] - total)
