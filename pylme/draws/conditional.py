"""A response drawn from its distribution given the means, by the family of a generalized model.

The dispersion of a row is σ²/w: the shape of a Gamma is its inverse, and so is that of an inverse
Gaussian, as in R's ``simulate``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.families import Family

__all__ = ["draw_given_means"]


def draw_given_means(
    family: Family,
    mean: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    sigma: float,
    weights: NDArray[np.float64],
    trials: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """A response of these means, shape (n,).

    Of successes and failures it is the number of successes; of other binomial responses the
    proportion.

    Parameters
    ----------
    family : Family
    mean : ndarray, shape (n,)
    rng : Generator
    sigma : float
        The root of the dispersion; 1 for a family without one.
    weights : ndarray, shape (n,)
        Prior weights, which are the numbers of trials of proportions.
    trials : ndarray, shape (n,), or None
        The numbers of trials of a response of successes and failures.
    """
    if family.name == "binomial":
        if trials is not None:
            return rng.binomial(trials.astype(np.int64), mean).astype(np.float64)
        counts = np.round(weights).astype(np.int64)
        drawn: NDArray[np.float64] = rng.binomial(counts, mean) / counts
        return drawn
    if family.shape is not None:
        # A Poisson count of a gamma mean: success probabilities round to 1 where ϑ is large.
        return rng.poisson(rng.gamma(family.shape, mean / family.shape)).astype(np.float64)
    if family.name == "poisson":
        return rng.poisson(mean).astype(np.float64)
    dispersion = sigma**2 / weights
    if family.name == "Gamma":
        return rng.gamma(1.0 / dispersion, mean * dispersion)
    if family.name == "inverse.gaussian":
        return rng.wald(mean, 1.0 / dispersion)
    return rng.normal(mean, np.sqrt(dispersion))
