"""The families in 60 digits, written from the definitions of their distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mpmath as mp

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DIGITS", "MEANS", "log_density", "mean"]

DIGITS = 60

MEANS: dict[str, Callable[[mp.mpf], mp.mpf]] = {
    "logit": lambda eta: 1 / (1 + mp.exp(-eta)),
    "probit": mp.ncdf,
    "cauchit": lambda eta: mp.mpf(1) / 2 + mp.atan(eta) / mp.pi,
    "cloglog": lambda eta: 1 - mp.exp(-mp.exp(eta)),
    "log": mp.exp,
    "identity": lambda eta: eta,
    "inverse": lambda eta: 1 / eta,
    "sqrt": lambda eta: eta**2,
    "1/mu^2": lambda eta: 1 / mp.sqrt(eta),
}


def mean(link: str, eta: mp.mpf) -> mp.mpf:
    return MEANS[link](eta)


def log_density(  # noqa: PLR0917 - a row, and what it is a row of
    name: str, link: str, y: float, eta: mp.mpf, a: float, phi: float = 1.0, shape: float = 0.0
) -> mp.mpf:
    y, a, phi, shape = (mp.mpf(value) for value in (y, a, phi, shape))
    mu = MEANS[link](eta)
    if name == "binomial":
        ways = mp.loggamma(a + 1) - mp.loggamma(a * y + 1) - mp.loggamma(a * (1 - y) + 1)
        return ways + a * (
            (y * mp.log(mu) if y else 0) + ((1 - y) * mp.log(1 - mu) if y != 1 else 0)
        )
    if name == "poisson":
        return a * ((y * mp.log(mu) if y else 0) - mu - mp.loggamma(y + 1))
    if name == "negative binomial":
        return a * (
            mp.loggamma(y + shape)
            - mp.loggamma(shape)
            - mp.loggamma(y + 1)
            + shape * mp.log(shape / (shape + mu))
            + (y * mp.log(mu / (shape + mu)) if y else 0)
        )
    if name == "Gamma":
        k = a / phi
        return k * mp.log(k / mu) + (k - 1) * mp.log(y) - k * y / mu - mp.loggamma(k)
    if name == "inverse.gaussian":
        v = phi / a
        return -mp.log(2 * mp.pi * v * y**3) / 2 - (y - mu) ** 2 / (2 * v * mu**2 * y)
    v = phi / a
    return -mp.log(2 * mp.pi * v) / 2 - (y - mu) ** 2 / (2 * v)
