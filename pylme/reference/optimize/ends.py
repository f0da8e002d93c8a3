"""Where the searches of each response from several starts ended, and the best of these ends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.reference.optimize.neighbourhood import Neighbourhood
from pylme.reference.optimize.newton import Optimum, minimise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.criterion.criterion import Searched
    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.problem.layout import Layout

__all__ = ["ALIKE", "BATCH", "ENOUGH_ALIKE", "Ends", "polished"]

#: Ends whose criteria differ by less than this are the same optimum.
ALIKE: Final = 1e-5
#: An end counts as lower than another if its criterion is lower by more than this.
LOWER: Final = 1e-8
#: The largest number of elements in the tables of a batch.
BATCH: Final = 10_000_000
#: One of many searches stops after this many evaluations; if it is the best, it is continued later.
MAX_EVALUATIONS: Final = 60
#: It also stops when a step promises less than this, which is far below `ALIKE`.
NEAR_ENOUGH: Final = 1e-7
#: Searches that follow one another are made in groups of this size, until this many ended alike.
AT_A_TIME: Final = 3
ENOUGH_ALIKE: Final = 5


class Ends:
    """The ends of all searches so far.

    Attributes
    ----------
    theta : ndarray, shape (R, m)
        The best end of each response, in terms of the well-conditioned columns.
    values : ndarray, shape (R, S)
        The criterion at every end; NaN where a response was not searched from a start.
    best : ndarray, shape (R,)
        The criterion there.
    thetas : list of ndarray, shapes (S_i, m)
        Of a single response: theta at every end, in the order of `values`.
    evaluations : ndarray of int, shape (R,)
        Of all searches of a response.
    """

    def __init__(self, criterion: Searched, layout: Layout, first: Optimum) -> None:
        self.criterion = criterion
        self.layout = layout
        self.theta = first.theta.copy()
        self.thetas = [first.theta] if len(first.theta) == 1 else []
        self.values = first.evaluation.criterion[:, None]
        self.best = self.values[:, 0].copy()
        self.evaluations = first.evaluations.copy()
        self.known = Neighbourhood.of(layout, first.theta, first.evaluation)

    @property
    def alike(self) -> NDArray[np.bool_]:
        """Whether all searches of a response ended at one value."""
        return np.asarray(np.nanmax(self.values, axis=1) <= self.best + ALIKE)

    @property
    def starts(self) -> NDArray[np.intp]:
        """How many searches each response had."""
        return np.asarray((~np.isnan(self.values)).sum(axis=1))

    @property
    def agreed(self) -> NDArray[np.intp]:
        """How many of them ended at the best value."""
        return np.asarray((self.values <= self.best[:, None] + ALIKE).sum(axis=1))

    def search(self, responses: NDArray[np.bool_], starts: NDArray[np.float64]) -> None:
        """Search the marked responses from each start, of shape (S, m)."""
        which = np.flatnonzero(responses)
        if not len(which) or not len(starts):
            return
        numbers = self.criterion.batch_numbers
        if numbers is not None:
            numbers *= len(starts)
            portions = np.array_split(which, -(-len(which) * numbers // BATCH))
            found = [self._searched(portion, starts) for portion in portions]
            self._take(which, np.concatenate(found, axis=0))
            return
        self._take(which, self._searched(which, starts))

    def _searched(
        self, which: NDArray[np.intp], starts: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Values of shape (responses, S), better ends being kept."""
        S = len(starts)
        repeated = np.repeat(which, S)
        found = minimise(
            self.criterion.subset(repeated),
            self.layout,
            np.tile(starts, (len(which), 1)),
            MAX_EVALUATIONS,
            NEAR_ENOUGH,
            known=self.known.subset(repeated),
        )
        values = found.evaluation.criterion.reshape(len(which), S)
        if len(self.theta) == 1:
            self.thetas.append(found.theta)
        self.evaluations[which] += found.evaluations.reshape(len(which), S).sum(axis=1)
        lowest = values.argmin(axis=1)
        value = values[np.arange(len(which)), lowest]
        lower = value < self.best[which] - LOWER
        theta = found.theta.reshape(len(which), S, -1)[np.arange(len(which)), lowest]
        self.theta[which[lower]], self.best[which[lower]] = theta[lower], value[lower]
        if lower.any():
            places = (np.arange(len(which)) * S + lowest)[lower]
            ends = Neighbourhood.of(self.layout, found.theta, found.evaluation)
            self.known = self.known.with_lower(which[lower], ends.subset(places))
        return np.asarray(values)

    def _take(self, which: NDArray[np.intp], values: NDArray[np.float64]) -> None:
        column = np.full((len(self.values), values.shape[1]), np.nan)
        column[which] = values
        self.values = np.concatenate([self.values, column], axis=1)

    def search_in_turn(self, responses: NDArray[np.bool_], starts: NDArray[np.float64]) -> None:
        """The same a few at a time, until enough searches were made and all ended alike."""
        for first in range(0, len(starts), AT_A_TIME):
            enough = self.alike & (self.starts >= ENOUGH_ALIKE)
            self.search(responses & ~enough, starts[first : first + AT_A_TIME])


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
