"""Cross products of the columns within the levels of a factor.

Z_fᵀ[Z_f X y] is all that the leading factor adds to a model: a K by (K + p + R) table for each
level. It is summed column pair by column pair over the rows, so that memory is that of one column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from pylme.reference.pseudo_inverse import coefficients

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.columns import Columns
    from pylme.reference.terms import Factor

__all__ = ["base_tables", "fixed_products", "left_within", "response_tables", "within_levels"]


def base_tables(columns: Columns, factor: Factor, f: int) -> NDArray[np.float64]:
    """Z_fᵀ base within each level, shape (K, b, J)."""
    base = columns.base
    B = columns.z_of_base[f]
    used = np.flatnonzero(np.any(B != 0, axis=1)).tolist()
    tables = np.empty((len(used), len(base), factor.levels))
    for i, a in enumerate(used):
        for c in range(len(base)):
            if c in used[:i]:
                tables[i, c] = tables[used.index(c), a]
            else:
                tables[i, c] = np.bincount(
                    factor.codes, weights=base[a] * base[c], minlength=factor.levels
                )
    return np.tensordot(B[used], tables, axes=(0, 0))


def response_tables(columns: Columns, factor: Factor, f: int) -> NDArray[np.float64]:
    """Z_fᵀ y within each level for each response, shape (R, K, J)."""
    B = columns.z_of_base[f]
    used = np.flatnonzero(np.any(B != 0, axis=1)).tolist()
    R, n = columns.y.shape
    J = factor.levels
    if R == 1:
        y = columns.y[0]
        tables = np.empty((1, len(used), J))
        for i, a in enumerate(used):
            tables[0, i] = np.bincount(factor.codes, weights=columns.base[a] * y, minlength=J)
    else:
        rows = np.arange(n + 1)
        tables = np.empty((R, len(used), J))
        for i, a in enumerate(used):
            indicator = sparse.csr_array((columns.base[a], factor.codes, rows), shape=(n, J))
            tables[:, i] = (indicator.T @ columns.y.T).T
    combined: NDArray[np.float64] = B[used].T @ tables
    return combined


def within_levels(columns: Columns, f: int, tables: NDArray[np.float64]) -> NDArray[np.float64]:
    """Z_fᵀ[Z_f X] within each level from `base_tables`: shape (K + p, K, J), its columns first."""
    combined = np.concatenate([columns.z_of_base[f], columns.x_of_base], axis=1)
    return np.ascontiguousarray(np.tensordot(combined, tables, axes=(0, 1)))


def fixed_products(columns: Columns) -> NDArray[np.float64]:
    """[X y]ᵀ[X y] for each response, shape (R, p + 1, p + 1)."""
    R = len(columns.y)
    B = columns.x_of_base
    p = B.shape[1]
    products = np.empty((R, p + 1, p + 1))
    products[:, :p, :p] = B.T @ (columns.base @ columns.base.T) @ B
    products[:, :p, p] = products[:, p, :p] = (columns.y @ columns.base.T) @ B
    products[:, p, p] = np.einsum("rn,rn->r", columns.y, columns.y)
    return products


def left_within(
    columns: Columns, factor: Factor, f: int, row: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What the factor's columns leave of one column within each level, shape (n,).

    Orthogonal to them beyond its own rounding: what the first coefficients lack is seen in the
    residuals, and taken out of them.
    """
    z = columns.z_of_base[f].T @ columns.base
    K, J = factor.width, factor.levels
    C = np.empty((K, K, J))
    for a in range(K):
        for b in range(a + 1):
            C[a, b] = C[b, a] = np.bincount(factor.codes, weights=z[a] * z[b], minlength=J)
    left = row.copy()
    for _ in range(2):
        U = np.empty((1, K, J))
        for a in range(K):
            U[0, a] = np.bincount(factor.codes, weights=z[a] * left, minlength=J)
        c = coefficients(C, U)[0]
        for a in range(K):
            left -= z[a] * c[a, factor.codes]
    return left
