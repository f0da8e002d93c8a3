"""The criterion from its definition, on dense matrices of n by n, and the best of many searches.

Nothing here is shared with the engine but the design: V = W⁻¹ + Σ_t Z_t(I ⊗ TTᵀ)Z_tᵀ, its
determinant and its solutions are formed as they stand in textbooks.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

__all__ = ["best_of", "criterion_of"]


def criterion_of(design, theta, *, reml):
    """-2 log (restricted) likelihood at lme4's theta; infinite where V is singular."""
    V = np.diag(1.0 / design.weights)
    for term in design.terms:
        k = len(term.names)
        T = np.zeros((k, k))
        columns, rows = np.triu_indices(k)
        T[rows, columns] = theta[term.thetas]
        effects = term.columns @ T
        V += (effects @ effects.T) * (term.codes[:, None] == term.codes)
    n, p = design.X.shape
    try:
        factor = cho_factor(V, lower=True)
    except np.linalg.LinAlgError:
        return np.inf
    VX = cho_solve(factor, design.X)
    S = design.X.T @ VX
    y = design.y - design.offset
    e = y - design.X @ np.linalg.solve(S, VX.T @ y)
    squares = float(e @ cho_solve(factor, e))
    if not squares > 0:
        return np.inf
    nu = n - p if reml else n
    value = 2.0 * np.log(np.diag(factor[0])).sum() + nu * (1 + np.log(2 * np.pi * squares / nu))
    return value + (np.linalg.slogdet(S)[1] if reml else 0.0)


def best_of(design, *, reml, searches, seed=0):
    """The least criterion of searches by BFGS from random starts."""
    rng = np.random.default_rng(seed)
    m = design.terms[-1].thetas.stop

    def value(theta):
        found = criterion_of(design, theta, reml=reml)
        return found if np.isfinite(found) else 1e10

    ends = []
    for _ in range(searches):
        start = rng.standard_normal(m) * np.exp(rng.uniform(-2, 3))
        ends.append(minimize(value, start, method="L-BFGS-B", options={"maxiter": 200}).fun)
    return min(ends)
