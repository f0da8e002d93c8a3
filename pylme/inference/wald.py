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
from scipy.special import chdtrc, chdtri, fdtrc, fdtri, ndtr, ndtri, stdtr, stdtrit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["delta_intervals", "f_quantile", "joint_p", "log_interval", "wald_p", "wald_reach"]


def wald_p(statistic: ArrayLike, df: ArrayLike | None) -> NDArray[np.float64]:
    """Two-sided p-values of Wald tests.

    Parameters
    ----------
    statistic : array_like
        Estimates divided by their standard errors, of either sign.
    df : array_like or None
        Degrees of freedom of t; infinite, or None, for the normal distribution.
    """
    below = -np.abs(np.asarray(statistic, dtype=np.float64))
    normal, finite = _normal(np.inf if df is None else df)
    return np.asarray(2.0 * np.where(normal, ndtr(below), stdtr(finite, below)))


def wald_reach(alpha: float, df: ArrayLike) -> NDArray[np.float64]:
    """How many standard errors a two-sided interval of level 1 - α extends to each side.

    Parameters
    ----------
    alpha : float
    df : array_like
        As for `wald_p`.
    """
    normal, finite = _normal(df)
    return np.asarray(-np.where(normal, ndtri(0.5 * alpha), stdtrit(finite, 0.5 * alpha)))


def joint_p(statistic: ArrayLike, df_num: ArrayLike, df: ArrayLike) -> NDArray[np.float64]:
    """p-values of F tests; with infinite denominator degrees of freedom those of χ² = df_num F.

    Parameters
    ----------
    statistic : array_like
        F.
    df_num, df : array_like
        Degrees of freedom of the numerator and of the denominator.
    """
    normal, finite = _normal(df)
    F, q = np.asarray(statistic, dtype=np.float64), np.asarray(df_num, dtype=np.float64)
    return np.asarray(np.where(normal, chdtrc(q, q * F), fdtrc(q, finite, F)))


def f_quantile(alpha: float, df_num: float, df: ArrayLike) -> NDArray[np.float64]:
    """The values of F that are exceeded with a probability of α.

    Parameters
    ----------
    alpha : float
    df_num, df : array_like
        As for `joint_p`.
    """
    normal, finite = _normal(df)
    chi2 = chdtri(df_num, alpha) / df_num
    return np.asarray(np.where(normal, chi2, fdtri(df_num, finite, 1.0 - alpha)))


def _normal(df: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Where degrees of freedom are infinite, and finite ones in all places."""
    given = np.asarray(df, dtype=np.float64)
    normal = np.isinf(given)
    return normal, np.where(normal, 1.0, given)


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
