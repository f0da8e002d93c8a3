"""The steps of a trust-region Newton method for many responses, each until its own end.

A step minimises gᵀs + ½ sᵀ|H|s over ‖s‖ ≤ Δ, with |H| the Hessian with the signs of its negative
eigenvalues turned (Dauphin et al. 2014, NIPS 27: "saddle-free" Newton). Where H is positive
definite that is Newton's own step; where it is not, the step still goes downhill, and does not run
off along a valley that is flat but for rounding. H has a row for each element of theta and no more,
so its eigenvalues are taken; the multiplier of the constraint is found on them by Newton's method
on 1/‖s‖ (Moré & Sorensen 1983, SIAM Journal on Scientific and Statistical Computing 4(3)).

A step is straight in theta, or, in the variances of terms of one effect, straight in these. Where
the data determine no more than a weighted sum of two variances, as of an intercept and a slope
whose covariate lies far from zero, the criterion has a valley along an ellipse in theta, which is a
line in the variances; where a variance is small it is the other way round, as the criterion is even
in theta. Which of both suits a point is learnt from the steps: each refused step changes it.

The same holds for terms of several effects, whose steps are straight in theta or in the inverse of
T. Where the noise is small beside the effects, r² is nearly a square of T⁻¹ and log|A| a sum of
logarithms of its pivots: valleys that bend in theta, so that steps of a hundredth of its size are
too long, are straight there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.reference.optimize.boundary import escape, with_variance
from pylme.reference.optimize.boundary_step import onto_the_boundary
from pylme.reference.problem.layout import Chart

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.criterion.criterion import Searched
    from pylme.reference.criterion.likelihood import Evaluation
    from pylme.reference.problem.layout import Layout

__all__ = ["BEND", "ENOUGH", "ROUNDING", "Descent", "step"]

#: The search ends where the next step is expected to lower the criterion by less than this, or than
#: the rounding errors of the criterion itself.
ENOUGH: Final = 1e-10
ROUNDING: Final = 4e-15
#: The first steps may be this long, in units of the chart's scales.
FIRST_RADIUS: Final = 1.0
#: Variance is added instead of a step where it promises a fall larger by this factor.
MUCH_MORE: Final = 10.0
#: Each refusal quarters the share of variance that is added. Below this share, adding variance is
#: not tried again at the same point.
LEAST_SHARE: Final = 1e-6
#: After a step that was too long, the length of the next one, relative to it, lies between these.
LEAST_PART: Final = 0.03
MOST_PART: Final = 0.3
#: If the actual fall differs from the predicted one by less than the first number, relative to it,
#: the next step may be longer by the second.
GROWTHS: Final = ((0.05, 10.0), (0.15, 4.0))
#: The same factor after any other good step.
GROWTH: Final = 2.0
#: A step that is straight in the variances leaves at least this part of each variance.
LEAST_LEFT: Final = 0.01
#: To achieve this, a step is shortened to this part of its length at most.
LEAST_PART_BORNE: Final = 0.1
#: 1 - 1/g of the factor g by which a step that is straight in the inverses may make a pivot larger.
MOST_GROWN: Final = 0.75
#: Curvature below this part of the largest counts as zero: the direction is flat up to rounding.
FLAT: Final = 1e-9
#: Where curvature is below this part of the slope over the radius, the radius alone limits a step.
STRAIGHT: Final = 1e-12
#: A lower bound of the curvature, which avoids division by zero.
NONE: Final = 1e-100
#: How sharply a valley may bend where theta is of the order of 1.
BEND: Final = 4.0
#: A step that takes at least this part of a last pivot away may be on its way to the boundary.
TAKES: Final = 0.5
_ROUNDS: Final = 6


class Descent:
    """The responses whose searches continue, and the current point of each.

    Attributes
    ----------
    criterion : Searched
        Of these responses.
    places : ndarray of int, shape (R,)
        Which of all responses they are.
    chart : Chart
    theta : ndarray, shape (R, m)
        In the chart's coordinates.
    value : ndarray, shape (R,)
        The criterion there.
    steps : ndarray, shape (R, m)
        The next steps, in units of the chart's scales.
    predicted : ndarray, shape (R,)
        By how much they are expected to lower the criterion.
    curvature : ndarray, shape (R,)
        See `pylme.reference.optimize.descent.step`.
    enough : float
        The search ends where the next step is expected to gain less.
    """

    def __init__(
        self,
        layout: Layout,
        criterion: Searched,
        places: NDArray[np.intp],
        theta: NDArray[np.float64],
        evaluation: Evaluation,
        *,
        enough: float,
    ) -> None:
        self.layout = layout
        self.enough = enough
        self.criterion = criterion
        self.places = places
        self.chart = Chart(layout=layout)
        self.theta = theta
        self.value = evaluation.criterion
        self.M = evaluation.M
        self.form = evaluation.form
        self.radius = np.full(len(places), FIRST_RADIUS)
        #: The share of the promised variance that is added next.
        self.share = np.ones(len(places))
        #: Whose steps are straight in the variances and inverses.
        self.straight = np.zeros(len(places), dtype=np.bool_)
        self.lone = layout.lone
        self.wide = ~layout.lone
        #: Which pivots the next step makes zero, if any.
        self.pinned: NDArray[np.bool_] | None = None
        #: Where steps are straight in the inverses: see `_inverses`.
        self.inverses: list[NDArray[np.float64]] = []
        self._look_around()
        self._choose()

    def _look_around(self) -> None:
        """Choose the coordinates, and take the derivatives in them."""
        self.chart, self.theta = self.chart.improved(self.theta) or (self.chart, self.theta)
        self.g, self.H, self.scale = self.chart.derivatives(self.theta, self.M, self.form)

    def _choose(self) -> None:
        self.steps, self.predicted, self.curvature = step(self.g, self.H, self.radius)
        if self.straight.any():
            self._go_straight()
        self.pinned = self._onto_the_boundary()

    def _go_straight(self) -> None:
        """Take steps that are straight in the variances or inverses where these are asked for."""
        steps, predicted, _ = step(self.g, self._bent(), self.radius)
        part = self._inside(steps)
        fall = -(self.g * steps).sum(axis=1)
        predicted = part * (fall - part * (fall - predicted))
        # A search has converged only if no step in theta itself promises a fall either.
        self.straight &= predicted > self.enough + ROUNDING * np.abs(self.value)
        self.steps = np.where(self.straight[:, None], part[:, None] * steps, self.steps)
        self.predicted = np.where(self.straight, predicted, self.predicted)

    def _onto_the_boundary(self) -> NDArray[np.bool_] | None:
        """Let steps end where last pivots are zero, if the model's minimum lies there.

        They promise more than Newton's own then.
        """
        last = self.layout.last
        x = self.theta[:, last] / self.scale[:, last]
        taken = -self.steps[:, last] * x > TAKES * x * x
        if not taken.any():
            return None
        pinned = np.zeros(self.theta.shape, dtype=np.bool_)
        pinned[:, last] = taken
        x = np.where(pinned, self.theta / self.scale, 0.0)
        steps, fall = onto_the_boundary(self.g, self.H, x)
        good = ((steps * steps).sum(axis=1) <= self.radius**2) & (fall > self.predicted)
        if not good.any():
            return None
        self.steps = np.where(good[:, None], steps, self.steps)
        self.predicted = np.where(good, fall, self.predicted)
        return np.asarray(pinned & good[:, None], dtype=np.bool_)

    def _inside(self, steps: NDArray[np.float64]) -> NDArray[np.float64]:
        """What part of steps that are straight in the variances leaves these positive, shape (R,).

        Otherwise some parameters would stop at the boundary and the others would leave the valley,
        which needs both. A variance that allows only a small part of the step does not shorten it.
        """
        lost = -2.0 * (self.theta * self.scale * steps)[:, self.lone]
        v = (self.theta * self.theta)[:, self.lone]
        part = np.ones(v.shape)
        np.divide((1.0 - LEAST_LEFT) * v, lost, out=part, where=lost > v)
        lone = np.where(part < LEAST_PART_BORNE, 1.0, part).min(axis=1, initial=1.0)
        return np.asarray(np.minimum(lone, self._bounded(steps)) if self.inverses else lone)

    def _bounded(self, steps: NDArray[np.float64]) -> NDArray[np.float64]:
        """What part of steps that are straight in the inverses no more than doubles T, (R,)."""
        most = np.zeros(len(steps))
        changes = self.layout.matrices(np.where(self.wide, self.scale * steps, 0.0))
        for change, inverse in zip(changes, self.inverses, strict=True):
            grown = (inverse @ change).diagonal(axis1=1, axis2=2)
            most = np.maximum(most, grown.max(axis=1, initial=0.0))
        return np.asarray(MOST_GROWN / np.maximum(most, MOST_GROWN))

    def _inverses(self) -> list[NDArray[np.float64]]:
        """The inverses of T of each factor, shapes (R, K, K), its pivots made 1 at least.

        A smaller pivot is negligible beside the noise; its inverse would bend the path needlessly.
        """
        made: list[NDArray[np.float64]] = []
        for T in self.layout.matrices(self.theta):
            own = np.arange(T.shape[1])
            pivots = T[:, own, own]
            T[:, own, own] = np.copysign(np.maximum(np.abs(pivots), 1.0), pivots)
            made.append(np.asarray(np.linalg.inv(T), dtype=np.float64))
        return made

    def _bent(self) -> NDArray[np.float64]:
        """The Hessian along paths straight in the variances or inverses, shape (R, m, m).

        The Hessian by theta less what the slope by the variance adds to it, as v = θ² bends; and
        with what the slope by T adds, as (T⁻¹ - T⁻¹DT⁻¹)⁻¹ = T + D + DT⁻¹D + … does.
        """
        H = self.H.copy()
        at = np.flatnonzero(self.lone)
        self.inverses = self._inverses() if self.wide.any() else []
        slopes = self.layout.theta(list(self.M))[:, at]
        H[:, at, at] -= 2.0 * slopes * self.scale[:, at] ** 2
        if not self.inverses:
            return H
        layout = self.layout
        slope_by_T = layout.matrices(np.where(self.wide, self.g / self.scale, 0.0))
        for f, (G, P) in enumerate(zip(slope_by_T, self.inverses, strict=True)):
            own = np.flatnonzero((layout.factor_of == f) & self.wide)
            row, column = layout.row[own], layout.column[own]
            # Tr GᵀDPD of the changes of single elements.
            bend = G[:, row[:, None], column] * P[:, column[:, None], row]
            bend *= self.scale[:, own, None] * self.scale[:, None, own]
            H[:, own[:, None], own] += bend + bend.swapaxes(1, 2)
        return H

    def _trial(self) -> NDArray[np.float64]:
        """Where the steps lead, shape (R, m)."""
        trial = self.theta + self.scale * self.steps
        if not self.straight.any():
            return trial
        v = self.theta * self.theta
        moved = np.maximum(v + 2.0 * self.theta * self.scale * self.steps, LEAST_LEFT * v)
        along = self.straight[:, None] & self.lone
        trial = np.where(along, np.copysign(np.sqrt(moved), self.theta), trial)
        if not self.inverses:
            return trial
        changes = self.layout.matrices(np.where(self.wide, self.scale * self.steps, 0.0))
        bent = []
        for D, P in zip(changes, self.inverses, strict=True):
            bent.append(D @ np.linalg.inv(np.eye(D.shape[1]) - P @ D) - D)
        along = self.straight[:, None] & self.wide
        return np.where(along, trial + self.layout.theta(bent), trial)

    def leave(self, over: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Remove these responses; returns their theta in the order of the effects."""
        theta = self.theta
        if over.all():
            return self.chart.own_theta(theta)
        on = ~over
        self.M = tuple([m[on] for m in self.M])
        self.inverses = [inverse[on] for inverse in self.inverses]
        self.pinned = None if self.pinned is None else self.pinned[on]
        for name in (
            "places", "theta", "value", "form", "radius", "share", "straight", "g", "H", "scale",
            "steps", "predicted", "curvature",
        ):  # fmt: skip
            setattr(self, name, getattr(self, name)[on])
        left = self.chart.own_theta(theta)[over]
        self.chart, self.criterion = self.chart.subset(on), self.criterion.subset(on)
        return left

    def propose(self) -> NDArray[np.float64]:
        """The next points, shape (R, m), in the chart's coordinates.

        Where a variance is zero, the slope is zero and Newton's steps are short, although the
        criterion may fall far if variance is added: this is done there instead.
        """
        trial = self._trial()
        if self.pinned is not None:
            there = np.where(self.pinned, 0.0, self.theta + self.scale * self.steps)
            trial = np.where(self.pinned.any(axis=1, keepdims=True), there, trial)
        self.escaping = np.zeros(len(trial), dtype=np.bool_)
        if not (self.curvature < 0).any():
            return trial
        found = escape(self.layout, self.M, self.form)
        gain = found.gain * self.share
        self.escaping = (gain > MUCH_MORE * self.predicted) & (self.share > LEAST_SHARE)
        if not self.escaping.any():
            return trial
        T = with_variance(self.layout, self.chart.matrices(self.theta), found, self.share)
        self.predicted = np.where(self.escaping, gain, self.predicted)
        return np.where(self.escaping[:, None], self.chart.theta(T), trial)

    def _shrinkage(self, rise: NDArray[np.float64]) -> NDArray[np.float64]:
        """What part of a step that was too long to take next, from how far the criterion rose.

        The parabola with the slope at the start and the value at the end of the step has its
        minimum there.
        """
        slope = (self.g * self.steps).sum(axis=1)
        bend = rise - slope
        part = np.full(len(slope), LEAST_PART)
        np.divide(-slope, 2.0 * bend, out=part, where=np.isfinite(bend) & (bend > 0))
        return np.asarray(np.clip(part, LEAST_PART, MOST_PART))

    def judge(self, trial: NDArray[np.float64], tried: Evaluation | None) -> NDArray[np.bool_]:
        """Accept the trial where the criterion fell as expected; returns which responses moved."""
        length = np.sqrt((self.steps * self.steps).sum(axis=1))
        found = np.full(len(trial), np.inf) if tried is None else tried.criterion
        # Differences below the rounding errors of the criterion carry no information.
        noise = ROUNDING * np.abs(self.value)
        quality = (self.value - found + noise) / (self.predicted + noise)
        accepted = np.asarray(quality > 0.05)
        radius = self.radius
        if (good := quality > 0.75).any():
            radius = np.where(good, np.maximum(radius, _growth(quality) * length), radius)
        if not (fair := quality > 0.25).all():
            radius = np.where(fair, radius, self._shrinkage(found - self.value) * length)
        self.radius = np.where(self.escaping, self.radius, radius)
        self.share = np.where(self.escaping & ~accepted, 0.25 * self.share, 1.0)
        self.straight ^= ~accepted & ~self.escaping
        if tried is not None and accepted.all():
            self.theta, self.value = trial, tried.criterion
            self.M, self.form = tried.M, tried.form
            self._look_around()
        elif tried is not None and accepted.any():
            self.theta = np.where(accepted[:, None], trial, self.theta)
            self.value = np.where(accepted, tried.criterion, self.value)
            where = accepted[:, None, None]
            self.M = tuple(np.where(where, b, a) for a, b in zip(self.M, tried.M, strict=True))
            self.form = np.where(where, tried.form, self.form)
            self._look_around()
        self._choose()
        return accepted


def _growth(quality: NDArray[np.float64]) -> NDArray[np.float64]:
    """By what factor steps may grow: more where the model predicted the fall accurately."""
    away = np.abs(quality - 1.0)
    (exact, most), (good, more) = GROWTHS
    return np.where(away < exact, most, np.where(away < good, more, GROWTH))


def step(
    gradient: NDArray[np.float64], hessian: NDArray[np.float64], radius: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The steps, and by how much each is expected to lower the criterion.

    Parameters
    ----------
    gradient : ndarray, shape (R, m)
    hessian : ndarray, shape (R, m, m)
    radius : ndarray, shape (R,)

    Returns
    -------
    steps : ndarray, shape (R, m)
    predicted : ndarray, shape (R,)
        Zero or more.
    curvature : ndarray, shape (R,)
        The least eigenvalue of the Hessian over the greatest in absolute value, less what the
        slope leaves in doubt: a flat valley that is bent has, beside its floor, a curvature of
        either sign that is proportional to the slope.
    """
    values, axes = np.linalg.eigh(hessian)
    slope = (gradient[:, None] @ axes)[:, 0]
    curvature = np.abs(values)
    greatest = curvature.max(axis=1, keepdims=True) + NONE
    # A flat direction counts as gently curved: the noise in its slope leads nowhere. Where nothing
    # bends at all, as in the variances beside theta = 0, the slope and the radius make the step.
    steepness = np.sqrt((slope * slope).sum(axis=1))
    floor = np.maximum(FLAT * greatest, (STRAIGHT * steepness / radius)[:, None])
    curvature = np.maximum(curvature, floor)
    along = -slope / curvature
    length = np.sqrt((along * along).sum(axis=1))
    long = length > radius
    if long.any():
        along[long] = _on_the_sphere(slope[long], curvature[long], radius[long])
    doubt = BEND * steepness
    predicted = -(slope * along + 0.5 * curvature * along * along).sum(axis=1)
    return (axes @ along[..., None])[..., 0], predicted, (values[:, 0] - doubt) / greatest[:, 0]


def _on_the_sphere(
    slope: NDArray[np.float64], curvature: NDArray[np.float64], radius: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The step of length Δ, on the axes of the Hessian: -slope / (curvature + multiplier)."""
    multiplier = np.zeros((len(slope), 1))
    for _ in range(_ROUNDS):
        along = -slope / (curvature + multiplier)
        squared = (along * along).sum(axis=1, keepdims=True)
        change = (along * along / (curvature + multiplier)).sum(axis=1, keepdims=True)
        # 1/‖s‖ is nearly linear in the multiplier: the iterates rise to the root, not past it.
        multiplier += squared / change * (np.sqrt(squared) / radius[:, None] - 1.0)
    along = -slope / (curvature + multiplier)
    scale = radius / np.sqrt((along * along).sum(axis=1))
    on_it: NDArray[np.float64] = along * scale[:, None]
    return on_it
