"""The profile of a parameter as a curve: ζ(c) = sign(c - ĉ) √(D(c) - D̂).

Each point starts where the tangent of the path of minima, dη/dc = a, leads from the one before, and
one or two Newton steps settle it. With dζ/dc = D_c/2ζ at each point the curve between the points is
a cubic Hermite polynomial (Bates, Mächler, Bolker & Walker 2015, section 5.1, interpolate splines).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic

import numpy as np
from numpy.typing import NDArray

from pylme.inference.profile_likelihood.ends import conditional, first_step
from pylme.inference.profile_likelihood.minima import P
from pylme.inference.profile_likelihood.parameters import ProfiledParameter
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from pylme.inference.profile_likelihood.likelihood import ProfiledLikelihood
    from pylme.inference.profile_likelihood.minima import Minima, Optimum

__all__ = ["Curve", "curve_of"]

#: Points on each side of the estimate.
_POINTS: Final = 8
#: How far above the minimum a point may be: ζ is then right to 1e-8.
_WITHIN: Final = 1e-8
#: A side that flattens out has so many points at most.
_MOST_POINTS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """The profile of one parameter.

    Attributes
    ----------
    parameter : ProfiledParameter
    zeta : ndarray, shape (k,)
        In ascending order of the parameter; 0 at the estimate.
    value : ndarray, shape (k,)
        The parameter.
    slope : ndarray, shape (k,)
        dζ by the parameter; NaN where the parameter has its bound.
    others : ndarray, shape (k, P)
        All parameters of the model at the minimum, in their order.
    """

    parameter: ProfiledParameter
    zeta: NDArray[np.float64]
    value: NDArray[np.float64]
    slope: NDArray[np.float64]
    others: NDArray[np.float64]

    def at(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """The signed root ζ at some values.

        Parameters
        ----------
        value : ndarray
            Values of the parameter; NaN is returned beyond the curve.
        """
        return _hermite(value, self.value, self.zeta, self.slope)

    def quantile(self, zeta: float) -> float:
        """The value at which the profile reaches a ζ.

        Parameters
        ----------
        zeta : float
            Beyond the curve its end is returned.
        """
        inverse = np.divide(1.0, self.slope, out=np.full_like(self.slope, np.nan),
                            where=self.slope > 0)  # fmt: skip
        rising = np.maximum.accumulate(self.zeta)
        if not rising[0] < zeta < rising[-1]:
            return float(self.value[0] if zeta <= rising[0] else self.value[-1])
        # Where the deviance has reached a plateau several points have the same ζ.
        kept = np.diff(rising, prepend=-np.inf) > 0
        at = np.array([zeta])
        return float(_hermite(at, rising[kept], self.value[kept], inverse[kept])[0])


def curve_of(
    likelihood: ProfiledLikelihood[Any, P], parameter: ProfiledParameter, reach: float
) -> Curve:
    """The curve of a parameter, out to some absolute value of ζ or to its bound.

    Parameters
    ----------
    likelihood : ProfiledLikelihood
    parameter : ProfiledParameter
    reach : float
    """
    with one_thread():
        path, optimum = likelihood.path(parameter)
        points = [_Place(x=optimum.x, point=optimum.point, zeta=0.0)]
        bounds = likelihood.bounds(parameter)
        for side in (-1, 1):
            found = list(_walk(path, optimum, side=side, bound=bounds[side > 0], reach=reach))
            points = [*reversed(found), *points] if side < 0 else [*points, *found]
        slopes = [_slope(path, optimum, place) for place in points]
        coordinates = [place.x[path.fixed] for place in points]
        # dζ by the parameter is dζ/dc over the parameter's own derivative by c.
        per_unit = np.array([likelihood.derivative(parameter, path, c) for c in coordinates])
        likelihood.evaluations += path.evaluations
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.where(per_unit > 0, np.array(slopes) / per_unit, np.nan)
        return Curve(
            parameter=parameter,
            zeta=np.array([place.zeta for place in points]),
            value=np.array([likelihood.value(parameter, path, c) for c in coordinates]),
            slope=slope,
            others=np.array(
                [likelihood.parameters_at(parameter, path, p.x, p.point) for p in points]
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Place(Generic[P]):
    """A point of a curve."""

    x: NDArray[np.float64]
    point: P
    zeta: float


def _walk(
    path: Minima[P], optimum: Optimum[P], *, side: int, bound: float, reach: float
) -> list[_Place[P]]:
    """The points on one side of the estimate, from there outwards."""
    x, point, zeta = optimum.x, optimum.point, 0.0
    step = first_step(path, optimum, reach / _POINTS)
    made: list[_Place[P]] = []
    while zeta < reach and len(made) < _MOST_POINTS and side * (bound - x[path.fixed]) > 0:
        c = x[path.fixed] + side * step
        if side * (bound - c) <= 0:
            c = bound
        start = x.copy()
        known = conditional(path, x, point)
        if known is not None:
            a, b = known
            start += b + a * (c - x[path.fixed])
        start[path.fixed] = c
        last = zeta
        found, there = path.settle(start, within=_WITHIN)
        if not np.isfinite(there.value):
            # Beyond the tangent's reach the last minimum is the better start.
            start = x.copy()
            start[path.fixed] = c
            found, there = path.settle(start, within=_WITHIN)
        x, point = found, there
        zeta = float(np.sqrt(max(point.value - optimum.point.value, 0.0)))
        made.append(_Place(x=x, point=point, zeta=side * zeta))
        gained = zeta - last
        # As much of ζ with each step, but no step more than twice the one before.
        wanted = reach / _POINTS
        step *= float(np.clip(wanted / gained, 0.25, 2.0)) if gained > 0 else 2.0
    return made


def _slope(path: Minima[P], optimum: Optimum[P], place: _Place[P]) -> float:
    """dζ/dc at a point."""
    if place.zeta:
        return float(place.point.gradient[path.fixed]) / (2.0 * place.zeta)
    known = conditional(path, place.x, place.point)
    column = optimum.point.hessian[path.fixed]
    bend = float(column[path.fixed] + column @ known[0]) if known is not None else 0.0
    return float(np.sqrt(max(bend, 0.0) / 2.0))


def _hermite(
    x: NDArray[np.float64],
    xs: NDArray[np.float64],
    ys: NDArray[np.float64],
    slopes: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Cubic Hermite interpolation; straight next to a point without a slope; NaN outside."""
    at = np.clip(np.searchsorted(xs, x, side="right") - 1, 0, max(len(xs) - 2, 0))
    if len(xs) < 2:
        return np.where(x == xs[0], ys[0], np.nan)
    width, rise = xs[at + 1] - xs[at], ys[at + 1] - ys[at]
    with np.errstate(divide="ignore", invalid="ignore"):
        secant = rise / width
        left = np.where(np.isfinite(slopes[at]), slopes[at], secant)
        right = np.where(np.isfinite(slopes[at + 1]), slopes[at + 1], secant)
        t = (x - xs[at]) / width
        bent = width * (1.0 - t) * t * ((1.0 - t) * (left - secant) - t * (right - secant))
        found = ys[at] + t * rise + bent
    return np.where((x >= xs[0]) & (x <= xs[-1]), found, np.nan)
