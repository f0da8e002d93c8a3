"""Fit a prepared model: the best end of searches from several starts, or from one that is given.

The first search begins at the moments. On large data with an optimum well inside, no second minimum
has been seen: one search is enough. Second minima are a matter of small, unevenly weighted or
unbalanced data, of variances that were lost on the way, and of signals much larger than the noise.
Where the end of the first search or the data leave such a doubt, others follow: two where only the
end on the boundary is in doubt, else about a dozen, and thirty more where not all end alike, or
where the data are few for so many parameters that a dozen can end alike at a worse minimum. The
number of starts follows from end and data alone, so that the same data always have the same answer.

With one grouping factor, or few random effects, the searches are one batch. With many random
effects each search costs as much as the first: the starts follow one another in the order of their
promise, no more of them than a budget of multiplications allows, until several have ended alike.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.reference.criterion.likelihood import stacked
from pylme.reference.optimize.degenerate import has_no_minimum
from pylme.reference.optimize.ends import BATCH, Ends, polished
from pylme.reference.optimize.newton import Optimum, minimise
from pylme.reference.problem.starting import alike, first_starts, further_starts
from pylme.reference.threads import one_thread, this_thread

if TYPE_CHECKING:
    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.problem.layout import Layout

__all__ = [
    "ALL",
    "SIX",
    "Optima",
    "Several",
    "affordable",
    "best_of_several",
    "boundary",
    "doubtful",
    "fit",
    "intricate",
    "small",
]

#: Multiplications of an evaluation, or numbers in the tables of one factor, up to which all starts
#: are affordable, and up to which six are.
FOR_ALL: Final = 2e6
FOR_SIX: Final = 2e7
NUMBERS_FOR_ALL: Final = 20_000
NUMBERS_FOR_SIX: Final = 400_000
#: All starts: a number larger than that of the starts.
ALL: Final = 1000
SIX: Final = 6
#: A pivot below this, of columns of mean square 1, is near the boundary; one above that is a signal
#: that drowns the noise.
NEAR_BOUNDARY: Final = 1e-3
FAR_OUT: Final = 30.0
#: The least curvature over the greatest, in units of the search's scales, below which a valley is
#: so long that it can have another end.
LONG_VALLEY: Final = 0.01
#: Fewer rows than this, or fewer levels of a factor with several effects, are few.
FEW_ROWS: Final = 100
FEW_LEVELS: Final = 10
#: The largest weight over the least.
UNEVEN: Final = 10.0
#: With this many covariance parameters, a dozen searches of small data can all end at a minimum
#: that is not the lowest.
MANY_PARAMETERS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Optima:
    """Where the search of each response ended.

    Attributes
    ----------
    theta : ndarray, shape (R, m)
        lme4's theta, diagonals of zero or more.
    criterion : ndarray, shape (R,)
    optimum : Optimum
        In terms of the well-conditioned columns, with the counts and the trace.
    starts, agreed : ndarray of int, shape (R,)
        From how many starts each response was searched, and how many searches ended there.
    """

    theta: NDArray[np.float64]
    criterion: NDArray[np.float64]
    optimum: Optimum
    starts: NDArray[np.intp]
    agreed: NDArray[np.intp]


def fit(problem: Problem, start: NDArray[np.float64] | None = None) -> Optima:
    """Minimise the criterion of each response.

    Parameters
    ----------
    problem : Problem
    start : ndarray, shape (m,) or (R, m), optional
        lme4's theta to start the one search from; None for the problem's own starts.
    """
    with nullcontext() if this_thread.limited else one_thread():
        if start is None:
            found = best_of_several(problem)
            return _fitted(problem, found.optimum, found.starts, found.agreed)
        given = np.broadcast_to(start, (problem.n_responses, len(problem.layout.row)))
        inner = problem.conditioned(np.array(given, dtype=np.float64))
        optimum = minimise(problem.criterion, problem.layout, inner)
        one = np.ones(problem.n_responses, dtype=np.intp)
        return _fitted(problem, optimum, one, one)


def _fitted(
    problem: Problem, optimum: Optimum, starts: NDArray[np.intp], agreed: NDArray[np.intp]
) -> Optima:
    return Optima(
        theta=problem.callers(optimum.theta),
        criterion=optimum.evaluation.criterion,
        optimum=optimum,
        starts=starts,
        agreed=agreed,
    )


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
    layout, criterion, R = problem.layout, problem.searched(), problem.n_responses
    numbers = criterion.batch_numbers
    most = 1 if numbers is None else max(1, BATCH // numbers)
    if most < R and problem.criterion.batch_numbers is None:
        portions = [slice(first, first + most) for first in range(0, R, most)]
        return _joined([best_of_several(problem.part(portion)) for portion in portions])
    first = minimise(criterion, layout, problem.start())
    on_boundary = boundary(layout, first)
    few = small(problem)
    thorough = doubtful(layout, first) | few
    if criterion is problem.criterion and not (thorough | on_boundary).any():
        one = np.ones(len(first.theta), dtype=np.intp)
        return Several(optimum=first, starts=one, agreed=one)
    ends = Ends(criterion, layout, first)
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
    return bool(problem.suspects(first.evaluation.rss)[0]) and has_no_minimum(problem)


def _search_in_stages(
    layout: Layout,
    ends: Ends,
    brief: NDArray[np.bool_],
    thorough: NDArray[np.bool_],
    most: int,
    *,
    few: NDArray[np.bool_],
) -> None:
    """Two more starts, a dozen, all: for those responses that need them."""
    if brief.any():
        ends.search(brief, np.array([alike(layout, size) for size in (1.0, 100.0)]))
        thorough = thorough | ~ends.alike
    if thorough.any():
        search = ends.search if most == ALL else ends.search_in_turn
        search(thorough, first_starts(layout)[:most])
        all_of_them = ~ends.alike
        if intricate(layout):
            all_of_them = np.where(few, thorough, all_of_them)
        if most == ALL and all_of_them.any():
            search(all_of_them, further_starts(layout))


def affordable(problem: Problem) -> int:
    """How many starts beside the first may be searched from: `ALL`, `SIX`, 1 or 0."""
    numbers = problem.criterion.batch_numbers
    if numbers is not None:
        return ALL if numbers <= NUMBERS_FOR_ALL else SIX if numbers <= NUMBERS_FOR_SIX else 1
    if problem.few:
        return ALL
    if problem.criterion.exactly() is not problem.criterion:
        return 0
    leading, *others = problem.layout.factors
    q2 = float(sum(factor.size for factor in others))
    work = float(leading.width) ** 3 * leading.levels * q2**2 + 10.0 * q2**3
    return ALL if work <= FOR_ALL else SIX if work <= FOR_SIX else 1


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


def small(problem: Problem) -> NDArray[np.bool_]:
    """Whether the data are so few, or so unevenly weighted, that several minima are common.

    Of shape (R,), as responses can have weights of their own.
    """
    layout = problem.layout
    correlated = [factor.width > 1 and factor.levels < FEW_LEVELS for factor in layout.factors]
    few = problem.likelihood.n < FEW_ROWS or any(correlated)
    uneven = np.asarray(problem.unevenness) > UNEVEN
    return np.broadcast_to(few | uneven, problem.n_responses)


def intricate(layout: Layout) -> bool:
    """Whether there are so many parameters that ends alike of a dozen searches prove little."""
    return len(layout.row) >= MANY_PARAMETERS


def boundary(layout: Layout, optimum: Optimum) -> NDArray[np.bool_]:
    """Which searches ended near the boundary, shape (R,)."""
    pivots = np.abs(optimum.theta[:, layout.diagonal])
    return np.asarray((pivots < NEAR_BOUNDARY).any(axis=1))


def doubtful(layout: Layout, optimum: Optimum) -> NDArray[np.bool_]:
    """Which searches ended where second minima are common, the boundary aside, shape (R,)."""
    pivots = np.abs(optimum.theta[:, layout.diagonal])
    inside = ~boundary(layout, optimum)
    return np.asarray(
        ~optimum.converged
        | (pivots > FAR_OUT).any(axis=1)
        | (inside & (optimum.curvature < LONG_VALLEY))
    )
