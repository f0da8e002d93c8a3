"""Which columns of X are linearly dependent on those before them, as R's `qr()` decides.

Columns are reflected one by one. A column whose remaining norm has fallen below 1e-7 of its own is
moved to the end; the others keep their order (Bates & Chambers 1992; the LINPACK routine with
limited pivoting that R uses). Norms do not change under rotation, so the decision is taken on the
triangle of a QR decomposition, of p rows instead of n.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["combinations", "independent_columns"]

_TOLERANCE: Final = 1e-7
#: A part of a column this small beside the whole is rounding.
_ROUNDING: Final = 1e-8


def independent_columns(X: NDArray[np.float64]) -> NDArray[np.intp]:
    """The columns that stay, in their order.

    Parameters
    ----------
    X : ndarray, shape (n, p)
    """
    rest: NDArray[np.float64] = np.asarray(np.linalg.qr(X, mode="r"))
    norms = np.linalg.norm(rest, axis=0)
    norms[norms == 0] = 1.0
    kept: list[int] = []
    for column in range(rest.shape[1]):
        place = len(kept)
        below = rest[place:, column]
        norm = np.linalg.norm(below)
        if norm < _TOLERANCE * norms[column] or norm == 0:
            continue
        normal = below.copy()
        normal[0] += np.copysign(norm, normal[0])
        normal /= np.linalg.norm(normal)
        rest[place:, column:] -= 2 * np.outer(normal, normal @ rest[place:, column:])
        kept.append(column)
    return np.array(kept, dtype=np.intp)


def combinations(kept: NDArray[np.float64], dropped: NDArray[np.float64]) -> NDArray[np.float64]:
    """The coefficients of dropped columns on those kept: dropped = kept @ coefficients.

    Parameters
    ----------
    kept : ndarray, shape (n, p)
        Linearly independent.
    dropped : ndarray, shape (n, m)

    Returns
    -------
    ndarray, shape (p, m)
        Exactly zero where a column has no part.
    """
    lengths = np.linalg.norm(kept, axis=0)
    Q, R = np.linalg.qr(kept / lengths)
    parts = np.linalg.solve(R, Q.T @ dropped)
    parts[np.abs(parts) <= _ROUNDING * np.linalg.norm(dropped, axis=0)] = 0.0
    coefficients: NDArray[np.float64] = parts / lengths[:, None]
    return coefficients
