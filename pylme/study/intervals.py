"""Confidence intervals from the replicates of a bootstrap, parameter by parameter.

With the estimate t, the replicates t*, their quantile function q and z_α = Φ⁻¹(α):

    percentile    q(α), q(1 - α)
    basic         2t - q(1 - α), 2t - q(α)
    BCa           q(Φ(w_α)), q(Φ(w_{1-α})),  w_α = z₀ + (z₀ + z_α) / (1 - a (z₀ + z_α))

z₀ = Φ⁻¹ of the part of the replicates that lies below t, those equal to it counted half; a is the
acceleration. Quantiles between replicates are interpolated linearly.

Efron (1987), Better bootstrap confidence intervals, JASA 82, 171-185; Davison & Hinkley (1997),
Bootstrap Methods and their Application, sections 5.2 and 5.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["basic", "bca", "bias_corrections", "percentile"]


def percentile(replicates: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """The limits, shape (2, P), of replicates of shape (n, P).

    Replicates that are not numbers are left out; a parameter without any has no limits.
    """
    tail = (1 - level) / 2
    return _quantiles(replicates, np.full((2, replicates.shape[1]), [[tail], [1 - tail]]))


def basic(
    replicates: NDArray[np.float64], estimates: NDArray[np.float64], level: float
) -> NDArray[np.float64]:
    """The limits, shape (2, P): those of the percentile method, reflected at the estimates."""
    reflected: NDArray[np.float64] = 2 * estimates - percentile(replicates, level)[::-1]
    return reflected


def bca(
    replicates: NDArray[np.float64],
    estimates: NDArray[np.float64],
    accelerations: NDArray[np.float64],
    level: float,
) -> NDArray[np.float64]:
    """The bias-corrected and accelerated limits, shape (2, P).

    NaN where no replicate, or every one, lies below the estimate: then z₀ is infinite.
    """
    z0 = bias_corrections(replicates, estimates)
    z = ndtri(np.array([[(1 - level) / 2], [(1 + level) / 2]]))
    with np.errstate(invalid="ignore", divide="ignore"):
        shrunk = 1 - accelerations * (z0 + z)
        places = ndtr(z0 + (z0 + z) / shrunk)
    # Beyond its pole the formula would come back from the other side.
    return _quantiles(replicates, np.where(np.isfinite(z0) & (shrunk > 0), places, np.nan))


def bias_corrections(
    replicates: NDArray[np.float64], estimates: NDArray[np.float64]
) -> NDArray[np.float64]:
    """z₀ of each parameter, shape (P,)."""
    known = np.count_nonzero(~np.isnan(replicates), axis=0)
    below = np.count_nonzero(replicates < estimates, axis=0)
    equal = np.count_nonzero(replicates == estimates, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        corrections: NDArray[np.float64] = ndtri((below + 0.5 * equal) / known)
    return corrections


def _quantiles(replicates: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles at the places of each parameter, shape (2, P)."""
    limits = np.full(places.shape, np.nan)
    for own, place, limit in zip(replicates.T, places.T, limits.T, strict=True):
        known = own[~np.isnan(own)]
        if len(known) and not np.isnan(place).any():
            limit[:] = np.quantile(known, place)
    return limits
