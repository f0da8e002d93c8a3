"""Linear algebra in NumPy's extended precision, which LAPACK does not have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["EPS", "Long", "cholesky", "lower_solve", "orthogonal"]

Long = NDArray[np.longdouble]

EPS = float(np.finfo(np.longdouble).eps)


def cholesky(A: Long) -> Long:
    """L of A = LLᵀ, column by column; NaN where A is not positive definite, shape (..., n, n)."""
    rest = np.array(A, dtype=np.longdouble)
    n = rest.shape[-1]
    L = np.zeros_like(rest)
    with np.errstate(invalid="ignore", divide="ignore"):
        for j in range(n):
            column = rest[..., j:, j] / np.sqrt(rest[..., j, j])[..., None]
            L[..., j:, j] = column
            rest[..., j + 1 :, j + 1 :] -= column[..., 1:, None] * column[..., None, 1:]
    return L


def lower_solve(L: Long, b: Long) -> Long:
    """L⁻¹b by forward substitution, for b of shape (n,) or (n, r)."""
    x = np.array(b, dtype=np.longdouble)
    for j in range(len(L)):
        x[j] = x[j] / L[j, j]
        x[j + 1 :] -= np.multiply.outer(L[j + 1 :, j], x[j]) if x.ndim > 1 else L[j + 1 :, j] * x[j]
    return x


def orthogonal(A: Long) -> tuple[Long, Long, NDArray[np.bool_]]:
    """Q, R and which columns are kept, by Householder's reflections from left to right.

    A column is dropped where less than 1e-7 of its length is left by those before it: R's rule.

    Returns
    -------
    Q : ndarray, shape (n, n)
        Its first columns span the kept ones, the others what is orthogonal to all.
    R : ndarray, shape (kept, kept)
    kept : ndarray of bool, shape (p,)
    """
    n, p = A.shape
    work = np.array(A, dtype=np.longdouble)
    lengths = np.sqrt((work * work).sum(axis=0))
    Q = np.eye(n, dtype=np.longdouble)
    kept = np.zeros(p, dtype=bool)
    rank = 0
    for j in range(p):
        v = work[rank:, j].copy()
        length = np.sqrt(v @ v)
        if rank == n or not length > 1e-7 * lengths[j]:
            continue
        v[0] += np.copysign(length, v[0])
        v /= np.sqrt(v @ v)
        work[rank:] -= 2 * np.outer(v, v @ work[rank:])
        Q[:, rank:] -= 2 * np.outer(Q[:, rank:] @ v, v)
        kept[j] = True
        rank += 1
    return Q, work[:rank, kept], kept
