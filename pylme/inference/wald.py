"""Wald tests and intervals: estimates beside their standard errors.

A fixed effect is tested by |β̂| / se against the normal distribution or t. Intervals of standard
deviations and correlations use the delta method on the scale on which estimates are nearly normal:
log sd, whose standard error is se/sd, and Fisher's z = artanh ρ, whose standard error is
se/(1 - ρ²) (Fisher 1921; Pinheiro & Bates 2000, section 2.4.3). Transformed back, no interval
leaves the parameter space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, stdtr

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["delta_intervals", "log_interval", "wald_p"]


def wald_p(statistic: ArrayLike, df: float | None) -> NDArray[np.float64]:
    """Two-sided p-values of Wald tests.

    Parameters
    ----------
    statistic : array_like
        Estimates divided by their standard errors, of either sign.
    df : float or None
        Degrees of freedom of t; None for the normal distribution.
    """
    below = -np.abs(np.asarray(statistic, dtype=np.float64))
    return np.asarray(2.0 * (ndtr(below) if df is None else stdtr(df, below)))


def delta_intervals(
    sdcor: NDArray[np.float64], errors: NDArray[np.float64], reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ends of delta-method intervals; NaN where there is no standard error.

    Parameters
    ----------
    sdcor, errors : ndarray, shape (k, k)
        Standard deviations on the diagonal, correlations off it, and their standard errors.
    reach : float
        How many standard errors an interval extends to each side.

    Returns
    -------
    low, high : ndarray, shape (k, k)
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        z = np.arctanh(sdcor)
        half = reach * errors / (1.0 - sdcor**2)
        low, high = np.tanh(z - half), np.tanh(z + half)
        sd = np.diag(sdcor)
        factor = np.exp(reach * np.diag(errors) / sd)
    np.fill_diagonal(low, sd / factor)
    np.fill_diagonal(high, sd * factor)
    return low, high


def log_interval(estimate: float, error: float, reach: float) -> tuple[float, float]:
    """The ends of the delta-method interval of the logarithm of a standard deviation."""
    if not estimate > 0:
        return np.nan, np.nan
    factor = float(np.exp(reach * error / estimate))
    return estimate / factor, estimate * factor
