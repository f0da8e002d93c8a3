"""The formulas of inference with matrices of n by n and q by q: the oracle of the quick ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import block_diag

from pylme.covariance.names import lower_triangle_places
from pylme.model_matrix.random_term import random_matrix
from pylme.results.linear_problem import LinearProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Dense"]


@dataclass
class Dense:
    """A linear mixed model at the theta of its fit."""

    linear: LinearProblem

    def __post_init__(self) -> None:
        linear = self.linear
        n, p = linear.X.shape
        root = np.ones(n) if linear.weights is None else np.sqrt(linear.weights)
        self.X = root[:, None] * linear.X
        self.y = root * linear.y_less_offset
        self.Z = root[:, None] * random_matrix(linear.terms, n).T.toarray()
        self.nu = n - p if linear.reml else n
        self.T = self.factors(linear.theta)
        self.Sigma = self.relative(self.T)
        V = np.eye(n) + self.Z @ self.Sigma @ self.Z.T
        self.Vi = np.linalg.inv(V)
        self.S_inv = np.linalg.inv(self.X.T @ self.Vi @ self.X)
        self.beta = self.S_inv @ self.X.T @ self.Vi @ self.y
        self.P = self.Vi - self.Vi @ self.X @ self.S_inv @ self.X.T @ self.Vi
        self.h = self.Z.T @ self.Vi @ (self.y - self.X @ self.beta)
        self.b = self.Sigma @ self.h
        self.rss = float(self.y @ self.P @ self.y)
        self.sigma2 = self.rss / self.nu
        self.PZ = self.Z.T @ self.P @ self.Z

    def factors(self, theta: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """T of each term."""
        made = []
        for term in self.linear.terms:
            k = len(term.names)
            rows, columns = lower_triangle_places(k)
            T = np.zeros((k, k))
            T[rows, columns] = theta[term.thetas]
            made.append(T)
        return made

    def whole(self, blocks: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """A matrix of the random effects with a block for each level of each term."""
        terms = self.linear.terms
        return block_diag(
            *(np.kron(np.eye(len(t.levels)), B) for t, B in zip(terms, blocks, strict=True))
        )

    def relative(self, T: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Σ = ΛΛᵀ."""
        return self.whole([t @ t.T for t in T])

    def cells(self) -> list[NDArray[np.float64]]:
        """The B_i, ∂Σ by each distinct element of each term's covariance matrix."""
        made = []
        for place, term in enumerate(self.linear.terms):
            k = len(term.names)
            for a, b in zip(*lower_triangle_places(k), strict=True):
                blocks = [np.zeros((len(t.names),) * 2) for t in self.linear.terms]
                blocks[place][a, b] = blocks[place][b, a] = 1.0
                made.append(self.whole(blocks))
        return made

    def target(
        self, x: NDArray[np.float64], z: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """φ and v of a target by their definitions."""
        A = self.Sigma @ self.Z.T @ self.Vi
        c = A.T @ z
        gls = self.S_inv @ self.X.T @ self.Vi
        a = c + gls.T @ (x - self.X.T @ c)
        # μ̂ = aᵀy, so that μ̂ - μ = aᵀ(Zb + ε) - zᵀb.
        n = len(self.y)
        lacking = self.Z.T @ a - z
        phi = float(lacking @ self.Sigma @ lacking + a @ np.eye(n) @ a)
        return phi, -lacking

    def information(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Kenward and Roger's Î with σ² profiled out, and the traces."""
        PB = [self.PZ @ B for B in self.cells()]
        traces = np.array([np.trace(m) for m in PB])
        whole = np.array([[np.trace(a @ b) for b in PB] for a in PB])
        return whole - np.outer(traces, traces) / self.nu, traces
