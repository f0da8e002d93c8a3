"""The profile deviance by dense matrices and SciPy's minimisers from many starts.

Nothing here shares code with the package: Σ and σ are free parameters, the constraint is solved for
one of them, and the deviance is that of the normal distribution with V formed in full.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize


class DenseModel:
    """y ~ N(Xβ, ZΣZᵀ + σ²W⁻¹) for one term with k effects, and as many rows in each group."""

    def __init__(self, y, X, columns, codes, *, weights=None):
        self.k = columns.shape[1]
        self.n = len(y)
        order = np.argsort(codes, kind="stable")
        J = codes.max() + 1
        w = np.ones(len(y)) if weights is None else weights
        self.y, self.w = y[order].reshape(J, -1), w[order].reshape(J, -1)
        self.X = X[order].reshape(J, -1, X.shape[1])
        self.Z = columns[order].reshape(J, -1, self.k)

    def deviance(self, root, sigma, *, fixed=None):
        """-2 log L, β profiled out but for one coefficient (j, value)."""
        half = self.Z @ root
        V = half @ half.swapaxes(1, 2) + sigma**2 * (np.eye(self.w.shape[1]) / self.w[:, :, None])
        y, X = self.y, self.X
        if fixed is not None:
            j, value = fixed
            y, X = y - value * X[:, :, j], np.delete(X, j, axis=2)
        both = np.linalg.solve(V, np.concatenate([X, y[..., None]], axis=2))
        A = np.einsum("jnp,jnq->pq", np.concatenate([X, y[..., None]], axis=2), both)
        left = A[-1, -1]
        if X.shape[2]:
            left -= A[-1, :-1] @ np.linalg.solve(A[:-1, :-1], A[:-1, -1])
        return np.linalg.slogdet(V)[1].sum() + self.n * np.log(2 * np.pi) + left

    def least(self, kind, place, value, *, starts=3, seed=1):
        """The deviance with one parameter at a value, minimised over all others."""
        rng = np.random.default_rng(seed)
        rows, columns = np.tril_indices(self.k)
        m = len(rows)
        spread = np.std(self.y)

        def full(free):
            log_sigma, cells = free[0], free[1:]
            sigma = np.exp(log_sigma)
            T = np.zeros((self.k, self.k))
            T[rows, columns] = cells
            if kind == "sd":
                (a,) = place
                length = np.linalg.norm(T[a])
                T[a] = T[a] * value / length if length else 0.0
            if kind == "correlation":
                # The second effect's row: value along the first's, the rest across it.
                a, b = place
                order = [a, b, *(i for i in range(self.k) if i not in place)]
                own = np.zeros((self.k, self.k))
                own[rows, columns] = cells
                size = own[1, 1]
                own[1, :2] = size * value, size * np.sqrt(1 - value**2)
                own[0, 0] = abs(own[0, 0])
                own[1] *= np.sign(size) if size else 1.0
                T = np.empty_like(own)
                T[order] = own
            if kind == "sigma":
                sigma = value
            return T, sigma

        def objective(free):
            T, sigma = full(free)
            fixed = (place, value) if kind == "fixed" else None
            try:
                return self.deviance(T, sigma, fixed=fixed)
            except np.linalg.LinAlgError:
                return 1e10

        best = np.inf
        for _ in range(starts):
            start = np.append(np.log(spread * rng.uniform(0.05, 1)), spread * rng.normal(size=m))
            found = minimize(objective, start, method="BFGS", options={"gtol": 1e-5})
            best = min(best, found.fun)
        return best
