"""The profile of a parameter as a curve: ζ(c) = sign(c - ĉ) √(D(c) - D̂).

The minima η(c) over the other coordinates lie on a smooth path with the tangent dη/dc = a. Each
point starts where the cubic through the last two of them leads, with their tangents, and one Newton
step b is taken from there without another evaluation:

    min D = D + ½bᵀD_η        D_c + aᵀD_η the slope there        η + b its place

up to the cube of b; where ½bᵀD_η says that b is too long, it is evaluated once more. With
dζ/dc = D_c/2ζ at each point the curve between the points is a cubic Hermite polynomial, by a few
points as exact as their number in powers of four (Bates, Mächler, Bolker & Walker 2015, section
5.1, interpolate splines).
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
#: The last point is to lie a little beyond the reach.
_BEYOND: Final = 1.04
#: So often a step is evaluated before the search for the minimum takes over.
_MOST_STEPS: Final = 3
#: What added variance must promise before a point counts as no minimum.
_WORTH_LEAVING: Final = 1e-7
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
        least = _Place(
            x=optimum.x, point=optimum.point, zeta=0.0, slope=_bend(path, optimum),
            tangent=_tangent(path, optimum.x, optimum.point),
        )  # fmt: skip
        bounds = likelihood.bounds(parameter)
        below = _walk(path, optimum, [least], side=-1, bound=bounds[0], reach=reach)
        # The last point on the other side shows how the path bends.
        start = [*below[:1], least]
        above = _walk(path, optimum, start, side=1, bound=bounds[1], reach=reach)
        points = [*reversed(below), least, *above]
        coordinates = [place.x[path.fixed] for place in points]
        # dζ by the parameter is dζ/dc over the parameter's own derivative by c.
        per_unit = np.array([likelihood.derivative(parameter, path, c) for c in coordinates])
        likelihood.evaluations += path.evaluations
        slopes = np.array([place.slope for place in points])
        return Curve(
            parameter=parameter,
            zeta=np.array([place.zeta for place in points]),
            value=np.array([likelihood.value(parameter, path, c) for c in coordinates]),
            slope=np.divide(slopes, per_unit, out=np.full_like(slopes, np.nan), where=per_unit > 0),
            others=np.array(
                [likelihood.parameters_at(parameter, path, p.x, p.point) for p in points]
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Place(Generic[P]):
    """A point of a curve.

    Attributes
    ----------
    x : ndarray, shape (d,)
        Of the minimum.
    point : CurvedPoint
        There, or a Newton step away.
    zeta, slope : float
        ζ and dζ/dc.
    tangent : ndarray, shape (d,), or None
        dη/dc, zero where nothing is free; None where the deviance is not convex.
    """

    x: NDArray[np.float64]
    point: P
    zeta: float
    slope: float
    tangent: NDArray[np.float64] | None


def _walk(
    path: Minima[P],
    optimum: Optimum[P],
    known: list[_Place[P]],
    *,
    side: int,
    bound: float,
    reach: float,
) -> list[_Place[P]]:
    """The points on one side of the estimate, from there outwards.

    Parameters
    ----------
    path, optimum
    known : list of _Place
        One or two places, of which the last is the estimate.
    side : {-1, 1}
    bound, reach : float
    """
    fixed = path.fixed
    zeta, step = 0.0, first_step(path, optimum, reach / _POINTS)
    made: list[_Place[P]] = []
    while zeta < reach and len(made) < _MOST_POINTS and side * (bound - known[-1].x[fixed]) > 0:
        c = known[-1].x[fixed] + side * step
        if side * (bound - c) <= 0:
            c = bound
        place = _reached(path, optimum, _ahead(known[-2:], fixed, c), known[-1].x, side)
        known = [*known, place]
        made.append(place)
        gained, zeta = abs(place.zeta) - zeta, abs(place.zeta)
        # As much of ζ with each step that is left, but no step more than twice the one before.
        wanted = _BEYOND * (reach - zeta) / max(_POINTS - len(made), 1)
        step *= float(np.clip(wanted / gained, 0.25, 2.0)) if gained > 0 else 2.0
    return made


def _ahead(known: list[_Place[P]], fixed: int, c: float) -> NDArray[np.float64]:
    """Where the path leads from the last places: along their cubic, or along the last tangent."""
    last = known[-1]
    step = c - last.x[fixed]
    made = last.x if last.tangent is None else last.x + step * last.tangent
    if len(known) == 2 and last.tangent is not None and known[0].tangent is not None:
        h = last.x[fixed] - known[0].x[fixed]
        # What the tangent at either place misses of the other, per h².
        behind = (known[0].x - last.x) / h + last.tangent
        ahead = (last.x - known[0].x) / h - known[0].tangent
        bent = 2.0 * behind - ahead
        made = made + (step / h) ** 2 * h * (bent + (step / h) * (behind - ahead))
    made = made.copy()
    made[fixed] = c
    return made


def _reached(
    path: Minima[P],
    optimum: Optimum[P],
    start: NDArray[np.float64],
    last: NDArray[np.float64],
    side: int,
) -> _Place[P]:
    """The minimum near a start; from the last minimum where that has no deviance."""
    x, point = start, path.evaluate(start)
    for trial in range(_MOST_STEPS):
        known = conditional(path, x, point) if np.isfinite(point.value) else None
        if known is None:
            break
        a, b = known
        fall = -0.5 * float(b @ point.gradient)
        if not fall > path.negligible:
            if path.leave(x, point, _WORTH_LEAVING + 4.0 * max(fall, 0.0)) is not None:
                break
            zeta = float(np.sqrt(max(point.value - fall - optimum.point.value, 0.0)))
            rise = float(point.gradient[path.fixed] + a @ point.gradient)
            slope = rise / (2.0 * side * zeta) if zeta > 0 else 0.0
            return _Place(x=x + b, point=point, zeta=side * zeta, slope=slope, tangent=a)
        if trial + 1 < _MOST_STEPS:
            x = x + b
            point = path.evaluate(x)
    if not np.isfinite(point.value):
        x = last.copy()
        x[path.fixed] = start[path.fixed]
    x, point = path.settle(x, within=1e-2 * path.negligible)
    zeta = float(np.sqrt(max(point.value - optimum.point.value, 0.0)))
    slope = float(point.gradient[path.fixed]) / (2.0 * side * zeta) if zeta > 0 else 0.0
    return _Place(x=x, point=point, zeta=side * zeta, slope=slope, tangent=_tangent(path, x, point))


def _tangent(path: Minima[P], x: NDArray[np.float64], point: P) -> NDArray[np.float64] | None:
    known = conditional(path, x, point)
    return None if known is None else known[0]


def _bend(path: Minima[P], optimum: Optimum[P]) -> float:
    """dζ/dc at the estimate."""
    tangent = _tangent(path, optimum.x, optimum.point)
    column = optimum.point.hessian[path.fixed]
    bend = 0.0 if tangent is None else float(column[path.fixed] + column @ tangent)
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
