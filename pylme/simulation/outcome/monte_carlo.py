"""Means, biases and rates over replicates, each with its Monte Carlo standard error.

With estimates e_1 … e_n of a truth t and d_i = e_i - t:

    mean          s_e / √n                      bias the same
    RMSE          √(mean d²); by the delta method s_{d²} / (2 RMSE √n)
    a rate p      √(p (1 - p) / n)

Morris, White & Crowther (2019), Using simulation studies to evaluate statistical methods,
Statistics in Medicine 38, table 6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaincinv

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["exact_interval", "mean_and_error", "rate_and_error", "rmse_and_error"]


def mean_and_error(values: ArrayLike) -> tuple[float, float]:
    """The mean of those that are numbers, and its standard error."""
    known = _known(values)
    if not len(known):
        return np.nan, np.nan
    error = known.std(ddof=1) / np.sqrt(len(known)) if len(known) > 1 else np.nan
    return float(known.mean()), float(error)


def rmse_and_error(differences: ArrayLike) -> tuple[float, float]:
    """The root of the mean square, and its standard error."""
    square, error = mean_and_error(np.square(_known(differences)))
    root = np.sqrt(square)
    return float(root), float(error / (2 * root)) if root > 0 else (0.0 if root == 0 else np.nan)


def rate_and_error(hits: ArrayLike) -> tuple[float, float]:
    """The part that is true, and its standard error; missing values count for nothing."""
    known = _known(hits)
    if not len(known):
        return np.nan, np.nan
    rate = float(known.mean())
    return rate, float(np.sqrt(rate * (1 - rate) / len(known)))


def exact_interval(hits: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Clopper & Pearson's interval of a rate (1934, Biometrika 26), which no rate undercovers."""
    if not n:
        return np.nan, np.nan
    tail = (1 - level) / 2
    low = betaincinv(hits, n - hits + 1, tail) if hits else 0.0
    high = betaincinv(hits + 1, n - hits, 1 - tail) if hits < n else 1.0
    return float(low), float(high)


def _known(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    return array[~np.isnan(array)]
