"""The deviance of a model with covariance structures, with one coordinate fixed.

The minimum over the free coordinates is found by the trust-region Newton steps of the NumPy engine,
with the bounds as an active set: a coordinate stays at its bound while the deviance rises away from
it. At a standard deviation of zero a stationary point need not be a minimum, as the deviance may be
even in it, and a correlation may have no effect there: such points are left along the standard
deviation, at each of several values of a correlation that is not seen, and any point along a
direction of negative curvature.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.inference.profile_likelihood.deviance import Deviance
from pylme.inference.profile_likelihood.path import nowhere
from pylme.inference.profile_likelihood.settling import settle
from pylme.inference.profile_likelihood.structured_coordinates import StructuredCoordinates
from pylme.reference.optimize.descent import ENOUGH, ROUNDING
from pylme.reference.optimize.newton import WORTH_LEAVING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pylme.inference.profile_likelihood.coordinates import Point

__all__ = ["StructuredPath"]

#: A coordinate counts as at its bound within this part of its scale.
_AT_BOUND: Final = 1e-7
#: Where a correlation is not seen, so many of its values are tried.
_CORRELATIONS: Final = 9
#: Curvature below zero by this part of the largest is no rounding.
_CURVED: Final = -1e-7


@dataclass(slots=True, kw_only=True, eq=False)
class StructuredPath:
    """The minima of the deviance along one coordinate.

    Attributes
    ----------
    deviance : Deviance
    coordinates : StructuredCoordinates
    fixed : int
        The place of the coordinate that is fixed.
    evaluations : int
        How often the deviance has been evaluated.
    """

    deviance: Deviance
    coordinates: StructuredCoordinates
    fixed: int
    evaluations: int = field(default=0)

    @property
    def negligible(self) -> float:
        """What a Newton step may promise where it is taken without evaluating its end."""
        return 1e-5

    def evaluate(self, x: NDArray[np.float64]) -> Point:
        """The deviance at some coordinates; infinite where it cannot be computed, or outside."""
        self.evaluations += 1
        if not np.array_equal(x, self.within_bounds(x)):
            return nowhere(len(x))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            try:
                local = self.deviance.at(self.coordinates.conditioned(x), x[self.coordinates.m :])
            except np.linalg.LinAlgError:
                return nowhere(len(x))
            point = self.coordinates.point(x, local)
        if not (np.isfinite(point.value) and np.isfinite(point.hessian).all()):
            return nowhere(len(x))
        return point

    def within_bounds(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The nearest coordinates within the bounds."""
        return np.clip(x, *self.coordinates.bounds(len(x)))

    def free(self, x: NDArray[np.float64], point: Point) -> NDArray[np.bool_]:
        """The coordinates that may change: neither fixed nor held at a bound."""
        low, high = self.coordinates.bounds(len(x))
        near = _AT_BOUND * self.coordinates.scales(x)
        g = point.gradient
        free = ~((x <= low + near) & (g >= 0.0)) & ~((x >= high - near) & (g <= 0.0))
        free[self.fixed] = False
        return np.asarray(free)

    def scales(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far each coordinate may go before the shape of the deviance changes, shape (d,)."""
        return self.coordinates.scales(x)

    def scale(self, x: NDArray[np.float64]) -> float:
        """The same of the coordinate that is fixed."""
        return float(self.scales(x)[self.fixed])

    def settle(
        self, x: NDArray[np.float64], *, within: float = ENOUGH
    ) -> tuple[NDArray[np.float64], Point]:
        """The coordinates at which the deviance is least, from a start; one of them is fixed."""
        return settle(self, self.within_bounds(x), within=within)

    def leave(
        self, x: NDArray[np.float64], point: Point, worth: float = WORTH_LEAVING
    ) -> tuple[NDArray[np.float64], Point] | None:
        """A lower point away from a stationary one; None where there is none."""
        enough = worth + ROUNDING * abs(point.value)
        for start in self._alternatives(x):
            here = point if start is x else self.evaluate(start)
            if not np.isfinite(here.value):
                continue
            for direction in self._directions(start, here):
                g, h = here.gradient @ direction, direction @ here.hessian @ direction
                share = 1.0
                while -(g * share + 0.5 * h * share * share) > enough:
                    trial = self.within_bounds(start + share * direction)
                    tried = self.evaluate(trial)
                    if tried.value < point.value - enough:
                        return trial, tried
                    share *= 0.25
        return None

    def _directions(self, x: NDArray[np.float64], point: Point) -> Iterator[NDArray[np.float64]]:
        """Where the deviance may fall: along what is zero, and where it curves downwards."""
        scales = self.scales(x)
        low, _ = self.coordinates.bounds(len(x))
        zero = (low == 0.0) & (x <= _AT_BOUND * scales)
        zero[self.fixed] = False
        for at in np.flatnonzero(zero):
            if point.gradient[at] < 0.0 or point.hessian[at, at] < 0.0:
                direction = np.zeros(len(x))
                direction[at] = scales[at]
                yield direction
        free = self.free(x, point)
        if not free.any():
            return
        scaled = scales[free][:, None] * point.hessian[np.ix_(free, free)] * scales[free]
        values, vectors = np.linalg.eigh(scaled)
        if values[0] < _CURVED * max(float(np.abs(values).max()), 1.0):
            direction = np.zeros(len(x))
            direction[free] = scales[free] * vectors[:, 0]
            yield direction
            yield -direction

    def _alternatives(self, x: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
        """The point, and where a correlation is not seen, the same with others of its values."""
        yield x
        low, high = self.coordinates.bounds(len(x))
        for own, at in zip(self.coordinates.terms, self.coordinates.slices, strict=True):
            structure, place = own.term.structure, at.stop - 1
            if structure.kind in {"us", "diag"} or structure.size < 2 or place == self.fixed:
                continue
            sds = x[at][:-1]
            seen = np.count_nonzero(sds > _AT_BOUND * self.scales(x)[at][:-1])
            if seen >= (1 if structure.hom else 2):
                continue
            for value in np.linspace(low[place], high[place], _CORRELATIONS):
                other = x.copy()
                other[place] = value
                yield other
