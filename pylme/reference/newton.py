"""The optimiser: trust-region Newton in theta for many responses, and the way off a false optimum.

The criterion is even in the sign of each column of T, so theta needs no bounds: it is minimised
freely, and signs are put right at the end. Where the search stops at a point that is stationary in
theta but not a minimum (`pylme.reference.boundary`), variance is added in the direction in which
the criterion falls, and the search goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from pylme.reference.boundary import escape, with_variance
from pylme.reference.evaluation import Evaluation, gradient, hessian
from pylme.reference.trust_region import step

if TYPE_CHECKING:
    from typing import Self

    from pylme.reference.terms import Layout

__all__ = ["Criterion", "Optimum", "TracePoint", "minimise"]

#: The search ends where the next step is expected to lower the criterion by less than this, or than
#: the rounding errors of the criterion itself.
ENOUGH: Final = 1e-10
ROUNDING: Final = 4e-15
#: An escape must promise more than that.
WORTH_LEAVING: Final = 1e-8
#: The first steps may be this long, or a third of theta itself.
LEAST_RADIUS: Final = 0.1
MAX_EVALUATIONS: Final = 200
MAX_ESCAPES: Final = 20


class Criterion(Protocol):
    """The criterion of R responses as a function of their relative covariance factors."""

    def evaluate(self, T: list[NDArray[np.float64]]) -> Evaluation:
        """The criterion and its derivatives."""
        ...

    def subset(self, responses: NDArray[np.bool_ | np.intp]) -> Self:
        """The same for some of the responses, marked or by their positions."""
        ...

    def moments(
        self,
    ) -> tuple[list[NDArray[np.float64]], list[float], NDArray[np.float64]]:
        """What a search begins with: see `pylme.reference.starting`; and yᵀy."""
        ...

    def exactly(self) -> Self:
        """The same with exact second derivatives, where those of a search are not."""
        ...

    def effects(self, T: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
        """The h = ZᵀV⁻¹(y - Xβ̂) of a single response, by factor: shapes (J_f, K_f)."""
        ...

    def spread(self, T: list[NDArray[np.float64]], f: int) -> NDArray[np.float64]:
        """The blocks of ΛA⁻¹Λᵀ of the levels of factor f, shape (J_f, K_f, K_f)."""
        ...


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
        Whether the next step was expected to lower the criterion by less than `ENOUGH`, and no
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


def minimise(criterion: Criterion, layout: Layout, start: NDArray[np.float64]) -> Optimum:
    """Minimise the criterion of each response.

    Parameters
    ----------
    criterion : Criterion
    layout : Layout
    start : ndarray, shape (R, m)
    """
    search = _Search(criterion, layout, start)
    search.run(np.ones(len(start), dtype=bool))
    for _ in range(MAX_ESCAPES):
        left = search.leave_false_optima()
        if not left.any():
            break
        search.run(left)
    return search.optimum()


class _Search:
    """The state of all responses' searches."""

    def __init__(self, criterion: Criterion, layout: Layout, start: NDArray[np.float64]) -> None:
        R = len(start)
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

    def _evaluate(self, criterion: Criterion, theta: NDArray[np.float64]) -> Evaluation:
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            return criterion.evaluate(self.layout.matrices(theta))

    def run(self, active: NDArray[np.bool_]) -> None:
        """Trust-region Newton from the current theta of the active responses."""
        single = len(active) == 1
        places = np.flatnonzero(active)
        criterion = self.criterion if active.all() else self.criterion.subset(active)
        theta = self.theta[places]
        evaluation = self._evaluate(criterion, theta)
        self.evaluations[places] += 1
        value = evaluation.criterion
        self._record(theta, value, np.ones(len(places), dtype=bool))
        g, H = self._derivatives(theta, evaluation)
        radius = np.maximum(LEAST_RADIUS, 0.3 * np.sqrt((theta * theta).sum(axis=1)))
        while True:
            s, predicted, curvature = step(g, H, radius)
            small = predicted <= ENOUGH + ROUNDING * np.abs(value)
            over = small | (self.evaluations[places] >= MAX_EVALUATIONS)
            if over.any():
                done = places[over]
                self.theta[done], self.values[done] = theta[over], value[over]
                self.converged[done] = small[over]
                self.curvature[done] = curvature[over]
                if over.all():
                    self.last = evaluation if single else None
                    return
                on = ~over
                criterion = criterion.subset(on)
                places, theta, value, radius = places[on], theta[on], value[on], radius[on]
                g, H, s, predicted = g[on], H[on], s[on], predicted[on]
            trial = theta + s
            self.evaluations[places] += 1
            length = np.sqrt((s * s).sum(axis=1))
            try:
                tried = self._evaluate(criterion, trial)
            except np.linalg.LinAlgError:
                # So far out that rounding errors took definiteness away: too far.
                if len(places) > 1:
                    raise
                radius = 0.3 * length
                continue
            fall = value - tried.criterion
            # Differences below the rounding errors of the criterion say nothing.
            noise = ROUNDING * np.abs(value)
            quality = (fall + noise) / (predicted + noise)
            accepted = quality > 0.05
            self._record(trial, tried.criterion, accepted)
            radius = np.where(
                quality > 0.75,
                np.maximum(radius, 3.0 * length),
                np.where(quality > 0.25, radius, 0.3 * length),
            )
            if accepted.all():
                theta, value, evaluation = trial, tried.criterion, tried
                g, H = self._derivatives(theta, tried)
            elif accepted.any():
                theta[accepted], value[accepted] = trial[accepted], tried.criterion[accepted]
                new_g, new_H = self._derivatives(trial, tried)
                g[accepted], H[accepted] = new_g[accepted], new_H[accepted]

    def _derivatives(
        self, theta: NDArray[np.float64], evaluation: Evaluation
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        T = self.layout.matrices(theta)
        return gradient(self.layout, T, evaluation.M), hessian(
            self.layout, T, evaluation.M, evaluation.form
        )

    def _record(
        self, theta: NDArray[np.float64], value: NDArray[np.float64], accepted: NDArray[np.bool_]
    ) -> None:
        if len(self.values) == 1:
            self.trace.append(TracePoint(theta=theta, criterion=value, accepted=accepted))

    def leave_false_optima(self) -> NDArray[np.bool_]:
        """Add variance where the criterion falls with it; says which responses moved."""
        evaluation = self.last or self._evaluate(self.criterion, self.theta)
        found = escape(self.layout, evaluation)
        waiting = found.gain > WORTH_LEAVING + ROUNDING * np.abs(self.values)
        moved = np.zeros(len(waiting), dtype=np.bool_)
        T = self.layout.matrices(self.theta)
        shrink = 1.0
        while waiting.any() and shrink > 1e-9:
            theta = self.layout.theta(with_variance(self.layout, T, found, shrink))
            tried = self._evaluate(self.criterion, theta)
            self.evaluations[waiting] += 1
            fell = waiting & (tried.criterion < self.values)
            self.theta[fell] = theta[fell]
            self.escapes[fell] += 1
            moved |= fell
            waiting &= ~fell
            shrink *= 0.25
        self.last = None if moved.any() else evaluation
        return moved

    def optimum(self) -> Optimum:
        """The end of all searches."""
        evaluation = self.last or self._evaluate(self.criterion, self.theta)
        return Optimum(
            theta=self.theta,
            evaluation=evaluation,
            evaluations=self.evaluations,
            converged=self.converged,
            escapes=self.escapes,
            curvature=self.curvature,
            trace=tuple(self.trace),
        )
