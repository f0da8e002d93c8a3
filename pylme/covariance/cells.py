"""The order of the cells of a symmetric matrix or a lower triangle.

θ runs through the lower triangle column by column (Bates, Mächler, Bolker & Walker 2015, section
2.2), and so do tables of variances and covariances in the order ``"lower.tri"``. R's
``as.data.frame(VarCorr(fit))`` puts the variances first by default, ``"cov.last"``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CellOrder", "cells", "lower_triangle_places"]

CellOrder: TypeAlias = Literal["cov.last", "lower.tri"]


@cache
def cells(k: int, order: CellOrder = "lower.tri") -> tuple[tuple[int, int], ...]:
    """The places (row, column) of the lower triangle of a k by k matrix.

    Examples
    --------
    >>> cells(2), cells(2, "cov.last")
    (((0, 0), (1, 0), (1, 1)), ((0, 0), (1, 1), (1, 0)))
    """
    if order == "lower.tri":
        return tuple((row, column) for column in range(k) for row in range(column, k))
    below = ((row, column) for column in range(k) for row in range(column + 1, k))
    return (*((i, i) for i in range(k)), *below)


@cache
def lower_triangle_places(k: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of `cells(k)` as read-only arrays, for indexing."""
    columns, rows = np.triu_indices(k)
    for places in (rows, columns):
        places.flags.writeable = False
    return rows, columns
