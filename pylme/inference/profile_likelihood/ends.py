"""Where the profile of a parameter rises to a limit: the ends of its interval.

*Directly.* At a point (c, η) the deviance has the quadratic model with gradient and Hessian there.
With a = -D_ηη⁻¹D_ηc, b = -D_ηη⁻¹D_η its minimum over η at c + δ is

    ½(D_cc + aᵀD_ηc) δ² + (D_c + aᵀD_η) δ + D + ½ bᵀD_η

which equals the limit at two values of δ, of which one lies away from the estimate. The next point
is (c + δ, η + b + a δ): both equations, for the limit and for the minimum, are solved at once, by
Newton's method, without a minimisation for each c (Venzon & Moolgavkar 1988, Applied Statistics
37(1)). From the optimum that takes four to six evaluations.

*By bracketing.* Where the deviance is not convex in η, or the iteration leaves the parameter space,
the root of ζ(c) - ζ* is bracketed and found by safeguarded Newton steps, with a minimisation at
each c: ζ(c) = ±√(D(c) - D̂) is nearly linear, and dζ/dc = D_c/2ζ.

An end that is found is accepted if the deviance does not fall with variance that is added there. An
interval reaches the bound of the parameter if the deviance there lies below the limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pylme.inference.profile_likelihood.minima import Minima, Optimum, P

__all__ = ["conditional", "end", "first_step"]

_MOST_STEPS: Final = 25
#: How far the deviance may be from the limit, and from its minimum over η, before the last step:
#: Newton's method squares it.
_NEARLY: Final = 1e-5
#: What added variance must promise before an end counts as false.
_WORTH_LEAVING: Final = 1e-7
#: Curvature of less than this part of the greatest is none.
_FLAT: Final = 1e-10
#: The relative error of an end that is bracketed.
_PRECISION: Final = 1e-9
_MOST_ROOTS: Final = 60
#: So often a bracket is doubled before the end counts as infinite.
_MOST_DOUBLINGS: Final = 60


def conditional(
    path: Minima[P], x: NDArray[np.float64], point: P
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """The a and b of a point, shapes (d,), zero where nothing is free; None if not convex in η."""
    free = path.free(x, point)
    H = point.hessian[np.ix_(free, free)]
    scale = np.sqrt(np.abs(H.diagonal()))
    scale = np.where(scale > 0, scale, 1.0)
    values, axes = np.linalg.eigh(H / np.outer(scale, scale))
    if len(values) and values[0] < -_FLAT * max(values[-1], 1.0):
        return None
    bent = values > _FLAT * values[-1] if len(values) else values > 0
    root = axes[:, bent] / np.sqrt(values[bent]) / scale[:, None]
    a, b = np.zeros(len(x)), np.zeros(len(x))
    a[free] = -root @ (root.T @ point.hessian[free, path.fixed])
    b[free] = -root @ (root.T @ point.gradient[free])
    return a, b


def end(
    path: Minima[P],
    optimum: Optimum[P],
    *,
    side: int,
    limit: float,
    bound: float,
    at_bound: Callable[[], float],
) -> float:
    """The coordinate at which the profile rises to a limit on one side of the estimate.

    Parameters
    ----------
    path : Minima
    optimum : Optimum
    side : {-1, 1}
    limit : float
        The deviance at the end.
    bound : float
        The bound of the coordinate on that side; may be infinite.
    at_bound : callable
        The least deviance at a finite bound.
    """
    found = _directly(path, optimum, side=side, limit=limit, bound=bound)
    if found is not None:
        return found
    if np.isfinite(bound) and at_bound() <= limit:
        return bound
    return _bracketed(path, optimum, side=side, limit=limit, bound=bound)


def _directly(
    path: Minima[P], optimum: Optimum[P], *, side: int, limit: float, bound: float
) -> float | None:
    """The end by Newton's method for both equations at once; None where that fails."""
    x, point = optimum.x, optimum.point
    start = x[path.fixed]
    if start == bound:
        return None
    for _ in range(_MOST_STEPS):
        known = conditional(path, x, point)
        if known is None:
            x, point = path.settle(x)
            known = conditional(path, x, point)
            if known is None:
                return None
        a, b = known
        g, column = point.gradient, point.hessian[path.fixed]
        fall = -float(0.5 * b @ g)
        above = point.value - fall - limit
        change = _root(
            0.5 * float(column[path.fixed] + column @ a), float(g[path.fixed] + a @ g), above, side
        )
        if change is None or not np.isfinite(change):
            return None
        c = x[path.fixed] + change
        if abs(above) < _NEARLY and fall < _NEARLY and side * (c - start) > 0:
            left = path.leave(x, point, _WORTH_LEAVING + 4.0 * max(fall, 0.0))
            if left is None:
                return float(c)
            # A false minimum: the search goes on from the one that added variance leads to.
            x, point = path.settle(left[0])
            continue
        if side * (c - start) <= 0:
            return None
        if side * (bound - c) <= 0:
            # Half way to the bound: the quadratic model may reach further than the deviance does.
            change = 0.5 * (bound - x[path.fixed])
        x = x + b + a * change
        x[path.fixed] += change
        point = path.evaluate(x)
        if not np.isfinite(point.value):
            return None
    return None


def _root(square: float, slope: float, constant: float, side: int) -> float | None:
    """The root of square·δ² + slope·δ + constant on the rising branch; None if there is none."""
    discriminant = slope * slope - 4.0 * square * constant
    if discriminant < 0:
        return None
    # On the rising branch the derivative at the root, side times the discriminant's root, leads
    # away from the estimate; written so that nothing cancels.
    root = side * float(np.sqrt(discriminant))
    if slope * side > 0:
        return -2.0 * constant / (slope + root)
    return (root - slope) / (2.0 * square) if square else None


def _bracketed(
    path: Minima[P], optimum: Optimum[P], *, side: int, limit: float, bound: float
) -> float:
    """The end between the estimate and a point beyond it, with a minimisation for each c."""
    wanted = float(np.sqrt(max(limit - optimum.point.value, 0.0)))
    near, far = float(optimum.x[path.fixed]), bound
    x, c = optimum.x, near
    step = side * first_step(path, optimum, wanted)
    for _ in range(_MOST_DOUBLINGS):
        trial = c + step
        if np.isfinite(far) and side * (far - trial) <= 0:
            trial = 0.5 * (c + far)
        x, zeta, slope = _settled(path, x, trial, optimum)
        c = trial
        if zeta >= wanted:
            far = c
        else:
            near = c
        if zeta >= wanted or np.isfinite(far):
            break
        step *= 2.0
    else:
        return side * np.inf
    for _ in range(_MOST_ROOTS):
        if abs(zeta - wanted) < _PRECISION * max(wanted, 1.0):
            return c
        trial = c + (wanted - zeta) / slope if slope * side > 0 else np.nan
        if not side * near < side * trial < side * far:
            trial = 0.5 * (near + far)
        if abs(trial - c) <= _PRECISION * max(abs(c), abs(far - near)):
            return float(trial)
        x, zeta, slope = _settled(path, x, trial, optimum)
        c = trial
        if zeta >= wanted:
            far = c
        else:
            near = c
    return c


def first_step(path: Minima[P], optimum: Optimum[P], wanted: float) -> float:
    """How far the profile's curvature at the estimate puts the end."""
    known = conditional(path, optimum.x, optimum.point)
    column = optimum.point.hessian[path.fixed]
    bend = float(column[path.fixed] + column @ known[0]) if known is not None else 0.0
    if bend > 0:
        return wanted * float(np.sqrt(2.0 / bend))
    return path.scale(optimum.x)


def _settled(
    path: Minima[P], x: NDArray[np.float64], c: float, optimum: Optimum[P]
) -> tuple[NDArray[np.float64], float, float]:
    """The minimum at c: its coordinates, |ζ| and the derivative of |ζ|."""
    start = x.copy()
    start[path.fixed] = c
    found, point = path.settle(start)
    zeta = float(np.sqrt(max(point.value - optimum.point.value, 0.0)))
    return found, zeta, float(point.gradient[path.fixed]) / (2.0 * zeta) if zeta > 0 else 0.0
