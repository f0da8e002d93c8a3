"""The optimiser: trust-region Newton in theta for many responses, and the way off a false optimum.

The criterion is even in the sign of each column of T, so theta needs no bounds: it is minimised
freely, and signs are put right at the end. Where the search stops at a point that is stationary in
theta but not a minimum (`reference.optimize.boundary`), variance is added in the direction in which
the criterion falls, and the search goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.reference.criterion.criterion import evaluated
from pylme.reference.criterion.likelihood import Evaluation
from pylme.reference.optimize.boundary import escape, with_variance
from pylme.reference.optimize.descent import ENOUGH, ROUNDING, Descent

if TYPE_CHECKING:
    from pylme.reference.criterion.criterion import Searched
    from pylme.reference.problem.layout import Layout

__all__ = ["Optimum", "TracePoint", "minimise"]

#: An escape must promise more than that.
WORTH_LEAVING: Final = 1e-8
MAX_EVALUATIONS: Final = 200
MAX_ESCAPES: Final = 20
#: A start where the criterion has no value is drawn in by a tenth as often as this.
_DRAWN_IN: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TracePoint:
    """One evaluation of a search: theta of shape (R, m) and the criterion of shape (R,)."""

    theta: NDArray[np.float64]
    criterion: NDArray[np.float64]
    accepted: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Optimum:
    """Where the search ended.

    Attributes
    ----------
    theta : ndarray, shape (R, m)
        Of the well-conditioned columns, signs as they came.
    evaluation : Evaluation
        There.
    evaluations : ndarray of int, shape (R,)
    converged : ndarray of bool, shape (R,)
        Whether the next step was expected to lower the criterion by less than `enough`, and no
        escape promised more.
    escapes : ndarray of int, shape (R,)
        How often a false optimum was left.
    curvature : ndarray, shape (R,)
        The least eigenvalue of the Hessian by theta over the greatest, at the end, less what the
        slope leaves in doubt.
    trace : tuple of TracePoint
        Of a single response: every evaluation in order; of several, empty.
    """

    theta: NDArray[np.float64]
    evaluation: Evaluation
    evaluations: NDArray[np.intp]
    converged: NDArray[np.bool_]
    escapes: NDArray[np.intp]
    curvature: NDArray[np.float64]
    trace: tuple[TracePoint, ...]


def minimise(
    criterion: Searched,
    layout: Layout,
    start: NDArray[np.float64],
    most: int = MAX_EVALUATIONS,
    enough: float = ENOUGH,
) -> Optimum:
    """Minimise the criterion of each response.

    Parameters
    ----------
    criterion : Searched
    layout : Layout
    start : ndarray, shape (R, m)
    most : int
        A search ends unfinished after so many evaluations.
    enough : float
        A search ends where its next step is expected to lower the criterion by less.
    """
    search = _Search(criterion, layout, start, most, enough)
    search.run(np.ones(len(start), dtype=bool))
    for _ in range(MAX_ESCAPES):
        left = search.leave_false_optima()
        if not left.any():
            break
        search.run(left)
    return search.optimum()


class _Search:
    """The state of all responses' searches."""

    def __init__(
        self,
        criterion: Searched,
        layout: Layout,
        start: NDArray[np.float64],
        most: int,
        enough: float,
    ) -> None:
        R = len(start)
        self.most = most
        self.enough = enough
        self.criterion = criterion
        self.layout = layout
        self.theta = start.copy()
        self.values = np.full(R, np.inf)
        self.evaluations = np.zeros(R, dtype=np.intp)
        self.converged = np.zeros(R, dtype=bool)
        self.escapes = np.zeros(R, dtype=np.intp)
        self.curvature = np.zeros(R)
        self.trace: list[TracePoint] = []
        #: The evaluation at the current theta, where it is at hand.
        self.last: Evaluation | None = None

    def _begun(
        self, criterion: Searched, theta: NDArray[np.float64], places: NDArray[np.intp]
    ) -> Evaluation:
        """The evaluation at the start, which is drawn in where the criterion has no value there."""
        for _ in range(_DRAWN_IN):
            self.evaluations[places] += 1
            evaluation = evaluated(criterion, self.layout.matrices(theta))
            failed = (
                np.ones(len(theta), dtype=np.bool_)
                if evaluation is None
                else ~np.isfinite(evaluation.criterion)
            )
            if evaluation is not None and not failed.any():
                return evaluation
            theta[failed] *= 0.1
        raise np.linalg.LinAlgError

    def run(self, active: NDArray[np.bool_]) -> None:
        """Trust-region Newton from the current theta of the active responses."""
        places = np.flatnonzero(active)
        criterion = self.criterion if active.all() else self.criterion.subset(active)
        theta = self.theta[places]
        evaluation = self._begun(criterion, theta, places)
        self._record(theta, evaluation.criterion, np.ones(len(places), dtype=bool))
        on = Descent(self.layout, criterion, places, theta, evaluation, enough=self.enough)
        while True:
            arrived = on.arrived
            over = arrived | (self.evaluations[on.places] >= self.most)
            if over.any():
                done = on.places[over]
                self.theta[done] = on.chart.own_theta(on.theta)[over]
                self.values[done] = on.value[over]
                self.converged[done] = arrived[over]
                self.curvature[done] = on.curvature[over]
                if over.all():
                    break
                on.keep(~over)
            trial = on.propose()
            T = on.chart.matrices(trial)
            tried = evaluated(on.criterion, T)
            self.evaluations[on.places] += 1
            accepted = on.judge(trial, tried)
            self.escapes[on.places] += accepted & on.escaping
            if tried is not None:
                self._record(self.layout.theta(T), tried.criterion, accepted)
                evaluation = tried if accepted[0] else evaluation
        self.last = evaluation if len(active) == 1 else None

    def _record(
        self, theta: NDArray[np.float64], value: NDArray[np.float64], accepted: NDArray[np.bool_]
    ) -> None:
        if len(self.values) == 1:
            self.trace.append(TracePoint(theta=theta, criterion=value, accepted=accepted))

    def leave_false_optima(self) -> NDArray[np.bool_]:
        """Add variance where the criterion falls with it; says which responses moved."""
        evaluation = self._at_the_end()
        found = escape(self.layout, evaluation.M, evaluation.form)
        waiting = found.gain > WORTH_LEAVING + ROUNDING * np.abs(self.values)
        moved = np.zeros(len(waiting), dtype=np.bool_)
        T = self.layout.matrices(self.theta)
        shrink = 1.0
        while waiting.any() and shrink > 1e-9:
            share = np.full(len(moved), shrink)
            theta = self.layout.theta(with_variance(self.layout, T, found, share))
            criterion = self.criterion if waiting.all() else self.criterion.subset(waiting)
            tried = evaluated(criterion, self.layout.matrices(theta[waiting]))
            self.evaluations[waiting] += 1
            shrink *= 0.25
            if tried is None:
                continue
            fell = waiting.copy()
            fell[waiting] = tried.criterion < self.values[waiting]
            self.theta[fell] = theta[fell]
            self.escapes[fell] += 1
            moved |= fell
            waiting &= ~fell
        self.last = None if moved.any() else evaluation
        return moved

    def _at_the_end(self) -> Evaluation:
        if self.last is not None:
            return self.last
        found = evaluated(self.criterion, self.layout.matrices(self.theta))
        if found is None:
            raise np.linalg.LinAlgError
        return found

    def optimum(self) -> Optimum:
        """The end of all searches."""
        return Optimum(
            theta=self.theta,
            evaluation=self._at_the_end(),
            evaluations=self.evaluations,
            converged=self.converged,
            escapes=self.escapes,
            curvature=self.curvature,
            trace=tuple(self.trace),
        )
