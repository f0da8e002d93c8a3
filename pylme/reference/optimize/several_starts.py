"""The best end of searches from several starts.

The first search begins at the moments. Where its end or the data leave a doubt that it is the best
(`doubt`) others follow: two where all that is amiss is an end on the boundary, else
about a dozen, and thirty more where not all end alike, or where the data are few for so many
parameters that a dozen can end alike at a worse minimum. With one grouping factor, or few random
effects, they are one batch. With many random effects each search costs as much as the first: the
starts follow one another in the order of their promise, no more of them than a budget of
multiplications allows, until several have ended alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.reference.criterion.evaluation import stacked
from pylme.reference.criterion.few_effects import FEW, few_effects
from pylme.reference.criterion.one_factor import OneFactor
from pylme.reference.optimize.doubt import boundary, doubtful, intricate, small
from pylme.reference.optimize.ends import Ends
from pylme.reference.optimize.newton import Optimum, minimise
from pylme.reference.optimize.unbounded import has_no_minimum, is_suspect
from pylme.reference.problem.starting import alike, first_starts, further_starts

if TYPE_CHECKING:
    from pylme.reference.criterion.criterion import Searched
    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.problem.terms import Layout

__all__ = ["ALL", "SIX", "Several", "affordable", "best_of_several", "polished", "searched"]

#: Multiplications of an evaluation, or numbers in the tables of one factor, up to which all starts
#: are affordable, and up to which six are.
FOR_ALL: Final = 2e6
FOR_SIX: Final = 2e7
NUMBERS_FOR_ALL: Final = 20_000
NUMBERS_FOR_SIX: Final = 400_000
#: As many starts as there are.
ALL: Final = 1000
SIX: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Several:
    """The best end of each response.

    Attributes
    ----------
    optimum : Optimum
        Its evaluations are those of all searches. Its trace is that of the first search, followed
        by the last steps of the best where that is another one.
    starts, agreed : ndarray of int, shape (R,)
        How many searches there were, and how many of them ended there.
    """

    optimum: Optimum
    starts: NDArray[np.intp]
    agreed: NDArray[np.intp]


def best_of_several(problem: Problem) -> Several:
    """Search for the best optimum of each response."""
    if problem.n_responses > 1 and not isinstance(problem.criterion, OneFactor):
        return _joined([best_of_several(problem.alone(r)) for r in range(problem.n_responses)])
    layout, criterion = problem.layout, searched(problem)
    first = minimise(criterion, layout, problem.start())
    ends = Ends(criterion, layout, first)
    on_boundary = boundary(layout, first)
    few = small(problem)
    thorough = doubtful(layout, first) | few
    most = affordable(problem)
    if most > 1 and (thorough | on_boundary).any() and _has_no_minimum(problem, first):
        most = 0
    if most == 1:
        ends.search(on_boundary, alike(layout, 1.0)[None])
    elif most:
        _search_in_stages(layout, ends, on_boundary & ~thorough, thorough, most, few=few)
    optimum = polished(problem, criterion, first, ends)
    return Several(optimum=optimum, starts=ends.starts, agreed=ends.agreed)


def _has_no_minimum(problem: Problem, first: Optimum) -> bool:
    """Whether there is no minimum to be found from any start."""
    if problem.n_responses > 1:
        return False
    return is_suspect(problem, float(first.evaluation.rss[0])) and has_no_minimum(problem)


def _search_in_stages(
    layout: Layout,
    ends: Ends,
    brief: NDArray[np.bool_],
    thorough: NDArray[np.bool_],
    most: int,
    *,
    few: bool,
) -> None:
    """Two more starts, a dozen, all: for those responses that need them."""
    if brief.any():
        ends.search(brief, np.array([alike(layout, size) for size in (1.0, 100.0)]))
        thorough = thorough | ~ends.alike
    if thorough.any():
        search = ends.search if most == ALL else ends.search_in_turn
        search(thorough, first_starts(layout)[:most])
        all_of_them = thorough if few and intricate(layout) else ~ends.alike
        if most == ALL and all_of_them.any():
            search(all_of_them, further_starts(layout))


def searched(problem: Problem) -> Searched:
    """The criterion by which searches from several starts cost least."""
    return few_effects(problem) if _few(problem) else problem.criterion


def _few(problem: Problem) -> bool:
    factors = problem.layout.factors
    return len(factors) > 1 and sum(factor.size for factor in factors) <= FEW


def affordable(problem: Problem) -> int:
    """How many starts beside the first may be searched from: `ALL`, `SIX`, 1 or 0."""
    if isinstance(problem.criterion, OneFactor):
        numbers = problem.criterion.coefficients[0].size
        return ALL if numbers <= NUMBERS_FOR_ALL else SIX if numbers <= NUMBERS_FOR_SIX else 1
    if _few(problem):
        return ALL
    if problem.criterion.exactly() is not problem.criterion:
        return 0
    leading, *others = problem.layout.factors
    q2 = float(sum(factor.size for factor in others))
    work = float(leading.width) ** 3 * leading.levels * q2**2 + 10.0 * q2**3
    return ALL if work <= FOR_ALL else SIX if work <= FOR_SIX else 1


def polished(problem: Problem, criterion: Searched, first: Optimum, ends: Ends) -> Optimum:
    """The best ends as optima of the problem's own criterion."""
    own = criterion is problem.criterion
    moved = (ends.theta != first.theta).any(axis=1)
    if own and not moved.any():
        return replace(first, evaluations=ends.evaluations)
    if not own or len(moved) == 1:
        last = minimise(problem.criterion, problem.layout, ends.theta)
        return replace(
            last,
            evaluations=ends.evaluations + last.evaluations,
            trace=(*first.trace, *last.trace),
        )
    last = minimise(problem.criterion.subset(moved), problem.layout, ends.theta[moved])
    made = {}
    for name in ("theta", "converged", "escapes", "curvature"):
        made[name] = getattr(first, name).copy()
        made[name][moved] = getattr(last, name)
    evaluations = ends.evaluations.copy()
    evaluations[moved] += last.evaluations
    T = problem.layout.matrices(made["theta"])
    return Optimum(
        evaluation=problem.criterion.evaluate(T), evaluations=evaluations, trace=(), **made
    )


def _joined(each: list[Several]) -> Several:
    names = ("theta", "evaluations", "converged", "escapes", "curvature")
    optima = [one.optimum for one in each]
    return Several(
        optimum=Optimum(
            evaluation=stacked([one.evaluation for one in optima]),
            trace=(),
            **{name: np.concatenate([getattr(one, name) for one in optima]) for name in names},
        ),
        starts=np.concatenate([one.starts for one in each]),
        agreed=np.concatenate([one.agreed for one in each]),
    )
