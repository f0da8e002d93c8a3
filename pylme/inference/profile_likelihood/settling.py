"""The minimum of a deviance over the coordinates that are free, by trust-region Newton steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from pylme.inference.profile_likelihood.minima import Minima, P
from pylme.reference.optimize.descent import ROUNDING, step
from pylme.reference.optimize.newton import WORTH_LEAVING

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Bounded", "settle"]

_MOST_STEPS: Final = 100
_MOST_ESCAPES: Final = 20
#: A trust region smaller than this has met the rounding errors of the deviance.
_LEAST_RADIUS: Final = 1e-10


class Bounded(Minima[P], Protocol[P]):
    """Minima by coordinates that have scales and bounds."""

    def scales(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far each coordinate may go before the shape of the deviance changes, shape (d,)."""
        ...

    def within_bounds(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The nearest coordinates within the bounds."""
        ...


def settle(
    path: Bounded[P], x: NDArray[np.float64], *, within: float
) -> tuple[NDArray[np.float64], P]:
    """The coordinates at which the deviance is least, from a start; one of them is fixed.

    Parameters
    ----------
    path : Bounded
    x : ndarray, shape (d,)
    within : float
        How far above the minimum the deviance may be.

    Returns
    -------
    x : ndarray, shape (d,)
    point : CurvedPoint
    """
    point = path.evaluate(x)
    radius, escapes = 1.0, 0
    # Where the deviance is not yet least, every direction promises what is left to gain.
    worth = WORTH_LEAVING + 4.0 * within
    for _ in range(_MOST_STEPS):
        free = path.free(x, point)
        scale = path.scales(x)[free]
        g = scale * point.gradient[free]
        H = scale[:, None] * point.hessian[np.ix_(free, free)] * scale
        steps, predicted, _ = step(g[None], H[None], np.array([radius]))
        enough = within + ROUNDING * abs(point.value)
        if predicted[0] <= enough or radius < _LEAST_RADIUS or not free.any():
            left = path.leave(x, point, worth) if escapes < _MOST_ESCAPES else None
            if left is None:
                break
            (x, point), escapes, radius = left, escapes + 1, 1.0
            continue
        trial = x.copy()
        trial[free] += scale * steps[0]
        trial = path.within_bounds(trial)
        tried = path.evaluate(trial)
        noise = ROUNDING * abs(point.value)
        quality = (point.value - tried.value + noise) / (float(predicted[0]) + noise)
        length = float(np.linalg.norm(steps))
        if quality > 0.75:
            radius = max(radius, 3.0 * length)
        elif not quality > 0.25:
            radius = 0.25 * length
        if quality > 0.05:
            x, point = trial, tried
    return x, point
