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

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["mean_and_error", "rate_and_error", "rmse_and_error"]


def mean_and_error(values: ArrayLike) -> tuple[float, float]:
    """The mean of the values that are not NaN, and its standard error."""
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
    """The proportion that is true, and its standard error; missing values are left out."""
    known = _known(hits)
    if not len(known):
        return np.nan, np.nan
    rate = float(known.mean())
    return rate, float(np.sqrt(rate * (1 - rate) / len(known)))


def _known(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    return array[~np.isnan(array)]
