"""Profile likelihood intervals of the standard deviations and correlations of a term.

An interval holds the values at which the criterion, minimised over all other parameters, lies no
more than a quantile of χ²₁ above its minimum. It may end at the boundary of the parameter space.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.optimize import brentq, minimize

from pylme.arrays import locked
from pylme.covariance.roots import lower_root
from pylme.inference.constrained_fit import ConstrainedCorrelation, ConstrainedDeviation
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.solution import solution_at
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.inference.constrained_fit import ConstrainedParameter
    from pylme.reference.criterion.prepare import Problem
    from pylme.results.linear_problem import LinearProblem

__all__ = ["profile_interval"]

_FIRST_STEP: Final = 0.5
#: With curvatures of the order of 1 or more, the criterion is then within 1e-6 of its minimum.
_GRADIENT: Final = 1e-3


def profile_interval(
    linear: LinearProblem,
    theta: NDArray[np.float64],
    *,
    term: int,
    effects: tuple[int, int],
    limit: float,
) -> tuple[float, float]:
    """The ends of the interval of one standard deviation or correlation.

    Parameters
    ----------
    linear : LinearProblem
    theta : ndarray, shape (m,)
        Where the criterion is least.
    term : int
        The position of the term.
    effects : tuple of int
        An effect twice for its standard deviation, two effects for their correlation.
    limit : float
        The criterion at the ends.

    Returns
    -------
    low, high : float
        NaN for a correlation with an effect that has no variance.
    """
    moved, theta = _with_effects_first(linear, theta, term, effects)
    own = moved.terms[term]
    parameter: ConstrainedParameter = ConstrainedDeviation(first=own.thetas.start)
    if effects[0] != effects[1]:
        parameter = ConstrainedCorrelation(first=own.thetas.start, size=len(own.names))
    with one_thread():
        profile = _Profile(problem_of(moved), parameter, theta)
        if np.isnan(profile.start):
            return np.nan, np.nan
        return profile.end(-1, limit), profile.end(1, limit)


def _with_effects_first(
    linear: LinearProblem, theta: NDArray[np.float64], term: int, effects: tuple[int, int]
) -> tuple[LinearProblem, NDArray[np.float64]]:
    """The same model with some effects of a term in front of its others."""
    own, moved = linear.terms[term], theta.copy()
    k = len(own.names)
    order = [*dict.fromkeys(effects), *(i for i in range(k) if i not in effects)]
    moved[own.thetas] = own.structure.parameters(lower_root(own.factor(theta)[order]))
    ordered = replace(
        own,
        names=tuple(own.names[i] for i in order),
        columns=locked(own.columns[:, order], order="F"),
    )
    return linear.with_terms([*linear.terms[:term], ordered, *linear.terms[term + 1 :]]), moved


class _Profile:
    """The least criterion for each value of a parameter.

    Each search starts where the previous one ended.
    """

    def __init__(
        self, problem: Problem, parameter: ConstrainedParameter, theta: NDArray[np.float64]
    ) -> None:
        solution = solution_at(problem, theta)
        self._problem, self._parameter = problem, parameter
        self._at_estimate = self._free = parameter.free(solution)
        self._curvature: NDArray[np.float64] | None = None
        self.start = parameter.estimate(solution)

    def least(self, x: float) -> float:
        """The criterion with the parameter fixed at x."""

        def objective(free: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            try:
                return self._parameter.criterion(self._problem, free, x)
            except np.linalg.LinAlgError:
                # A step this long leaves no correct digit; BFGS shortens it.
                return np.inf, np.zeros_like(free)

        options: Any = {"hess_inv0": self._curvature, "gtol": _GRADIENT}
        with np.errstate(over="ignore", invalid="ignore"):
            found: Any = minimize(objective, self._free, jac=True, method="BFGS", options=options)
        self._free, self._curvature = found.x, _positive(found.hess_inv)
        return float(found.fun)

    def end(self, side: int, limit: float) -> float:
        """Where the profile rises to the limit on one side."""
        self._free, self._curvature = self._at_estimate, None
        furthest, bound = self._parameter.furthest(side, self.start)
        near, step = self.start, side * _FIRST_STEP
        while side * (far := near + step) < side * furthest:
            if self.least(far) > limit:
                break
            near, step = far, 2.0 * step
        else:
            far = furthest
            if near == far or self.least(far) <= limit:
                return bound
        return self._parameter.value(
            float(brentq(lambda x: self.least(x) - limit, near, far, xtol=1e-5))
        )


def _positive(inverse: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """An inverse Hessian to start the next search from; None if rounding made it indefinite."""
    symmetric = 0.5 * (inverse + inverse.T)
    return symmetric if np.linalg.eigvalsh(symmetric)[0] > 0 else None
