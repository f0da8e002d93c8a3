"""Profile likelihood intervals of the standard deviations and correlations of a term.

An interval holds the values at which the criterion, minimised over all else, lies no more than a
quantile of χ²₁ above its minimum. It may end at the boundary of the parameter space.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.optimize import brentq, minimize

from pylme.arrays import locked
from pylme.by_group.held import HeldCorrelation, HeldDeviation
from pylme.reference.criterion.prepare import lower_triangle
from pylme.reference.linear import problem_of
from pylme.reference.solution import solution_at
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.by_group.held import HeldParameter
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
    place: tuple[int, int],
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
    place : tuple of int
        An effect twice for its standard deviation, two effects for their correlation.
    limit : float
        The criterion at the ends.

    Returns
    -------
    low, high : float
        NaN for a correlation with an effect that has no variance.
    """
    moved, theta = _with_first(linear, theta, term, place)
    own = moved.terms[term]
    held: HeldParameter = HeldDeviation(first=own.thetas.start)
    if place[0] != place[1]:
        held = HeldCorrelation(first=own.thetas.start, size=len(own.names))
    with one_thread():
        profile = _Profile(problem_of(moved), held, theta)
        if np.isnan(profile.start):
            return np.nan, np.nan
        return profile.end(-1, limit), profile.end(1, limit)


def _with_first(
    linear: LinearProblem, theta: NDArray[np.float64], term: int, place: tuple[int, int]
) -> tuple[LinearProblem, NDArray[np.float64]]:
    """The model with the effects in question first in their term."""
    own, moved = linear.terms[term], theta.copy()
    k = len(own.names)
    order = [*dict.fromkeys(place), *(i for i in range(k) if i not in place)]
    columns, rows = np.triu_indices(k)
    T = np.zeros((k, k))
    T[rows, columns] = theta[own.thetas]
    moved[own.thetas] = lower_triangle(T[order][None])[0][rows, columns]
    ordered = replace(
        own,
        names=tuple(own.names[i] for i in order),
        columns=locked(own.columns[:, order], order="F"),
    )
    return linear.with_terms([*linear.terms[:term], ordered, *linear.terms[term + 1 :]]), moved


class _Profile:
    """The least criterion for each value of a parameter; each search begins where one ended."""

    def __init__(self, problem: Problem, held: HeldParameter, theta: NDArray[np.float64]) -> None:
        solution = solution_at(problem, theta)
        self._problem, self._held = problem, held
        self._at_estimate = self._free = held.free(solution)
        self._curvature: NDArray[np.float64] | None = None
        self.start = held.estimate(solution)

    def least(self, x: float) -> float:
        """The criterion with the parameter held at x."""

        def objective(free: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            try:
                return self._held.criterion(self._problem, free, x)
            except np.linalg.LinAlgError:
                # A step so far out that nothing is left of the precision is one to be shortened.
                return np.inf, np.zeros_like(free)

        options: Any = {"hess_inv0": self._curvature, "gtol": _GRADIENT}
        with np.errstate(over="ignore", invalid="ignore"):
            found: Any = minimize(objective, self._free, jac=True, method="BFGS", options=options)
        self._free, self._curvature = found.x, _positive(found.hess_inv)
        return float(found.fun)

    def end(self, side: int, limit: float) -> float:
        """Where the profile rises to the limit on one side."""
        self._free, self._curvature = self._at_estimate, None
        furthest, bound = self._held.furthest(side, self.start)
        near, step = self.start, side * _FIRST_STEP
        while side * (far := near + step) < side * furthest:
            if self.least(far) > limit:
                break
            near, step = far, 2.0 * step
        else:
            far = furthest
            if near == far or self.least(far) <= limit:
                return bound
        return self._held.value(
            float(brentq(lambda x: self.least(x) - limit, near, far, xtol=1e-5))
        )


def _positive(inverse: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """An inverse Hessian to begin the next search with, if rounding has left it one."""
    symmetric = 0.5 * (inverse + inverse.T)
    return symmetric if np.linalg.eigvalsh(symmetric)[0] > 0 else None
