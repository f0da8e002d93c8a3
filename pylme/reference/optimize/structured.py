"""The search and the certificate of a model with covariance structures, in its free parameters.

The free parameters p of a structured term are standard deviations and a correlation, within bounds.
Their Σ(p) is smooth up to the bounds, so that gradient and Hessian of the criterion follow exactly
from those by Σ (`pylme.reference.solution.along_free`). The search is Newton's method with the
bounds as an active set: a parameter stays at its bound while the criterion rises away from it, and
the others take a step along the eigenvectors of their Hessian, with curvatures made positive,
shortened until the criterion falls (Nocedal & Wright 2006, Numerical Optimization, sections 3.4 and
16.7). Where a standard deviation is zero the end need not be a minimum, and is left if it is none
(`pylme.reference.optimize.structured_escape`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.reference.criterion.likelihood import Evaluation
from pylme.reference.optimize.newton import TracePoint
from pylme.reference.optimize.structured_coordinates import (
    NOTHING,
    FreeCoordinates,
    FreePoint,
    column_sizes,
    free_of,
    theta_of,
    tolerance,
)
from pylme.reference.optimize.structured_escape import escape
from pylme.reference.solution import covariance_slopes, free_slices
from pylme.results.certificate import FLAT, Certificate

if TYPE_CHECKING:
    from pylme.reference.criterion.prepare import Problem

__all__ = [
    "FreeParameters",
    "Minimised",
    "certify_structured",
    "free_of",
    "minimise_structured",
    "theta_of",
]

#: A step that would lower the criterion by less than this ends a search.
ENOUGH: Final = 1e-11
#: Ends that differ by less are one minimum.
ALIKE: Final = 1e-6
MOST_STEPS: Final = 200
MOST_ESCAPES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FreeParameters:
    """How the criterion and the covariance matrices move with the free parameters at a point.

    Attributes
    ----------
    moving : ndarray of bool, shape (n_free,)
        Which parameters are not held at a bound.
    hessian : ndarray, shape (n_free, n_free)
    slopes : ndarray, shape (n_free, V)
        ∂Σ_f of the well-conditioned columns by each parameter, all factors in a row.
    """

    moving: NDArray[np.bool_]
    hessian: NDArray[np.float64]
    slopes: NDArray[np.float64]

    @classmethod
    def of(
        cls, problem: Problem, theta: NDArray[np.float64], evaluation: Evaluation
    ) -> FreeParameters:
        """At lme4's theta, where `evaluation` has exact second derivatives."""
        on = FreeCoordinates.of(problem)
        here = on.at(free_of(problem.terms, theta) / on.scale, evaluation)
        return cls(
            moving=on.moving(here),
            hessian=here.hessian / on.scale[:, None] / on.scale,
            slopes=covariance_slopes(problem, theta) @ problem.change_of_covariance().T,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Minimised:
    """The best end of several searches.

    Attributes
    ----------
    theta : ndarray, shape (m,)
        lme4's.
    evaluation : Evaluation
        There, with exact second derivatives.
    converged : bool
    evaluations, starts, agreed : int
        Of all searches; how many there were, and how many ended there.
    trace : tuple of TracePoint
        Of the search that ended there.
    values : tuple of float
        Where each search ended.
    thetas : tuple of ndarray
        There.
    """

    theta: NDArray[np.float64]
    evaluation: Evaluation
    converged: bool
    evaluations: int
    starts: int
    agreed: int
    trace: tuple[TracePoint, ...]
    values: tuple[float, ...]
    thetas: tuple[NDArray[np.float64], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _End:
    point: FreePoint
    converged: bool
    evaluations: int
    path: tuple[FreePoint, ...]


def minimise_structured(
    problem: Problem, start: NDArray[np.float64] | None = None, *, more: bool = False
) -> Minimised:
    """Search for the least criterion from several starts.

    Parameters
    ----------
    problem : Problem
        Of one response.
    start : ndarray, shape (m,), optional
        lme4's theta to start from, and from nowhere else unless `more` starts are asked for.
    more : bool
    """
    on = FreeCoordinates.of(problem)
    starts = (
        []
        if start is None
        else [np.clip(free_of(problem.terms, start) / on.scale, on.lower, on.upper)]
    )
    if start is None or more:
        starts += on.starts()
    ends = [end for x in starts if (end := _searched(on, x)) is not None]
    if not ends:
        raise np.linalg.LinAlgError("the criterion cannot be evaluated at any start")
    best = min(ends, key=lambda end: end.point.value)
    values = tuple(end.point.value for end in ends)
    return Minimised(
        theta=on.theta(best.point.x),
        evaluation=best.point.evaluation,
        converged=best.converged,
        evaluations=sum(end.evaluations for end in ends),
        starts=len(starts),
        agreed=sum(value <= best.point.value + ALIKE for value in values),
        trace=tuple(
            TracePoint(
                theta=problem.conditioned(on.theta(point.x)[None]),
                criterion=np.array([point.value]),
                accepted=np.array([True]),
            )
            for point in best.path
        ),
        values=values,
        thetas=tuple(on.theta(end.point.x) for end in ends),
    )


def _searched(on: FreeCoordinates, x: NDArray[np.float64]) -> _End | None:
    """The end of a search that goes on where variance that is added lowers the criterion."""
    end = _descent(on, x)
    for _ in range(MOST_ESCAPES):
        if end is None or (left := escape(on, end.point)[1]) is None:
            break
        more = _descent(on, left)
        if more is None or more.point.value >= end.point.value:
            break
        end = replace(
            more,
            evaluations=end.evaluations + more.evaluations,
            path=(*end.path, *more.path),
        )
    return end


def _descent(on: FreeCoordinates, x: NDArray[np.float64]) -> _End | None:
    """Newton's method within the bounds; None where the criterion has no value at the start."""
    if not np.isfinite(on.value(x)):
        return None
    here = on.at(x)
    path, count = [here], 1
    for _ in range(MOST_STEPS):
        moving = on.moving(here)
        fall, curved, step = _newton_step(here, moving)
        if fall <= ENOUGH and not curved:
            return _End(point=here, converged=True, evaluations=count, path=tuple(path))
        tried, used = _shorter(on, here, step, both=curved and fall <= ENOUGH)
        count += used
        if tried is None:
            # No step falls any more: the rest is rounding.
            done = fall <= tolerance(here.evaluation)
            return _End(point=here, converged=done, evaluations=count, path=tuple(path))
        here = on.at(tried)
        path.append(here)
        count += 1
    return _End(point=here, converged=False, evaluations=count, path=tuple(path))


def _newton_step(
    here: FreePoint, moving: NDArray[np.bool_]
) -> tuple[float, bool, NDArray[np.float64]]:
    """The predicted fall, whether the criterion curves downwards, and the step."""
    step = np.zeros_like(here.x)
    if not moving.any():
        return 0.0, False, step
    w, V = np.linalg.eigh(here.hessian[np.ix_(moving, moving)])
    largest = max(float(np.abs(w).max()), np.finfo(float).tiny)
    along = V.T @ here.gradient[moving]
    bend = np.maximum(np.abs(w), FLAT * largest)
    fall = 0.5 * float((along**2 / bend).sum())
    curved = bool(w[0] < -1e-7 * largest)
    if curved and fall <= ENOUGH:
        step[moving] = 0.1 * V[:, 0]
    else:
        step[moving] = -V @ (along / bend)
        longest = float(np.abs(step / (1.0 + np.abs(here.x))).max())
        step *= min(1.0, 1.0 / max(longest, 1e-300))
    return fall, curved, step


def _shorter(
    on: FreeCoordinates, here: FreePoint, step: NDArray[np.float64], *, both: bool
) -> tuple[NDArray[np.float64] | None, int]:
    """The first point along the step, within the bounds, at which the criterion is lower."""
    used = 0
    for halvings in range(40):
        for sign in (1.0, -1.0) if both else (1.0,):
            x = np.clip(here.x + sign * 0.5**halvings * step, on.lower, on.upper)
            used += 1
            if on.value(x) < here.value:
                return x, used
    return None, used


def certify_structured(
    problem: Problem, theta: NDArray[np.float64], evaluation: Evaluation | None = None
) -> Certificate:
    """What the derivatives by the free parameters say at a point.

    Parameters
    ----------
    problem : Problem
        Of a single response.
    theta : ndarray, shape (m,)
        lme4's.
    evaluation : Evaluation, optional
        At theta, with exact second derivatives.
    """
    on = FreeCoordinates.of(problem)
    here = on.at(free_of(problem.terms, theta) / on.scale, evaluation)
    moving = on.moving(here)
    fall, _, _ = _newton_step(here, moving)
    curvature = 1.0
    if moving.any():
        w = np.linalg.eigvalsh(here.hessian[np.ix_(moving, moving)])
        curvature = float(w[0] / max(float(np.abs(w).max()), np.finfo(float).tiny))
    return Certificate(
        tolerance=tolerance(here.evaluation),
        expected_fall=fall,
        curvature=curvature,
        escape=escape(on, here)[0],
        singular=_singular(problem, on, here.x),
    )


def _singular(problem: Problem, on: FreeCoordinates, x: NDArray[np.float64]) -> tuple[str, ...]:
    """Each free parameter at its bound, in words."""
    said = []
    for term, own in zip(problem.terms, free_slices(problem.terms), strict=True):
        structure = term.structure
        names = structure.free_names(term.group, term.names)
        for name, at in zip(names, range(own.start, own.stop), strict=True):
            if structure.kind == "us":
                continue
            correlation = name.endswith(".rho") and at == own.stop - 1 and structure.kind != "diag"
            shown = name.removeprefix(f"{term.group}.")
            if correlation:
                ends = np.array([on.lower[at], on.upper[at]])
                if np.abs(ends - x[at]).min() < NOTHING and on.seen(x)[at]:
                    said.append(f"the correlation of {term.written} is at its limit, {x[at]:.3g}")
            elif x[at] >= on.highest[at]:
                said.append(f"the residual standard deviation is zero beside {term.written}")
            elif x[at] < NOTHING:
                of = "all effects" if shown == "*" else shown
                said.append(f"the standard deviation of {of} in {term.written} is zero")
        if structure.kind == "us":
            T = structure.factor(x[own] * on.scale[own])
            if (np.abs(np.diag(T)) * column_sizes(term) < NOTHING).any():
                said.append(f"the covariance matrix of {term.written} is singular")
    return tuple(said)
