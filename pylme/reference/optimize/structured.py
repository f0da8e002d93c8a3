"""The search and the certificate of a model with covariance structures, in its free parameters.

The free parameters p of a structured term are standard deviations and a correlation, within bounds.
Their Σ(p) is smooth up to the bounds, so that gradient and Hessian of the criterion follow exactly
from those by Σ (`pylme.reference.solution.along_free`). The search is Newton's method with the
bounds as an active set: a parameter stays at its bound while the criterion rises away from it, and
the others take a step along the eigenvectors of their Hessian, with curvatures made positive,
shortened until the criterion falls (Nocedal & Wright 2006, Numerical Optimization, sections 3.4 and
16.7). Standard deviations are measured in units of one over the size of their column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.reference.criterion.likelihood import Evaluation
from pylme.reference.criterion.prepare import Problem
from pylme.reference.criterion.trial_points import value_of
from pylme.reference.optimize.newton import TracePoint
from pylme.reference.solution import (
    along_free,
    covariance_slopes,
    free_slices,
    in_the_callers_columns,
)
from pylme.results.certificate import FLAT, Certificate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pylme.model_matrix.random_term import RandomTerm

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
#: A bound is reached within this distance, in scaled parameters.
AT_BOUND: Final = 1e-7
#: Standard deviations, in units of the residual's over the column's size, that count as zero.
NOTHING: Final = 1e-5
#: So large a standard deviation leaves nothing to the residual. Where each row has effects of its
#: own, as with ar1() on days, the optimum may lie at a residual variance of zero, infinitely far.
MOST: Final = 1e4
#: Starts: all standard deviations, and how far correlations lie between zero and a bound.
STARTS: Final = ((1.0, 0.0), (0.4, 0.5), (2.5, 0.5), (1.0, -0.5))
#: A decrease below this counts as zero: of the criterion, and relative to its size.
FALL: Final = 1e-8
ROUNDING: Final = 2e-14


def free_of(terms: Sequence[RandomTerm], theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """The free parameters of lme4's theta."""
    return np.concatenate([term.structure.free_of(theta[term.thetas]) for term in terms])


def theta_of(terms: Sequence[RandomTerm], free: NDArray[np.float64]) -> NDArray[np.float64]:
    """lme4's theta of the free parameters."""
    parts = zip(terms, free_slices(terms), strict=True)
    return np.concatenate([term.structure.theta_of(free[own]) for term, own in parts])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Point:
    """The criterion and its derivatives by the scaled parameters."""

    x: NDArray[np.float64]
    evaluation: Evaluation
    value: float
    gradient: NDArray[np.float64]
    hessian: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Coordinates:
    """Scaled free parameters: x = p / scale, between bounds."""

    problem: Problem
    scale: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]

    @classmethod
    def of(cls, problem: Problem) -> _Coordinates:
        scales, lowers, uppers = [], [], []
        for term in problem.terms:
            structure = term.structure
            low, high = structure.free_bounds()
            scale = np.ones(structure.n_free)
            sizes = _sizes(term)
            if structure.kind == "us":
                scale = 1.0 / sizes[structure.cells[0]]
            else:
                n_sd = 1 if structure.hom else structure.size
                scale[:n_sd] = 1.0 / (sizes.mean() if structure.hom else sizes)
                high[:n_sd] = MOST * scale[:n_sd]
            scales.append(scale)
            lowers.append(low / scale)
            uppers.append(high / scale)
        return cls(
            problem=problem,
            scale=np.concatenate(scales),
            lower=np.concatenate(lowers),
            upper=np.concatenate(uppers),
        )

    @property
    def highest(self) -> NDArray[np.float64]:
        """From where on a parameter counts as at its upper bound."""
        return np.where(np.isfinite(self.upper), self.upper * (1.0 - AT_BOUND), np.inf)

    def theta(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return theta_of(self.problem.terms, x * self.scale)

    def inner(self, x: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        problem = self.problem
        return problem.layout.matrices(problem.conditioned(self.theta(x)[None]))

    def value(self, x: NDArray[np.float64]) -> float:
        return value_of(self.problem.criterion, self.inner(x))

    def at(self, x: NDArray[np.float64], evaluation: Evaluation | None = None) -> _Point:
        problem = self.problem
        if evaluation is None:
            evaluation = problem.criterion.exactly().evaluate(self.inner(x))
        M, form, hh = in_the_callers_columns(problem, evaluation)
        g, H, _ = along_free(problem, self.theta(x), M, form, hh)
        return _Point(
            x=x,
            evaluation=evaluation,
            value=float(evaluation.criterion[0]),
            gradient=self.scale * g,
            hessian=self.scale[:, None] * H * self.scale,
        )

    def moving(self, point: _Point) -> NDArray[np.bool_]:
        """Which parameters are not held at a bound, and are seen by the criterion."""
        x, g = point.x, point.gradient
        held = (x <= self.lower + AT_BOUND) & (g > 0)
        held |= (x >= np.where(np.isfinite(self.upper), self.upper * (1.0 - AT_BOUND), np.inf)) & (
            g < 0
        )
        return ~held & self.seen(x)

    def seen(self, x: NDArray[np.float64]) -> NDArray[np.bool_]:
        """A correlation is not where fewer than two standard deviations differ from zero."""
        seen = np.ones(len(x), dtype=np.bool_)
        for term, own in zip(self.problem.terms, free_slices(self.problem.terms), strict=True):
            structure = term.structure
            if structure.kind in {"cs", "ar1"} and structure.size > 1:
                sds = x[own][:-1]
                enough = 1 if structure.hom else 2
                seen[own.stop - 1] = np.count_nonzero(sds > NOTHING) >= enough
        return seen

    def starts(self) -> Iterator[NDArray[np.float64]]:
        for size, share in STARTS:
            parts = []
            for term, own in zip(self.problem.terms, free_slices(self.problem.terms), strict=True):
                structure = term.structure
                if structure.kind == "us":
                    parts.append(size * structure.start())
                    continue
                x = np.full(structure.n_free, size)
                if structure.kind != "diag" and structure.size > 1:
                    bound = self.upper if share > 0 else self.lower
                    x[-1] = abs(share) * bound[own.stop - 1]
                parts.append(x)
            yield np.clip(np.concatenate(parts), self.lower, self.upper)


def _sizes(term: RandomTerm) -> NDArray[np.float64]:
    """The root mean square of each column of a term."""
    sizes = np.sqrt(np.einsum("nk,nk->k", term.columns, term.columns) / len(term.columns))
    sizes[sizes == 0.0] = 1.0
    return np.asarray(sizes)


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
        on = _Coordinates.of(problem)
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
    point: _Point
    converged: bool
    evaluations: int
    path: tuple[_Point, ...]


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
    on = _Coordinates.of(problem)
    starts = (
        []
        if start is None
        else [np.clip(free_of(problem.terms, start) / on.scale, on.lower, on.upper)]
    )
    if start is None or more:
        starts += on.starts()
    ends = [end for x in starts if (end := _descent(on, x)) is not None]
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


def _descent(on: _Coordinates, x: NDArray[np.float64]) -> _End | None:
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
            done = fall <= _tolerance(here.evaluation)
            return _End(point=here, converged=done, evaluations=count, path=tuple(path))
        here = on.at(tried)
        path.append(here)
        count += 1
    return _End(point=here, converged=False, evaluations=count, path=tuple(path))


def _newton_step(
    here: _Point, moving: NDArray[np.bool_]
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
    on: _Coordinates, here: _Point, step: NDArray[np.float64], *, both: bool
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


def _tolerance(evaluation: Evaluation) -> float:
    return FALL + max(ROUNDING * abs(float(evaluation.criterion[0])), float(evaluation.rounding[0]))


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
    on = _Coordinates.of(problem)
    here = on.at(free_of(problem.terms, theta) / on.scale, evaluation)
    moving = on.moving(here)
    fall, _, _ = _newton_step(here, moving)
    curvature = 1.0
    if moving.any():
        w = np.linalg.eigvalsh(here.hessian[np.ix_(moving, moving)])
        curvature = float(w[0] / max(float(np.abs(w).max()), np.finfo(float).tiny))
    return Certificate(
        tolerance=_tolerance(here.evaluation),
        expected_fall=fall,
        curvature=curvature,
        escape=0.0,
        singular=_singular(problem, on, here.x),
    )


def _singular(problem: Problem, on: _Coordinates, x: NDArray[np.float64]) -> tuple[str, ...]:
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
                    said.append(
                        f"the correlation of {structure.kind}({term.label}) is at its limit, "
                        f"{x[at]:.3g}"
                    )
            elif x[at] >= on.highest[at]:
                said.append(
                    f"the residual standard deviation is zero beside {structure.kind}({term.label})"
                )
            elif x[at] < NOTHING:
                of = "all effects" if shown == "*" else shown
                said.append(
                    f"the standard deviation of {of} in {structure.kind}({term.label}) is zero"
                )
        if structure.kind == "us":
            T = structure.factor(x[own] * on.scale[own])
            if (np.abs(np.diag(T)) * _sizes(term) < NOTHING).any():
                said.append(f"the covariance matrix of ({term.label}) is singular")
    return tuple(said)
