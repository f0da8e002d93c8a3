"""The criterion with one standard deviation or one correlation fixed at a value.

The effects in question are the first rows of their term's T. A correlation ρ is fixed by
(T₂₁, T₂₂) = r(ρ, √(1 - ρ²)), with r free in place of T₂₁. A standard deviation v is fixed by
T₁₁ = v/σ, with log σ free in place of T₁₁: with q = r²/(νσ²) the criterion before σ is profiled
out is

    D = d + ν(q - 1 - log q),    ∂D/∂θ = ∂d/∂θ - (q - 1) ∂²D/∂θ∂s,    ∂D/∂s = ν(1 - q),   s = log σ²

where ∂²D/∂θ∂s is taken at σ̂ (Bates, Mächler, Bolker & Walker 2015, sections 3.4 and 5.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from pylme.reference.solution import solution_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.solution import Solution

__all__ = ["ConstrainedCorrelation", "ConstrainedDeviation", "ConstrainedParameter"]

#: Beyond this Fisher's z, a correlation tanh(z) equals 1 to seven digits.
_FURTHEST: Final = 8.0
#: A standard deviation that lies this many e-folds below its estimate is zero beside it. No
#: estimate is wrong by as many e-folds as the search extends above it, not even an estimate of zero
#: in the units of a badly scaled covariate.
_BELOW: Final = 8.0
_ABOVE: Final = 40.0
#: The element of theta that replaces zero, which has no logarithm.
_SMALL: Final = 1e-3


class ConstrainedParameter(Protocol):
    """A parameter on a scale without bounds, x, and the other, free parameters."""

    def estimate(self, solution: Solution) -> float:
        """The estimate, as x; NaN where there is none."""
        ...

    def free(self, solution: Solution) -> NDArray[np.float64]:
        """The free parameters at the estimate."""
        ...

    def furthest(self, side: int, start: float) -> tuple[float, float]:
        """The last x of a search on one side of the estimate, and the parameter's bound there."""
        ...

    def value(self, x: float) -> float:
        """The parameter at x."""
        ...

    def criterion(
        self, problem: Problem, free: NDArray[np.float64], x: float
    ) -> tuple[float, NDArray[np.float64]]:
        """The criterion, and its derivatives by the free parameters."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstrainedCorrelation:
    """The correlation of the first two effects of a term; x is Fisher's z.

    Attributes
    ----------
    first : int
        The place of T₁₁ in theta.
    size : int
        The number of effects.
    """

    first: int
    size: int

    def estimate(self, solution: Solution) -> float:
        """Fisher's z of the estimate, within the bounds of `furthest`."""
        across, down = solution.theta[[self.first + 1, self.first + self.size]]
        length = float(np.hypot(across, down))
        if not length > 0 or not solution.theta[self.first] > 0:
            return np.nan
        with np.errstate(divide="ignore"):
            z = np.arctanh(across / length)
        return float(np.clip(z, -_FURTHEST, _FURTHEST))

    def free(self, solution: Solution) -> NDArray[np.float64]:
        """Theta without T₂₂, and r in place of T₂₁."""
        free = solution.theta.copy()
        free[self.first + 1] = np.hypot(*solution.theta[[self.first + 1, self.first + self.size]])
        return np.delete(free, self.first + self.size)

    def furthest(self, side: int, start: float) -> tuple[float, float]:
        """Fisher's z of a correlation that equals 1 to seven digits, and 1 with its sign."""
        del start
        return side * _FURTHEST, float(side)

    def value(self, x: float) -> float:
        """The correlation."""
        return float(np.tanh(x))

    def criterion(
        self, problem: Problem, free: NDArray[np.float64], x: float
    ) -> tuple[float, NDArray[np.float64]]:
        """The profiled criterion."""
        second, pivot = self.first + 1, self.first + self.size
        rho, rest = np.tanh(x), 1.0 / np.cosh(x)
        theta = np.insert(free, pivot, free[second] * rest)
        theta[second] = free[second] * rho
        solution = solution_at(problem, theta)
        slope = solution.gradient.copy()
        slope[second] = rho * slope[second] + rest * slope[pivot]
        return solution.criterion, np.delete(slope, pivot)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstrainedDeviation:
    """The standard deviation of the first effect of a term; x is its logarithm.

    Attributes
    ----------
    first : int
        The place of T₁₁ in theta.
    """

    first: int

    def estimate(self, solution: Solution) -> float:
        """The logarithm of the estimate, or of a small number where the estimate is zero."""
        return float(np.log(solution.sigma * max(float(solution.theta[self.first]), _SMALL)))

    def free(self, solution: Solution) -> NDArray[np.float64]:
        """Theta, with log σ in place of T₁₁."""
        free = solution.theta.copy()
        free[self.first] = np.log(solution.sigma)
        return free

    def furthest(self, side: int, start: float) -> tuple[float, float]:
        """The lower bound is zero; there is no upper bound."""
        return (start + _ABOVE, np.inf) if side > 0 else (start - _BELOW, 0.0)

    def value(self, x: float) -> float:
        """The standard deviation."""
        return float(np.exp(x))

    def criterion(
        self, problem: Problem, free: NDArray[np.float64], x: float
    ) -> tuple[float, NDArray[np.float64]]:
        """The criterion before σ is profiled out, at the σ that fixes the standard deviation."""
        nu = problem.likelihood.nu
        log_sigma = free[self.first]
        theta = free.copy()
        theta[self.first] = np.exp(x - log_sigma)
        solution = solution_at(problem, theta)
        log_q = 2.0 * (np.log(solution.sigma) - log_sigma)
        q = np.exp(log_q)
        slope = solution.gradient - (q - 1.0) * solution.profiled
        slope[self.first] = 2.0 * nu * (1.0 - q) - slope[self.first] * theta[self.first]
        return float(solution.criterion + nu * (q - 1.0 - log_q)), slope
