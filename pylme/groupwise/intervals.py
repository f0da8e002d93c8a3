"""Standard deviations and correlations of random effects, with intervals by the delta method.

With Σ = σ²TTᵀ, t_a the rows of T, and s = log σ²,

    log sd_a = s/2 + ½ log t_a·t_a       ∂/∂t_a = t_a/(t_a·t_a),   ∂/∂s = ½
    ρ_ab = t_a·t_b/(|t_a||t_b|)          ∂/∂t_a = (t_b/|t_b| - ρ t_a/|t_a|)/|t_a|

and intervals are symmetric for log sd and for Fisher's z = artanh ρ, whose derivatives are those of
ρ over 1 - ρ². (Bates, Mächler, Bolker & Walker 2015 for T; Fisher 1921 for z.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.results.covariance import correlation

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["delta_intervals", "sdcor"]


def sdcor(T: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Standard deviations on the diagonal, correlations off it; NaN beside a zero, shape (k, k)."""
    relative = T @ T.T
    made = correlation(relative)
    np.fill_diagonal(made, sigma * np.sqrt(np.diag(relative)))
    return made


def delta_intervals(
    T: NDArray[np.float64],
    sigma: float,
    covariance: NDArray[np.float64],
    reach: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ends of the intervals, in the places of `sdcor`; NaN on the boundary.

    Parameters
    ----------
    T : ndarray, shape (k, k)
        Lower triangular.
    sigma : float
    covariance : ndarray, shape (d + 1, d + 1)
        Of the estimates of T's d = k(k + 1)/2 elements, column by column, and log σ².
    reach : float
        How many standard errors an interval extends to each side.

    Returns
    -------
    low, high : ndarray, shape (k, k)
    """
    estimate = sdcor(T, sigma)
    low, high = np.full_like(estimate, np.nan), np.full_like(estimate, np.nan)
    for a in range(len(T)):
        for b in range(a + 1):
            value = estimate[a, b]
            inside = value > 0 if a == b else abs(value) < 1
            if not inside:
                continue
            slope = _log_sd_slope(T, a) if a == b else _z_slope(T, a, b)
            half = reach * np.sqrt(slope @ covariance @ slope)
            ends = (
                value * np.exp([-half, half])
                if a == b
                else np.tanh(np.arctanh(value) + np.array([-half, half]))
            )
            low[a, b], high[a, b] = low[b, a], high[b, a] = ends
    return low, high


def _log_sd_slope(T: NDArray[np.float64], a: int) -> NDArray[np.float64]:
    change = np.zeros_like(T)
    change[a] = T[a] / (T[a] @ T[a])
    return _stacked(change, 0.5)


def _z_slope(T: NDArray[np.float64], a: int, b: int) -> NDArray[np.float64]:
    sizes = np.linalg.norm(T, axis=1)
    one, other = T[a] / sizes[a], T[b] / sizes[b]
    rho = one @ other
    change = np.zeros_like(T)
    change[a] = (other - rho * one) / sizes[a]
    change[b] = (one - rho * other) / sizes[b]
    return _stacked(change / (1.0 - rho**2), 0.0)


def _stacked(change: NDArray[np.float64], by_scale: float) -> NDArray[np.float64]:
    """The derivatives in the order of theta, and the one by log σ²."""
    columns, rows = np.triu_indices(len(change))
    return np.append(change[rows, columns], by_scale)
