"""The criterion in extended precision, by code that shares nothing with the package's.

The penalized least squares problem is solved by Householder reflections of

    [ Z Λ  X  y ]
    [  I   0  0 ]

(rows multiplied by the roots of the weights): log|A| and log|XᵀV⁻¹X| are twice the sums of the
logarithms of R's diagonal, and r is its last element. No cross products are taken, so the errors
are those of 80-bit numbers times the condition of the matrix, not of its square.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

#: The platform's widest floating type: 80 bits on x86.
WIDE = np.longdouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Extended:
    """A model at one theta."""

    criterion: float
    sigma: float
    beta: np.ndarray
    u: np.ndarray


def extended(system, theta):
    """The model of a `System` of lme4's at theta."""
    n, p = system.X.shape
    q = len(system.u)
    Zt = sparse.csc_array((system.Zt_x, system.Zt_i, system.Zt_p), shape=(q, n)).toarray()
    Lt = sparse.csc_array((np.asarray(theta)[system.Lind - 1], system.Lambdat_i, system.Lambdat_p),
                          shape=(q, q)).toarray()  # fmt: skip
    root = np.sqrt(system.weights.astype(WIDE))[:, None]
    ZL = (Lt.astype(WIDE) @ Zt.astype(WIDE)).T
    y = system.y.astype(WIDE) - system.offset.astype(WIDE)
    rows = np.zeros((n + q, q + p + 1), WIDE)
    rows[:n] = np.hstack([ZL, system.X.astype(WIDE), y[:, None]]) * root
    rows[n:, :q] = np.eye(q)
    R = _triangle(rows)
    solution = _solved(R[: q + p, : q + p], R[: q + p, -1])
    nu = n - p if system.reml else n
    rss = R[q + p, -1] ** 2
    logs = np.log(np.abs(np.diag(R)))
    value = 2 * logs[:q].sum() + nu * (1 + np.log(2 * WIDE(np.pi) * rss / nu))
    value -= np.log(system.weights.astype(WIDE)).sum()
    if system.reml:
        value += 2 * logs[q : q + p].sum()
    return Extended(
        criterion=float(value),
        sigma=float(np.sqrt(rss / nu)),
        beta=solution[q:].astype(float),
        u=solution[:q].astype(float),
    )


def _triangle(rows):
    """R of the QR decomposition."""
    rows = rows.copy()
    columns = rows.shape[1]
    for j in range(columns):
        v = rows[j:, j].copy()
        v[0] += np.copysign(np.sqrt((v * v).sum()), v[0])
        length = (v * v).sum()
        if length:
            rows[j:, j:] -= np.outer(v * (2 / length), v @ rows[j:, j:])
    return rows[:columns]


def _solved(R, right):
    x = np.zeros(len(right), WIDE)
    for i in range(len(right) - 1, -1, -1):
        x[i] = (right[i] - R[i, i + 1 :] @ x[i + 1 :]) / R[i, i]
    return x
