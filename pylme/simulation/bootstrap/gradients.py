"""The gradients of parameters by what defines a linear mixed model: β, the entries of Σ, and σ².

For the standard deviations and correlations they are known in closed form. For a user's own
statistic they are the slopes of its replicates on those of β, Σ and σ²: the regression estimate of
influence values, Davison & Hinkley (1997), Bootstrap Methods and their Application, section 2.7.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.covariance.names import cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["gradients_by_regression", "gradients_of_parameters"]


def gradients_of_parameters(
    p: int, covariances: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Of fixed effects, standard deviations and correlations, and sigma, shape (P, p + m).

    The gradients of standard deviations are those of the variances, as a standard deviation of zero
    has none; any multiple will do. NaN for a correlation where either variance is zero.

    Parameters
    ----------
    p : int
        Fixed effects.
    covariances : sequence of ndarray, shapes (k, k)
        Of each term.
    """
    sizes = [len(covariance) for covariance in covariances]
    m = sum(k * (k + 1) // 2 for k in sizes) + 1
    gradients = np.eye(p + m)
    start = p
    for covariance, k in zip(covariances, sizes, strict=True):
        places = cells(k)
        at = {cell: start + place for place, cell in enumerate(places)}
        sd = np.sqrt(np.diag(covariance))
        for i, j in places:
            if i == j:
                continue
            row = gradients[at[i, j]]
            with np.errstate(invalid="ignore", divide="ignore"):
                row[at[i, j]] = 1 / (sd[i] * sd[j])
                for own in (i, j):
                    row[at[own, own]] = -covariance[i, j] / (2 * sd[i] * sd[j] * sd[own] ** 2)
            if not np.isfinite(row).all():
                row[:] = np.nan
        start += len(places)
    return gradients


def gradients_by_regression(
    numbers: NDArray[np.float64],
    replicates: NDArray[np.float64],
    p: int,
    sizes: Sequence[int],
) -> NDArray[np.float64]:
    """Of numbers of each replicate, shape (P, p + m); NaN where too few are numbers.

    Parameters
    ----------
    numbers : ndarray, shape (n, P)
    replicates : ndarray, shape (n, p + m)
        Fixed effects, standard deviations and correlations term by term, sigma.
    p : int
        Fixed effects.
    sizes : sequence of int
        The number of effects of each term.
    """
    defining = _defining(replicates, p, sizes)
    found = np.full((numbers.shape[1], defining.shape[1]), np.nan)
    for own, gradient in zip(numbers.T, found, strict=True):
        made = ~np.isnan(own) & ~np.isnan(defining).any(axis=1)
        if np.count_nonzero(made) <= defining.shape[1]:
            continue
        centred = defining[made] - defining[made].mean(axis=0)
        scale = centred.std(axis=0)
        scale[scale == 0] = 1.0
        slopes = np.linalg.lstsq(centred / scale, own[made] - own[made].mean(), rcond=None)[0]
        gradient[:] = slopes / scale
    return found


def _defining(replicates: NDArray[np.float64], p: int, sizes: Sequence[int]) -> NDArray[np.float64]:
    """β, the covariances in place of the correlations, and the variances: shape (n, p + m)."""
    made = replicates.copy()
    start = p
    for k in sizes:
        places = cells(k)
        at = {cell: start + place for place, cell in enumerate(places)}
        for i, j in places:
            sds = replicates[:, at[i, i]] * replicates[:, at[j, j]]
            # Beside a variance of zero there is no correlation, and the covariance is zero.
            made[:, at[i, j]] = (
                sds if i == j else np.where(sds == 0, 0.0, sds * replicates[:, at[i, j]])
            )
        start += len(places)
    made[:, start] = replicates[:, start] ** 2
    return made
