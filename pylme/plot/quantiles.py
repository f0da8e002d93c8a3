"""Quantiles against those of a distribution, with the line and the envelope that belong to them.

The i-th of n ordered uniform numbers has the Beta(i, n + 1 - i) distribution, of which the envelope
shows the middle part, point by point (David & Nagaraja 2003, Order Statistics, section 2.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaincinv, ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["envelope", "normal_line", "plotting_positions", "smooth"]

#: Places of a smooth line.
PLACES = 60


def plotting_positions(n: int) -> NDArray[np.float64]:
    """R's ``ppoints(n)``."""
    a = 3 / 8 if n <= 10 else 1 / 2
    return np.asarray((np.arange(1, n + 1) - a) / (n + 1 - 2 * a))


def envelope(n: int, level: float = 0.95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ends of the envelope of n ordered uniform numbers."""
    rank = np.arange(1, n + 1)
    tail = (1.0 - level) / 2.0
    low, high = (betaincinv(rank, n + 1 - rank, p) for p in (tail, 1.0 - tail))
    return np.asarray(low), np.asarray(high)


def normal_line(values: NDArray[np.float64]) -> tuple[float, float]:
    """Intercept and slope of R's ``qqline``: through the quartiles."""
    quartiles = np.quantile(values, [0.25, 0.75])
    return float(quartiles.mean()), float(np.diff(quartiles)[0] / (2 * ndtri(0.75)))


def smooth(
    x: NDArray[np.float64], y: NDArray[np.float64], *, span: float = 0.6
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Local straight lines, weighted by the tricube of the distance, at some places of x.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
    span : float
        The share of the points that each line uses.

    Returns
    -------
    places, values : ndarray
        The line.
    norms : ndarray
        |l| of the weights with which each value is made of y, lᵀy.

    References
    ----------
    Cleveland (1979), Robust locally weighted regression and smoothing scatterplots, Journal of the
    American Statistical Association 74.
    """
    places = np.unique(np.quantile(x, np.linspace(0, 1, PLACES)))
    near = max(2, int(np.ceil(span * len(x))))
    found, norms = np.empty(len(places)), np.empty(len(places))
    for i, place in enumerate(places):
        away = np.abs(x - place)
        reach = np.partition(away, near - 1)[near - 1] or 1.0
        weights = np.clip(1.0 - (away / reach) ** 3, 0.0, 1.0) ** 3
        total = weights.sum()
        centred = x - weights @ x / total
        spread = weights @ centred**2
        tilt = (place - weights @ x / total) / spread if spread > 0 else 0.0
        own = weights * (1.0 / total + tilt * centred)
        found[i], norms[i] = own @ y, np.sqrt(own @ own)
    return places, found, norms
