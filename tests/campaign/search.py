"""The least value of the criterion, by SciPy's searches from many starts.

The searches run in double precision on well-conditioned columns, within the space that the random
effects span, with the derivatives of d = log|M| + ν log q:

    N = M⁻¹ − (ν/q) aaᵀ,  a = M⁻¹y      ∂d/∂T_t = 2 Σ_j Z_tjᵀ N Z_tj T_t

(V in the place of M in the determinant for ML). Where they end is evaluated in extended precision,
n by n, so that what is called a better optimum is a point where the criterion is lower, whatever
the searches did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs
from scipy.optimize import minimize

from .dense import Matrices

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .dense import Dense

__all__ = ["Found", "Objective", "search"]

Vector = NDArray[np.float64]

#: Searches from scaled identities, and from random factors of every scale.
SCALES: Final = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0)
RANDOM: Final = 31
#: Ends within this of each other are one optimum: the searches stop a little above it.
SAME: Final = 1e-4
SEVERAL: Final = 8
#: How near to the best ends are followed to the last digit, and how many of them.
NEAR: Final = 1e-2
POLISHED: Final = 3
_FAILED: Final = 1e10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """The best point found.

    Attributes
    ----------
    criterion : float
        The least in extended precision, where that suffices; NaN if it does nowhere.
    factors : list of ndarray
        T_t of the sound columns there; or of a point that is lower by far, but of so large
        parameters that extended precision does not suffice.
    starts : int
    optima : int
        How many different values the searches ended at.
    """

    criterion: float
    factors: Matrices
    starts: int
    optima: int


class _Spanned:
    """I + Σ_t Z_t(I ⊗ T_tT_tᵀ)Z_tᵀ on an orthonormal basis of what all Z_t span, r by r."""

    def __init__(self, blocks: Sequence[NDArray]) -> None:
        Z = np.hstack([block.reshape(len(block), -1) for block in blocks])
        self.basis = np.linalg.svd(Z, full_matrices=False)[0]
        # Each level's columns beside each other: (r, levels, k).
        self.blocks = [np.tensordot(self.basis.T, block, 1) for block in blocks]
        self.r = self.basis.shape[1]

    def halves(self, factors: Matrices) -> Matrices:
        return [block @ T for block, T in zip(self.blocks, factors, strict=True)]

    def factor(self, halves: Matrices) -> tuple[NDArray, int]:
        H = np.hstack([half.reshape(self.r, -1) for half in halves])
        M = H @ H.T
        M.flat[:: self.r + 1] += 1.0
        return dpotrf(M, lower=1, overwrite_a=1)

    def slopes(self, N: NDArray, halves: Matrices) -> Iterator[NDArray]:
        """2 Σ_j Z_jᵀNZ_jT of each term."""
        for block, half in zip(self.blocks, halves, strict=True):
            k = block.shape[2]
            product = (N @ half.reshape(self.r, -1)).reshape(half.shape)
            yield 2.0 * (block.reshape(-1, k).T @ product.reshape(-1, k))


class Objective:
    """The criterion and its gradient as a function of the lower triangles of all T_t."""

    def __init__(self, dense: Dense) -> None:
        K = np.asarray(dense.K, dtype=float)
        blocks = [np.asarray(block, dtype=float) for block in dense.blocks()]
        self.left = _Spanned([np.tensordot(K.T, block, 1) for block in blocks])
        self.rows = None if dense.reml else _Spanned(blocks)
        y = np.asarray(dense.y, dtype=float)
        self.y = self.left.basis.T @ y
        # What no random effect can reach; as a difference of vectors it keeps its digits.
        rest = dense.y - self.left.basis @ (self.left.basis.T @ dense.y)
        self.rest = float(rest @ rest)
        self.nu = dense.nu
        self.triangles = [np.tril_indices(block.shape[2]) for block in blocks]
        self.ends = np.cumsum([0, *(len(rows) for rows, _ in self.triangles)])
        self.widths = [block.shape[2] for block in blocks]

    def factors(self, theta: Vector) -> Matrices:
        """T_t of each term."""
        made = [np.zeros((k, k)) for k in self.widths]
        for T, triangle, at in zip(made, self.triangles, self.ends, strict=False):
            T[triangle] = theta[at : at + len(triangle[0])]
        return made

    def theta(self, factors: Matrices) -> Vector:
        """The lower triangles, row by row."""
        parts = [T[triangle] for T, triangle in zip(factors, self.triangles, strict=True)]
        return np.concatenate(parts).astype(float)

    def __call__(self, theta: Vector) -> tuple[float, Vector]:
        """Value and gradient; a great value where rounding errors leave no factor."""
        factors = self.factors(theta)
        halves = self.left.halves(factors)
        L, info = self.left.factor(halves)
        a = dpotrs(L, self.y, lower=1)[0] if not info else self.y
        q = float(self.y @ a) + self.rest
        if info or not q > 0:
            return _FAILED, np.zeros_like(theta)
        outer = np.multiply.outer(a * (self.nu / q), a)
        if self.rows is None:
            slopes = list(self.left.slopes(_inverse(L) - outer, halves))
        else:
            slopes = list(self.left.slopes(-outer, halves))
            halves = self.rows.halves(factors)
            L, info = self.rows.factor(halves)
            if info:
                return _FAILED, np.zeros_like(theta)
            more = self.rows.slopes(_inverse(L), halves)
            slopes = [one + other for one, other in zip(slopes, more, strict=True)]
        value = 2.0 * float(np.log(np.diag(L)).sum()) + self.nu * np.log(q)
        return value, self.theta(slopes)


def _inverse(L: NDArray) -> NDArray:
    # Above the diagonal LAPACK leaves the zeros of L.
    lower = dpotri(L, lower=1)[0]
    inverse = lower + lower.T
    inverse.flat[:: len(L) + 1] /= 2.0
    return inverse


def search(dense: Dense, given: Sequence[Matrices], rng: np.random.Generator) -> Found:
    """Search from scaled identities, random factors, and the points given.

    Parameters
    ----------
    dense : Dense
    given : sequence of lists of ndarray
        T_t of the sound columns: where others ended.
    rng : Generator
    """
    objective = Objective(dense)
    starts = [*_starts(objective, rng), *(objective.theta(factors) for factors in given)]
    ends = _searched(objective, starts)
    if 1 < _different(ends) <= SEVERAL:
        # As many searches again; more optima than that are the ends of unfinished searches.
        more = list(_starts(objective, rng))
        starts += more
        ends += _searched(objective, more)
    ends.sort(key=lambda end: end[0])
    near = [theta for value, theta in ends[:POLISHED] if value <= ends[0][0] + NEAR]
    points = [*near, *(_polished(objective, theta) for theta in near)]
    factors = [*map(objective.factors, points), *given]
    values = np.array([dense.exact(point, sound=True) for point in factors])
    best = int(np.nanargmin(values)) if np.isfinite(values).any() else 0
    lowest = min(points, key=lambda theta: objective(theta)[0])
    beyond = objective(lowest)[0] < objective(objective.theta(factors[best]))[0] - SAME
    return Found(
        criterion=float(values[best]),
        factors=objective.factors(lowest) if beyond else factors[best],
        starts=len(starts),
        optima=_different(ends),
    )


def _starts(objective: Objective, rng: np.random.Generator) -> list[Vector]:
    shapes = objective.widths
    made = [objective.theta([scale * np.eye(k) for k in shapes]) for scale in SCALES]
    for _ in range(RANDOM):
        factors = []
        for k in shapes:
            T = np.tril(rng.standard_normal((k, k))) * 10.0 ** rng.uniform(-1.5, 2.5)
            if rng.random() < 0.5:  # one direction far larger than the others
                T = T * 10.0 ** rng.uniform(-2, 0, k)
            factors.append(T)
        made.append(objective.theta(factors))
    return made


def _searched(objective: Objective, starts: Sequence[Vector]) -> list[tuple[float, Vector]]:
    options = {"maxiter": 120, "ftol": 1e-11, "gtol": 1e-6, "maxcor": 12}
    ends = []
    for start in starts:
        end = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
        ends.append((float(end.fun), end.x))
    return ends


def _distinct(ends: Sequence[tuple[float, Vector]]) -> list[tuple[float, Vector]]:
    """The first of those that ended at the same value, of ends in order."""
    kept = [ends[0]]
    for end in ends[1:]:
        if end[0] > kept[-1][0] + SAME:
            kept.append(end)
    return kept


def _different(ends: Sequence[tuple[float, Vector]]) -> int:
    return len(_distinct(sorted(ends, key=lambda end: end[0])))


def _polished(objective: Objective, theta: Vector) -> Vector:
    """Newton's method with the Hessian by differences of the exact gradient."""

    def gradient(point: Vector) -> Vector:
        return objective(point)[1]

    def hessian(point: Vector) -> NDArray[np.float64]:
        steps = 1e-6 * np.maximum(1e-2, np.abs(point))
        rows = [
            (gradient(point + step * unit) - gradient(point - step * unit)) / (2 * step)
            for step, unit in zip(steps, np.eye(len(point)), strict=True)
        ]
        H = np.array(rows)
        return (H + H.T) / 2

    end = minimize(
        objective, theta, jac=True, hess=hessian, method="trust-exact",
        options={"gtol": 1e-9, "maxiter": 12},
    )  # fmt: skip
    return end.x
