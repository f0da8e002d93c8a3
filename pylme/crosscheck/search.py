"""The search for the optimum by the NumPy engine, from more starts than a fit uses.

The first start is the theta that is checked, so that the result is never worse; the second is that
of a fit by the NumPy engine; the others lie far from both. All starts are used where that is cheap:
with one grouping factor, or with few random effects. Where they end at several
minima, that is reported. How far a point θ lies from the optimum is measured in the criterion, by
its second-order model there in Σ = TTᵀ of well-conditioned columns,

    ⟨M, δΣ⟩ + ½ form(δΣ, δΣ)

which in the interior, where M = 0, is ½ δθᵀHδθ to second order, and which has one value even where
Σ is singular and has many factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.crosscheck.tolerances import NEGLIGIBLE
from pylme.reference.criterion.likelihood import Evaluation
from pylme.reference.optimize.boundary import on_the_boundary
from pylme.reference.optimize.certificate import certify
from pylme.reference.optimize.ends import ENOUGH_ALIKE, Ends, polished
from pylme.reference.optimize.newton import minimise
from pylme.reference.optimize.several_starts import (
    ALL,
    SIX,
    affordable,
    boundary,
    doubtful,
    intricate,
    small,
)
from pylme.reference.optimize.structured import certify_structured, minimise_structured
from pylme.reference.problem.starting import first_starts, further_starts, random_starts
from pylme.results.certificate import Certificate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.model_matrix.random_term import RandomTerm
    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.optimize.newton import Optimum

__all__ = ["Minimum", "Search", "search"]

#: Ends that are higher by more than this are other minima: less does not move an estimate.
ANOTHER: Final = NEGLIGIBLE.value
#: How many other minima are reported.
REPORTED: Final = 3
#: Searches from far starts of a model that leaves no doubt, and from random ones of one that does.
FEW: Final = 4
RANDOM: Final = 10
#: What a fit takes that leaves no doubt but its end on the boundary.
BRIEF: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Minimum:
    """A minimum of the criterion.

    Attributes
    ----------
    criterion : float
    theta : ndarray, shape (m,)
        lme4's theta at this point.
    searches : int
        The number of searches that ended at this point.
    """

    criterion: float
    theta: NDArray[np.float64]
    searches: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Search:
    """The best optimum found.

    Attributes
    ----------
    theta : ndarray, shape (m,)
        lme4's theta there.
    evaluation : Evaluation
        There.
    certificate : Certificate
        There.
    converged : bool
        Whether the search that found it met its stopping criterion.
    starts, agreed : int
        The number of searches, and how many ended at this point.
    wanted : int
        The number of searches that a verdict needs: as many as a fit makes on such data.
    distance : float
        How far the checked theta lies above this point by the second-order model.
    others : tuple of Minimum
        Higher minima at which searches ended, the lowest first.
    """

    theta: NDArray[np.float64]
    evaluation: Evaluation
    certificate: Certificate
    converged: bool
    starts: int
    agreed: int
    wanted: int
    distance: float
    others: tuple[Minimum, ...]

    @property
    def criterion(self) -> float:
        """The lowest value that was found."""
        return float(self.evaluation.criterion[0])

    @property
    def proved(self) -> bool:
        """Whether this is a minimum, in the interior or on the boundary."""
        certificate = self.certificate
        return (
            self.converged and certificate.enclosed and not (certificate.saddle or certificate.flat)
        )


def search(
    problem: Problem, terms: Sequence[RandomTerm], theta: NDArray[np.float64], starts: int | None
) -> Search:
    """Look for the optimum from `theta` and from other starts.

    Parameters
    ----------
    problem : Problem
        Of one response.
    terms : sequence of RandomTerm
        Those that it was prepared from.
    theta : ndarray, shape (m,)
        The lme4 theta that is checked.
    starts : int or None
        At least 1. None for as many as are cheap: more than a fit has.
    """
    if problem.structured:
        return _structured(problem, theta)
    layout, criterion = problem.layout, problem.searched()
    first = minimise(criterion, layout, problem.conditioned(theta[None]))
    ends = Ends(criterion, layout, first)
    if starts is None:
        _as_many_as_are_cheap(problem, ends, first)
    else:
        ends.search(np.ones(1, dtype=np.bool_), _starts(problem, starts - 1))
    optimum = polished(problem, criterion, first, ends)
    at, evaluation = on_the_boundary(problem, problem.callers(optimum.theta)[0], optimum.evaluation)
    return Search(
        theta=at,
        evaluation=evaluation,
        certificate=certify(problem, terms, at, evaluation),
        converged=bool(optimum.converged[0]),
        starts=int(ends.starts[0]),
        agreed=int(ends.agreed[0]),
        wanted=1 if starts is None else _wanted(problem, ends, first),
        distance=_distance(problem, theta, at, evaluation),
        others=_others(problem, ends, float(evaluation.criterion[0])),
    )


def _structured(problem: Problem, theta: NDArray[np.float64]) -> Search:
    """The search of a model with covariance structures, from theta and all starts of a fit."""
    found = minimise_structured(problem, theta, more=True)
    best = float(found.evaluation.criterion[0])
    others: list[Minimum] = []
    for value, other in sorted(zip(found.values, found.thetas, strict=True), key=itemgetter(0)):
        last = others[-1].criterion if others else best
        if value > last + ANOTHER and len(others) < REPORTED:
            searches = sum(abs(value - each) <= ANOTHER for each in found.values)
            others.append(Minimum(criterion=value, theta=other, searches=searches))
    return Search(
        theta=found.theta,
        evaluation=found.evaluation,
        certificate=certify_structured(problem, found.theta, found.evaluation),
        converged=found.converged,
        starts=found.starts,
        agreed=found.agreed,
        wanted=1,
        distance=_distance(problem, theta, found.theta, found.evaluation),
        others=tuple(others),
    )


def _starts(problem: Problem, count: int) -> NDArray[np.float64]:
    """So many starts, in the order of their promise, shape (count, m)."""
    layout = problem.layout
    known = [problem.start(), first_starts(layout), further_starts(layout)]
    missing = max(0, count - sum(map(len, known)))
    return np.concatenate([*known, random_starts(layout, missing, seed=1)])[:count]


def _as_many_as_are_cheap(problem: Problem, ends: Ends, first: Optimum) -> None:
    """Search from all starts, or from as many as the cost allows."""
    layout, most = problem.layout, affordable(problem)
    all_of_it = np.ones(1, dtype=np.bool_)
    near = boundary(layout, first)
    doubt = doubtful(layout, first) | small(problem)
    starts = np.concatenate([problem.start(), first_starts(layout)])
    if most == ALL:
        if not doubt[0]:
            starts = starts[: _undoubted(ends, near=bool(near[0]))]
        ends.search(all_of_it, starts)
        if (doubt[0] and intricate(layout)) or not ends.alike[0]:
            more = [further_starts(layout), random_starts(layout, RANDOM, seed=1)]
            ends.search(all_of_it, np.concatenate(more))
    elif most == SIX and (near | doubt)[0]:
        ends.search_in_turn(all_of_it, starts[: 1 + most])
    else:
        ends.search(all_of_it, starts[:1])
        ends.search(near, starts[1:2])


def _wanted(problem: Problem, ends: Ends, first: Optimum) -> int:
    """How many starts a verdict needs: those of a fit on such data, and theta.

    One where such data leave no doubt.
    """
    layout, most = problem.layout, affordable(problem)
    near, alike = bool(boundary(layout, first)[0]), bool(ends.alike[0])
    doubt = bool((doubtful(layout, first) | small(problem))[0])
    if alike and not (near or doubt):
        return 1
    if most == ALL:
        if alike and not doubt:
            return 1 + BRIEF
        firsts = 2 + len(first_starts(layout))
        more = not alike or intricate(layout)
        return firsts + len(further_starts(layout)) if more else firsts
    if most == SIX:
        return ENOUGH_ALIKE if alike else 2 + SIX
    return 3 if near else 2


def _undoubted(ends: Ends, *, near: bool) -> int:
    """How many starts, the moments among them, a model takes that leaves no doubt.

    In a batch a few more cost little. One after the other each costs as much as the fit.
    """
    if ends.criterion.batch_numbers is None:
        return 3 if near else 2
    return ALL if near else 1 + FEW


def _others(problem: Problem, ends: Ends, best: float) -> tuple[Minimum, ...]:
    """The other minima that searches ended at."""
    values, thetas = ends.values[0], np.concatenate(ends.thetas)
    criterion = problem.criterion
    made: list[Minimum] = []
    left = values > best + ANOTHER
    while left.any() and len(made) < REPORTED:
        lowest = int(np.argmin(np.where(left, values, np.inf)))
        same = left & (values <= values[lowest] + ANOTHER)
        left &= ~same
        there = minimise(criterion, problem.layout, thetas[lowest][None])
        value = float(there.evaluation.criterion[0])
        if there.converged[0] and value > best + ANOTHER:
            theta = problem.callers(there.theta)[0]
            made.append(Minimum(criterion=value, theta=theta, searches=int(same.sum())))
    return tuple(made)


def _distance(
    problem: Problem,
    theta: NDArray[np.float64],
    optimum: NDArray[np.float64],
    evaluation: Evaluation,
) -> float:
    both = problem.layout.matrices(problem.conditioned(np.stack([theta, optimum])))
    change = [here @ here.T - there @ there.T for here, there in both]
    flat = np.concatenate([part.ravel() for part in change])
    slope = sum(float((m[0] * part).sum()) for m, part in zip(evaluation.M, change, strict=True))
    return max(0.0, slope + 0.5 * float(flat @ evaluation.form[0] @ flat))
