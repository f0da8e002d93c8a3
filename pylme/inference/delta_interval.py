"""Intervals of standard deviations and correlations, from their standard errors.

The delta method on the scale on which estimates are nearly normal: log sd, whose standard error is
se/sd, and Fisher's z = artanh ρ, whose standard error is se/(1 - ρ²) (Fisher 1921; Pinheiro & Bates
2000, section 2.4.3). Transformed back, no interval leaves the parameter space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["delta_intervals"]


def delta_intervals(
    sdcor: NDArray[np.float64], errors: NDArray[np.float64], reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ends of the intervals; NaN where there is no standard error.

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
