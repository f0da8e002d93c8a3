"""The optimiser: trust-region Newton in theta for many responses, and the way off a false optimum.

The criterion is even in the sign of each column of T, so theta needs no bounds: it is minimised
freely, and signs are put right at the end. Where the search stops at a point that is stationary in
theta but not a minimum (`reference.optimize.boundary`), variance is added in the direction in which
the criterion falls, and the search goes on from there.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.deadline import end_of_time, require_time
from pylme.reference.criterion.likelihood import Evaluation
from pylme.reference.criterion.trial_points import evaluated, known, one_by_one
from pylme.reference.optimize.boundary import escape, with_variance
from pylme.reference.optimize.descent import ENOUGH, ROUNDING, Descent

if TYPE_CHECKING:
    from pylme.reference.criterion.criterion import Searched
    from pylme.reference.optimize.boundary import Escape
    from pylme.reference.optimize.neighbourhood import Neighbourhood
    from pylme.reference.problem.layout import Layout

__all__ = ["Optimum", "TracePoint", "minimise"]

#: An escape must promise more than that.
WORTH_LEAVING: Final = 1e-8
MAX_EVALUATIONS: Final = 200
MAX_ESCAPES: Final = 20
#: A start where the criterion has no value is drawn in by a tenth as often as this.
_DRAWN_IN: Final = 12
_NOWHERE: Final = np.empty(0, dtype=np.intp)


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
    *,
    known: Neighbourhood | None = None,
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
    known : Neighbourhood, optional
        Of a minimum of each response: a search that has come into it ends at that minimum.
    """
    search = _Search(criterion, layout, start, most, enough, known=known)
    search.run(np.ones(len(start), dtype=bool))
    for _ in range(MAX_ESCAPES):
        evaluation = search.last or _at_the_end(search)
        found = escape(layout, evaluation.M, evaluation.form)
        waiting = found.gain > WORTH_LEAVING + ROUNDING * np.abs(search.values)
        left = _leave(search, found, waiting) if waiting.any() else waiting
        if not left.any():
            break
        search.last = None
        search.run(left)
    else:
        evaluation = search.last or _at_the_end(search)
    return Optimum(
        theta=search.theta,
        evaluation=evaluation,
        evaluations=search.evaluations,
        converged=search.converged,
        escapes=search.escapes,
        curvature=search.curvature,
        trace=tuple(search.trace),
    )


def _at_the_end(search: _Search) -> Evaluation:
    found = evaluated(search.criterion, search.layout.matrices(search.theta))
    if found is None:
        raise np.linalg.LinAlgError
    return found


def _leave(search: _Search, found: Escape, waiting: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Add variance where the criterion falls with it; says which responses moved."""
    layout = search.layout
    moved = np.zeros(len(waiting), dtype=np.bool_)
    T = layout.matrices(search.theta)
    shrink = 1.0
    while waiting.any() and shrink > 1e-9:
        require_time()
        share = np.full(len(moved), shrink)
        theta = layout.theta(with_variance(layout, T, found, share))
        T_tried = layout.matrices(theta[waiting])
        criterion = search.criterion if waiting.all() else search.criterion.subset(waiting)
        tried = evaluated(criterion, T_tried)
        search.evaluations[waiting] += 1
        shrink *= 0.25
        if tried is None:
            continue
        fell = waiting.copy()
        fell[waiting] = tried.criterion < search.values[waiting]
        search.theta[fell] = theta[fell]
        search.escapes[fell] += 1
        moved |= fell
        waiting &= ~fell
    return moved


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TracePoint:
    """One evaluation of a search: theta of shape (R, m) and the criterion of shape (R,)."""

    theta: NDArray[np.float64]
    criterion: NDArray[np.float64]
    accepted: NDArray[np.bool_]


class _Search:
    """Where the searches of all responses are, each until its own end.

    Attributes
    ----------
    theta : ndarray, shape (R, m)
    values : ndarray, shape (R,)
        The criterion there.
    evaluations, escapes : ndarray of int, shape (R,)
    converged : ndarray of bool, shape (R,)
    curvature : ndarray, shape (R,)
    trace : list of TracePoint
        Of a single response.
    last : Evaluation or None
        The evaluation of a single response at theta, where it is at hand.
    """

    def __init__(
        self,
        criterion: Searched,
        layout: Layout,
        start: NDArray[np.float64],
        most: int,
        enough: float,
        *,
        known: Neighbourhood | None,
    ) -> None:
        R = len(start)
        self.known = known
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
        self.last: Evaluation | None = None

    def run(self, active: NDArray[np.bool_]) -> None:
        """Trust-region Newton from the current theta of the active responses.

        Raises
        ------
        FitTimeoutError
            If the fit has a limit of time, and it is over.
        """
        places = np.flatnonzero(active)
        criterion = self.criterion if active.all() else self.criterion.subset(active)
        end = end_of_time()
        theta = self.theta[places]
        evaluation = self._begun(criterion, theta, places)
        traced = len(self.values) == 1
        if traced:
            self.trace.append(
                TracePoint(theta=theta, criterion=evaluation.criterion, accepted=np.ones(1, bool))
            )
        on = Descent(self.layout, criterion, places, theta, evaluation, enough=self.enough)
        while True:
            if time.monotonic() > end:
                require_time()
            arrived = on.predicted <= self.enough + ROUNDING * np.abs(on.value)
            over = arrived | (self.evaluations[on.places] >= self.most)
            met = _NOWHERE
            if self.known is not None:
                near = self.known.close(on.places, on.value, on.predicted)
                if near.any():
                    T = on.chart.matrices(on.theta)
                    near &= self.known.explains(on.places, on.value, T, on.M)
                    met, over = on.places[near], over | near
            if over.any():
                done = on.places[over]
                self.values[done] = on.value[over]
                self.converged[done] = arrived[over]
                self.curvature[done] = on.curvature[over]
                self.theta[done] = on.leave(over)
                if self.known is not None and len(met):
                    self.values[met], self.theta[met] = self.known.value[met], self.known.theta[met]
                    self.converged[met] = True
                if over.all():
                    break
            trial = on.propose()
            T = on.chart.matrices(trial)
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                try:
                    tried: Evaluation | None = known(on.criterion.evaluate(T))
                except np.linalg.LinAlgError:
                    tried = one_by_one(on.criterion, T)
            self.evaluations[on.places] += 1
            accepted = on.judge(trial, tried)
            self.escapes[on.places] += accepted & on.escaping
            if tried is not None and traced:
                here = trial if on.chart.order is None else self.layout.theta(T)
                point = TracePoint(theta=here, criterion=tried.criterion, accepted=accepted)
                self.trace.append(point)
            if tried is not None and accepted[0]:
                evaluation = tried
        self.last = evaluation if traced else None

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
