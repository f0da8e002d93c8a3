"""What a binomial log-density needs of its link: the logarithms of both probabilities.

With the mean μ(η) everything follows from two ratios and the relative slope of the density of the
link's distribution,

    P = μ′/μ      Q = μ′/(1 - μ)      r = μ″/μ′

as (ln μ)′ = P, (ln(1 - μ))′ = -Q, P′ = P(r - P), Q′ = Q(r + Q). Each is given in a form that keeps
its digits where a probability is 0 or 1 in double precision.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pylme.families.link import LARGEST_EXPONENT, link_of

__all__ = ["Ratios", "log_probabilities", "ratios"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ratios:
    """P, Q, r and the derivative of r by η, element by element."""

    P: NDArray[np.float64]
    Q: NDArray[np.float64]
    r: NDArray[np.float64]
    slope: NDArray[np.float64]


def log_probabilities(
    link: str, eta: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logarithms ln μ and ln(1 - μ), each of the shape of `eta`."""
    if link == "logit":
        return special.log_expit(eta), special.log_expit(-eta)
    if link == "probit":
        return special.log_ndtr(eta), special.log_ndtr(-eta)
    if link == "cloglog":
        t = np.exp(np.minimum(eta, LARGEST_EXPONENT))
        return _log_complement(t), -t
    if link == "log":
        return eta, _log_complement(-eta)
    mean = link_of(link).mean
    return np.log(mean(eta)), np.log(mean(-eta))


def ratios(link: str, eta: NDArray[np.float64]) -> Ratios:
    """The ratios of a link of the binomial family.

    Parameters
    ----------
    link : {"logit", "probit", "cauchit", "log", "cloglog"}
    eta : ndarray
        Of any shape; below zero for the log link, whose mean is a probability there alone.
    """
    if link == "logit":
        return Ratios(
            P=special.expit(-eta),
            Q=special.expit(eta),
            r=-np.tanh(0.5 * eta),
            slope=-2.0 * link_of(link).derivatives(eta)[0],
        )
    if link == "probit":
        return Ratios(P=_mills(eta), Q=_mills(-eta), r=-eta, slope=np.full_like(eta, -1.0))
    if link == "cloglog":
        t = np.exp(np.minimum(eta, LARGEST_EXPONENT))
        return Ratios(P=1.0 / special.exprel(t), Q=t, r=1.0 - t, slope=-t)
    if link == "log":
        zero = np.zeros_like(eta)
        return Ratios(P=zero + 1.0, Q=1.0 / np.expm1(-eta), r=zero + 1.0, slope=zero)
    function = link_of(link)
    first = function.derivatives(eta)[0]
    s = 1.0 / (1.0 + eta * eta)
    return Ratios(
        P=first / function.mean(eta),
        Q=first / function.mean(-eta),
        r=-2.0 * eta * s,
        slope=2.0 * (eta * eta - 1.0) * s * s,
    )


def _mills(eta: NDArray[np.float64]) -> NDArray[np.float64]:
    """φ(η)/Φ(η), by the scaled complementary error function, which underflows nowhere below."""
    return np.asarray(np.sqrt(2.0 / np.pi) / special.erfcx(-eta / np.sqrt(2.0)))


def _log_complement(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln(1 - e^(-t)) for t > 0 (Mächler 2012, the vignette log1mexp of the R package Rmpfr)."""
    with np.errstate(divide="ignore"):
        return np.where(t > np.log(2.0), np.log1p(-np.exp(-t)), np.log(-np.expm1(-t)))
