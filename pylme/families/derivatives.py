"""Derivatives of the log-density of a row by its linear predictor, dispersion 1.

With the mean μ(η), its derivatives μ₁, μ₂, the variance function V and c = μ₁/V,

    s = a(y - μ)c                   the score
    w = aμ₁c,      w′ = dw/dη       expected information
    w_o = -ds/dη,  w_o′ = dw_o/dη   observed information

so that s, -w_o and -w_o′ are the first three derivatives of the log-density. For the canonical
link w_o = w.

Two forms serve all families, neither of which divides by a variance that has rounded to zero.

*Binomial*, with the P, Q, r of `pylme.families.binomial`:

    s = a[yP - (1-y)Q]      w = aPQ      w′ = aPQ(2r - P + Q)
    w_o = a[yP(P - r) + (1-y)Q(Q + r)]

*All others* have a mean that is e^η or a power of η. With ℓ = d ln μ/dη, that is 1 or m/η, and
V = μ^p, q = 1 - p:

    c = ℓμ^q      c′ = (ℓ′ + qℓ²)μ^q      c″ = (ℓ″ + 3qℓℓ′ + q²ℓ³)μ^q
    w = aℓ²μ^(q+1)      w′ = a[2ℓℓ′ + (q+1)ℓ³]μ^(q+1)
    w_o = w - a(y-μ)c′      w_o′ = w′ + aμ₁c′ - a(y-μ)c″

and for the negative binomial, V = μ/R with R = ϑ/(ϑ + μ), R′ = -ℓR(1 - R):

    c = ℓR      c′ = ℓ′R - ℓ²R(1-R)      c″ = ℓ″R - 3ℓℓ′R(1-R) + ℓ³R(1-R)(1-2R)
    w = aℓ²μR      w′ = a[2ℓℓ′ + ℓ³R]μR

References
----------
McCullagh & Nelder (1989), Generalized Linear Models, 2nd edition, section 2.5; the derivatives
follow by the chain rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.families.binomial import ratios
from pylme.families.family import POWERS
from pylme.families.link import link_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pylme.families.family import Family

__all__ = ["RowDerivatives", "row_derivatives"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowDerivatives:
    """Of each row, all of the shape of η.

    Attributes
    ----------
    score : ndarray
        s, the first derivative of the log-density by η.
    expected, expected_slope : ndarray
        w, the expected information, and its derivative by η.
    observed, observed_slope : ndarray
        w_o, minus the second derivative of the log-density, and minus the third.
    """

    score: NDArray[np.float64]
    expected: NDArray[np.float64]
    expected_slope: NDArray[np.float64]
    observed: NDArray[np.float64]
    observed_slope: NDArray[np.float64]


def row_derivatives(
    family: Family, y: NDArray[np.float64], eta: NDArray[np.float64], weights: ArrayLike = 1.0
) -> RowDerivatives:
    """The derivatives of the log-density of each row by its linear predictor.

    Parameters
    ----------
    family : Family
    y : ndarray, shape (n,)
        The response; the proportion of successes for the binomial family.
    eta : ndarray, shape (n,)
        The linear predictor, offset included; positive where the link needs it.
    weights : array_like, shape (n,), optional
        The prior weights; for the binomial family the numbers of trials.
    """
    a = np.asarray(weights, np.float64)
    if family.name == "binomial":
        return _binomial(family.link, y, eta, a)
    link = link_of(family.link)
    mean = link.mean(eta)
    l0, l1, l2 = _log_slopes(family.link, eta)
    if family.shape is None:
        q = 1 - POWERS[family.name]
        power = mean**q
        c, c1, c2 = (
            l0 * power,
            (l1 + q * l0**2) * power,
            (l2 + 3 * q * l0 * l1 + q * q * l0**3) * power,
        )
        w, w1 = l0**2 * power * mean, (2.0 * l0 * l1 + (q + 1) * l0**3) * power * mean
    else:
        R = family.shape / (family.shape + mean)
        rest = mean / (family.shape + mean)
        c, c1, c2 = (
            l0 * R,
            l1 * R - l0**2 * R * rest,
            l2 * R - 3.0 * l0 * l1 * R * rest + l0**3 * R * rest * (1.0 - 2.0 * R),
        )
        w, w1 = l0**2 * mean * R, (2.0 * l0 * l1 + l0**3 * R) * mean * R
    residual = y - mean
    return RowDerivatives(
        score=a * residual * c,
        expected=a * w,
        expected_slope=a * w1,
        observed=a * (w - residual * c1),
        observed_slope=a * (w1 + l0 * mean * c1 - residual * c2),
    )


def _binomial(
    link: str, y: NDArray[np.float64], eta: NDArray[np.float64], a: NDArray[np.float64]
) -> RowDerivatives:
    at = ratios(link, eta)
    P, Q, r = at.P, at.Q, at.r
    n = 1.0 - y
    # Minus the first derivatives of P and the first of Q, and the second of both.
    p1, q1 = P * (P - r), Q * (Q + r)
    p2 = -p1 * (r - P) + P * (at.slope + p1)
    q2 = q1 * (r + Q) + Q * (at.slope + q1)
    return RowDerivatives(
        score=a * (y * P - n * Q),
        expected=a * P * Q,
        expected_slope=a * P * Q * (2.0 * r - P + Q),
        observed=a * (y * p1 + n * q1),
        observed_slope=a * (n * q2 - y * p2),
    )


def _log_slopes(
    link: str, eta: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The slope ℓ = d ln μ/dη and its first two derivatives, where μ is e^η or a power of η."""
    if link == "log":
        return np.ones_like(eta), np.zeros_like(eta), np.zeros_like(eta)
    m = {"identity": 1.0, "inverse": -1.0, "sqrt": 2.0, "1/mu^2": -0.5}[link]
    return m / eta, -m / eta**2, 2.0 * m / eta**3
