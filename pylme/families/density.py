"""Deviance and log-density of each row, as functions of the linear predictor.

With prior weights a and dispersion φ (1 for the binomial, poisson and negative binomial):

    binomial            a y ~ Binomial(a, μ)       a the numbers of trials, y the proportion
    poisson             density of Poisson(μ), to the power a
    negative binomial   density with mean μ and variance μ + μ²/ϑ, to the power a
    Gamma               shape a/φ and mean μ
    inverse.gaussian    mean μ and variance φμ³/a
    gaussian            mean μ and variance φ/a

The deviance is 2a times the log-density at μ = y less that at μ, with φ = 1. Both are taken at η
and not at μ, since the mean of a binomial rounds to 1 where ln(1 - μ) is still a number.

References
----------
McCullagh & Nelder (1989), Generalized Linear Models, 2nd edition, section 2.3 and chapter 8.
Jørgensen (1997), The Theory of Dispersion Models, section 1.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

from pylme.families.binomial import log_probabilities
from pylme.families.link import link_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pylme.families.family import Family

__all__ = ["deviance", "log_density", "log_rising"]

#: From here on Stirling's series to the fifth power gives ln Γ to the last digit.
ASYMPTOTIC: Final = 20.0


def deviance(
    family: Family, y: NDArray[np.float64], eta: NDArray[np.float64], weights: ArrayLike = 1.0
) -> NDArray[np.float64]:
    """The deviance of each row.

    Parameters
    ----------
    family : Family
    y : ndarray, shape (n,)
        The response; the proportion of successes for the binomial family.
    eta : ndarray, shape (n,)
        The linear predictor, offset included.
    weights : array_like, shape (n,), optional
        The prior weights; for the binomial family the numbers of trials.
    """
    a = np.asarray(weights, np.float64)
    if family.name == "binomial":
        success, failure = log_probabilities(family.link, eta)
        least = -special.entr(y) - special.entr(1.0 - y)
        return np.asarray(2.0 * a * (least - _times(y, success) - _times(1.0 - y, failure)))
    mean = link_of(family.link).mean(eta)
    if family.name == "poisson":
        return np.asarray(2.0 * a * special.kl_div(y, mean))
    if family.shape is not None:
        # ln((y + ϑ)/(μ + ϑ)) by its relative difference, which stays exact as ϑ grows.
        rest = (y + family.shape) * np.log1p((y - mean) / (mean + family.shape))
        return np.asarray(2.0 * a * (special.rel_entr(y, mean) - rest))
    if family.name == "Gamma":
        relative = (y - mean) / mean
        return np.asarray(2.0 * a * (relative - np.log1p(relative)))
    if family.name == "inverse.gaussian":
        return np.asarray(a * (y - mean) ** 2 / (y * mean * mean))
    return np.asarray(a * (y - mean) ** 2)


def log_density(
    family: Family,
    y: NDArray[np.float64],
    eta: NDArray[np.float64],
    weights: ArrayLike = 1.0,
    dispersion: float = 1.0,
) -> NDArray[np.float64]:
    """The log-density of each row, all constants included.

    Parameters
    ----------
    family : Family
    y, eta, weights
        As for `deviance`.
    dispersion : float, optional
        φ; of no effect for the binomial, poisson and negative binomial.
    """
    a = np.asarray(weights, np.float64)
    if family.name == "binomial":
        success, failure = log_probabilities(family.link, eta)
        ways = (
            special.gammaln(a + 1.0)
            - special.gammaln(a * y + 1.0)
            - special.gammaln(a * (1.0 - y) + 1.0)
        )
        return np.asarray(ways + a * (_times(y, success) + _times(1.0 - y, failure)))
    mean = link_of(family.link).mean(eta)
    if family.name == "poisson":
        return np.asarray(a * (special.xlogy(y, mean) - mean - special.gammaln(y + 1.0)))
    if family.shape is not None:
        rest = (y + family.shape) * np.log1p(mean / family.shape) + special.gammaln(y + 1.0)
        return np.asarray(a * (log_rising(y, family.shape) + special.xlogy(y, mean) - rest))
    if family.name == "Gamma":
        k = a / dispersion
        # At μ = y, less half the deviance: nothing large is left to cancel.
        at_best = special.xlogy(k, k) - k - special.gammaln(k) - np.log(y)
        return np.asarray(at_best - 0.5 * deviance(family, y, eta, k))
    variance = dispersion / a
    cube = 3.0 * np.log(y) if family.name == "inverse.gaussian" else 0.0
    return np.asarray(
        -0.5 * (np.log(2.0 * np.pi * variance) + cube + deviance(family, y, eta, a) / dispersion)
    )


def _times(share: NDArray[np.float64], logarithm: NDArray[np.float64]) -> NDArray[np.float64]:
    """The product, 0 where the share is 0, whatever the logarithm."""
    return np.where(share == 0.0, 0.0, share * np.where(share == 0.0, 0.0, logarithm))


def log_rising(y: NDArray[np.float64], shape: float) -> NDArray[np.float64]:
    """The sum ln Γ(y + ϑ) - ln Γ(ϑ) - y ln ϑ, which is of the order of y²/ϑ for large ϑ.

    The difference of the two logarithms would lose what it is for: 3e-7 at ϑ = 1e6. Stirling's
    series (NIST Digital Library of Mathematical Functions, 5.11.1) is subtracted term by term.
    """
    if shape < ASYMPTOTIC:
        return np.asarray(special.gammaln(y + shape) - special.gammaln(shape) - y * np.log(shape))
    leading = (shape + y - 0.5) * np.log1p(y / shape) - y
    return np.asarray(leading + _series(y + shape) - _series(np.asarray(shape)))


def _series(z: NDArray[np.float64]) -> NDArray[np.float64]:
    square = 1.0 / (z * z)
    tail = 1.0 / 1260.0 - square * (1.0 / 1680.0 - square / 1188.0)
    return np.asarray((1.0 / 12.0 - square * (1.0 / 360.0 - square * tail)) / z)
