"""The criterion of a generalized model with one coordinate fixed, minimised over all others.

The minimum is found by the descent of the fit, BFGS with exact gradients. It starts with the
curvature that the points before it have shown, from the Hessian at the optimum on: a step along
the path then takes a few evaluations. A stationary point is a minimum only if the criterion does
not fall with variance that is added, in the directions that leave the fixed coordinate alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pylme.covariance.roots import lower_root
from pylme.inference.profile_likelihood.generalized_coordinates import GeneralizedCoordinates
from pylme.reference.generalized.criterion import Point
from pylme.reference.generalized.optimum.boundary import escape_from, snapped, with_variance
from pylme.reference.generalized.optimum.descent import ENOUGH, Evaluations, descend, updated

__all__ = ["GeneralizedPath", "GeneralizedPoint"]

_MOST_ESCAPES: Final = 8
#: What added variance must promise.
_WORTH: Final = 1e-7
#: Two values that differ by less are the same, but for the ends of their searches.
_SAME: Final = 1e-8
#: Of differences of gradients, whose modes are found to 1e-6 of the criterion.
_STEP: Final = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GeneralizedPoint:
    """The criterion at one set of coordinates.

    Attributes
    ----------
    value : float
    gradient : ndarray, shape (d,)
    hessian : ndarray, shape (d, d)
        What the points of the path have shown of it so far.
    inner : Point
        The same by the parameters of the criterion.
    """

    value: float
    gradient: NDArray[np.float64]
    hessian: NDArray[np.float64]
    inner: Point


@dataclass(slots=True, kw_only=True, eq=False)
class GeneralizedPath:
    """The minima of the criterion along one coordinate.

    Attributes
    ----------
    coordinates : GeneralizedCoordinates
    metric : ndarray, shape (d, d)
        The Hessian at the optimum: how far points are from each other.
    evaluations : int
    """

    coordinates: GeneralizedCoordinates
    metric: NDArray[np.float64]
    evaluations: int = 0
    _known: list[GeneralizedPoint] = field(default_factory=list)

    @property
    def fixed(self) -> int:
        """The place of the coordinate that is fixed."""
        return self.coordinates.fixed

    @property
    def negligible(self) -> float:
        """What a Newton step may promise where it is taken without evaluating its end.

        The curvature is known to a few parts in a hundred, and so is the promise.
        """
        return 1e-7

    @property
    def m(self) -> int:
        """The number of coordinates of covariances."""
        return self.coordinates.criterion.m

    def at(
        self, x: NDArray[np.float64], *, start: list[NDArray[np.float64]] | None = None
    ) -> Point:
        """The criterion and its gradient by the coordinates, as a descent asks for them."""
        self.evaluations += 1
        point = self.coordinates.criterion.at(self.coordinates.inner(x), start=start)
        gradient = None
        if point.gradient is not None:
            gradient = self.coordinates.gradient(x, point.gradient)
        return replace(point, x=x, gradient=gradient)

    def differences(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The Hessian by differences of the gradient; NaN where there is no gradient."""
        H = np.full((len(x), len(x)), np.nan)
        for i in range(len(x)):
            step = np.zeros(len(x))
            step[i] = _STEP
            above, below = self.at(x + step).gradient, self.at(x - step).gradient
            if above is not None and below is not None:
                H[i] = (above - below) / (2.0 * _STEP)
        return np.asarray(0.5 * (H + H.T))

    def evaluate(self, x: NDArray[np.float64]) -> GeneralizedPoint:
        """The criterion at some coordinates, and what that shows of its curvature."""
        near = min(self._known, key=lambda one: self._distance(one.inner.x, x), default=None)
        mode = None if near is None else near.inner.mode
        return self._noted(self.at(x, start=None if mode is None else mode.u), near)

    def _distance(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
        return float((x - y) @ self.metric @ (x - y))

    def _noted(self, point: Point, near: GeneralizedPoint | None) -> GeneralizedPoint:
        """The point, with the curvature of the one before it and what the step has shown."""
        B = self.metric if near is None else near.hessian
        if point.gradient is None:
            nothing = np.zeros(len(point.x))
            return GeneralizedPoint(value=np.inf, gradient=nothing, hessian=B, inner=point)
        if near is not None:
            B = updated(B, point.x - near.inner.x, point.gradient - near.gradient)
        made = GeneralizedPoint(value=point.value, gradient=point.gradient, hessian=B, inner=point)
        self._known.append(made)
        return made

    def free(self, x: NDArray[np.float64], point: GeneralizedPoint) -> NDArray[np.bool_]:
        """The coordinates that may change without a change of rank."""
        del point
        return self.coordinates.free(x)

    def scale(self, x: NDArray[np.float64]) -> float:
        """How far the fixed coordinate may go before the shape of the criterion changes."""
        return 1.0 if self.fixed >= self.m else max(abs(float(x[self.fixed])), 1.0)

    def settle(
        self, x: NDArray[np.float64], *, within: float = ENOUGH
    ) -> tuple[NDArray[np.float64], GeneralizedPoint]:
        """The coordinates at which the criterion is least, from a start."""
        del within
        point = self.evaluate(self._canonical(x))
        for _ in range(_MOST_ESCAPES):
            if not np.isfinite(point.value):
                break
            point = self._onto_boundary(self._descended(point))
            left = self.leave(point.inner.x, point, _WORTH)
            if left is None:
                break
            point = left[1]
        return point.inner.x, point

    def _canonical(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """A standard deviation that is fixed at zero has no other entries in its column."""
        criterion = self.coordinates.criterion
        if self.fixed >= criterion.m or self.coordinates.circle is not None or x[self.fixed]:
            return x
        T = criterion.factors(x[: criterion.m])
        for factor, T_f in zip(criterion.layout.factors, T, strict=True):
            for place in factor.places:
                T_f[place, place] = lower_root(T_f[place, place])
        return np.concatenate([criterion.theta(T), x[criterion.m :]])

    def _descended(self, point: GeneralizedPoint) -> GeneralizedPoint:
        free = np.flatnonzero(self.free(point.inner.x, point))
        end = descend(self, point.inner, point.hessian, free=free, seen=Evaluations())
        return point if end.point is point.inner else self._noted(end.point, point)

    def _onto_boundary(self, point: GeneralizedPoint) -> GeneralizedPoint:
        """The point with variances that are nearly zero set to zero, unless that is worse."""
        coordinates = self.coordinates
        inner = coordinates.inner(point.inner.x)
        zero = snapped(coordinates.criterion, inner, coordinates.places)
        if not ((zero == 0.0) & (inner != 0.0)).any():
            return point
        tried = self.at(coordinates.of_inner(zero))
        if tried.gradient is None or tried.value > point.value + _SAME:
            return point
        return self._descended(self._noted(tried, point))

    def leave(
        self, x: NDArray[np.float64], point: GeneralizedPoint, worth: float = _WORTH
    ) -> tuple[NDArray[np.float64], GeneralizedPoint] | None:
        """A lower point with variance added in one direction; None where there is none."""
        coordinates = self.coordinates
        inner = coordinates.inner(x)
        found = escape_from(
            coordinates.criterion, replace(point.inner, x=inner), coordinates.places
        )
        if not found.gain > worth:
            return None
        share = 1.0
        while share > 1e-5:
            grown = with_variance(coordinates.criterion, inner, found, share)
            trial = coordinates.of_inner(grown)
            tried = self.at(trial)
            if tried.gradient is not None and tried.value < point.value - _SAME:
                return trial, self._noted(tried, point)
            share *= 0.25
        return None
