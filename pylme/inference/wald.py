"""p-values of Wald tests: |β̂| / se against the normal distribution or t."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, stdtr

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["wald_p"]


def wald_p(statistic: ArrayLike, df: float | None) -> NDArray[np.float64]:
    """Two-sided p-values.

    Parameters
    ----------
    statistic : array_like
        Estimates divided by their standard errors, of either sign.
    df : float or None
        Degrees of freedom of t; None for the normal distribution.
    """
    below = -np.abs(np.asarray(statistic, dtype=np.float64))
    return np.asarray(2.0 * (ndtr(below) if df is None else stdtr(df, below)))
