"""Descent by BFGS from a known curvature, with exact gradients.

The step is -B⁻¹g, shortened where it would carry θ too far, and by quadratic interpolation where
the criterion does not fall by 10⁻⁴ of what the slope promises (Armijo). B is updated with Powell's
damping, and replaced near the end by the exact Hessian where that saves time. It ends where
½gᵀB⁻¹g, the fall that the next step promises, is below the tolerance.

References
----------
Nocedal & Wright (2006), Numerical Optimization, chapters 3, 6 and section 18.3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from pylme.deadline import require_time
from pylme.reference.generalized.criterion import GeneralizedCriterion, Point
from pylme.reference.generalized.exact_hessian import (
    exact_hessian,
    has_exact_hessian,
    predicted_mode,
)
from pylme.results.certificate import FLAT

__all__ = ["ENOUGH", "Descending", "Descent", "Evaluations", "descend", "shape_vanishes", "updated"]

#: The promised fall of the criterion at which a descent ends.
ENOUGH: Final = 1e-9
MOST_STEPS: Final = 400
#: A ln ϑ that no counts have.
LEAST_LOG_SHAPE: Final = -20.0
ARMIJO: Final = 1e-4
DAMPING: Final = 0.1
#: How far θ may go in a step, relative to the greater of 1 and its greatest element.
FARTHEST: Final = 1.5
MOST_TRIALS: Final = 30
#: A promised fall below which the mode is taken to move in proportion to the parameters.
NEARBY: Final = 1.0
#: A promised fall below which B is replaced, once, by the exact Hessian where that is cheap.
RENEWED: Final = 0.1
#: So many parameters at most: a row of the Hessian costs a third of an evaluation.
FEW: Final = 12


class Descending(Protocol):
    """A function of θ and further parameters, with its gradient."""

    @property
    def m(self) -> int:
        """The number of elements of θ, which come first."""
        ...

    def at(
        self, x: NDArray[np.float64], *, start: list[NDArray[np.float64]] | None = None
    ) -> Point:
        """The value and the gradient, from random effects u near those of the mode."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class Evaluations:
    """Every evaluation of a search.

    Attributes
    ----------
    x : list of ndarray
    values : list of float
    accepted : list of bool
    """

    x: list[NDArray[np.float64]] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    accepted: list[bool] = field(default_factory=list)

    def note(self, point: Point, *, accepted: bool) -> None:
        """Add one."""
        self.x.append(point.x)
        self.values.append(point.value)
        self.accepted.append(accepted)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Descent:
    """Where a descent ended.

    Attributes
    ----------
    point : Point
    B : ndarray
        The approximate Hessian there.
    converged : bool
    """

    point: Point
    B: NDArray[np.float64]
    converged: bool


def descend(
    criterion: Descending,
    point: Point,
    B: NDArray[np.float64],
    *,
    free: NDArray[np.intp],
    seen: Evaluations,
) -> Descent:
    """Descend from a point.

    Parameters
    ----------
    criterion : Descending
        In well-conditioned columns.
    point : Point
        With its gradient.
    B : ndarray, shape (m + p [+ 1], m + p [+ 1])
        Positive definite.
    free : ndarray of int
        The parameters that move.
    seen : Evaluations
        Where each evaluation is noted.
    """
    full, B = B, B[np.ix_(free, free)]
    converged, renewed = False, not _has_cheap_hessian(criterion)
    for _ in range(MOST_STEPS):
        require_time()
        assert point.gradient is not None  # noqa: S101  (of accepted points)
        g = point.gradient[free]
        step = _direction(B, g)
        slope = float(g @ step)
        if not renewed and ENOUGH <= -0.5 * slope < RENEWED:
            # What BFGS knows of the curvature is wrong by a part; from here on that part counts.
            renewed = True
            if (H := _exact(criterion, point, free)) is not None:
                B, step = H, _direction(H, g)
                slope = float(g @ step)
        if -0.5 * slope < ENOUGH:
            converged = True
            break
        if shape_vanishes(criterion, point):
            break
        moved = np.zeros(len(point.x))
        moved[free] = step
        longest = FARTHEST * max(1.0, float(np.abs(point.x[: criterion.m]).max(initial=0.0)))
        length = float(np.linalg.norm(moved[: criterion.m]))
        share = min(1.0, longest / length) if length > 0.0 else 1.0
        new = _searched(criterion, point, moved, slope=slope, share=share, seen=seen)
        if new is None:
            # Within rounding errors nothing is lower: the promise is as good as kept.
            converged = -0.5 * slope < 1e-6
            break
        assert new.gradient is not None  # noqa: S101  (its value is finite)
        s = (new.x - point.x)[free]
        B = updated(B, s, new.gradient[free] - g)
        point = new
    result = full.copy()
    result[np.ix_(free, free)] = B
    return Descent(point=point, B=result, converged=converged)


def _has_cheap_hessian(criterion: Descending) -> bool:
    """Whether the exact Hessian takes less time than the evaluations that it saves.

    It does where one parameter is ln ϑ or ln 1/φ, whose curvature with the others no search knows.
    """
    return (
        isinstance(criterion, GeneralizedCriterion)
        and criterion.problem.extra is not None
        and has_exact_hessian(criterion)
        and criterion.algebra.separable
        and criterion.problem.n_parameters <= FEW
    )


def _exact(
    criterion: Descending, point: Point, free: NDArray[np.intp]
) -> NDArray[np.float64] | None:
    """The exact Hessian by the parameters that move; None where it is not positive definite."""
    assert isinstance(criterion, GeneralizedCriterion)  # noqa: S101  (it has a cheap one)
    H = exact_hessian(criterion, point)[np.ix_(free, free)]
    if not np.isfinite(H).all():
        return None
    values = np.linalg.eigvalsh(H)
    return H if len(values) and values[0] > FLAT * values[-1] else None


def shape_vanishes(criterion: Descending, point: Point) -> bool:
    """Whether a search went to ϑ = 0, where lme4's criterion with prior weights may fall forever.

    It multiplies the one term of the density by them that has ln(μ + ϑ), and no others.
    """
    free = isinstance(criterion, GeneralizedCriterion) and criterion.problem.shape_free
    return free and float(point.x[-1]) < LEAST_LOG_SHAPE


def _direction(B: NDArray[np.float64], g: NDArray[np.float64]) -> NDArray[np.float64]:
    try:
        step = np.asarray(-np.linalg.solve(B, g))
    except np.linalg.LinAlgError:
        # Curvatures of many orders of magnitude, where the criterion falls without end.
        step = np.zeros(len(g))
    if float(step @ g) < 0.0 or not len(g):
        return step
    return -g / max(float(np.abs(np.diag(B)).max()), 1e-8)


def _searched(
    criterion: Descending,
    point: Point,
    step: NDArray[np.float64],
    *,
    slope: float,
    share: float,
    seen: Evaluations,
) -> Point | None:
    """The first point along the step that is low enough."""
    mode = point.mode
    rounding = 1e-13 * (1.0 + abs(point.value))
    start = None if mode is None else mode.u
    near = start is not None and share == 1.0 and -0.5 * slope < NEARBY
    if near and isinstance(criterion, GeneralizedCriterion) and not criterion.joint:
        start = predicted_mode(criterion, point, step)
    for _ in range(MOST_TRIALS):
        new = criterion.at(point.x + share * step, start=start)
        promised = ARMIJO * share * slope
        good = new.gradient is not None and new.value <= point.value + promised + rounding
        seen.note(new, accepted=good)
        if good:
            return new
        if not np.isfinite(new.value):
            share *= 0.25
            continue
        # The least of the parabola through both values and the slope.
        rise = new.value - point.value - share * slope
        best = -0.5 * slope * share * share / rise if rise > 0.0 else 0.5 * share
        share = float(np.clip(best, 0.1 * share, 0.5 * share))
        if -share * slope < 1e-13 * (1.0 + abs(point.value)):
            return None
    return None


def updated(
    B: NDArray[np.float64], s: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The BFGS update with Powell's damping."""
    Bs = B @ s
    sBs, sy = float(s @ Bs), float(s @ y)
    if not sBs > 0.0:
        return B
    if sy < DAMPING * sBs:
        share = (1.0 - DAMPING) * sBs / (sBs - sy)
        y = share * y + (1.0 - share) * Bs
        sy = float(s @ y)
    updated: NDArray[np.float64] = B - np.outer(Bs, Bs) / sBs + np.outer(y, y) / sy
    return updated
