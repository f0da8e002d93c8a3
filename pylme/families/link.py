"""Links: η = g(μ), its inverse, and the derivatives of the mean by η.

Written so that no value in the range of doubles overflows or cancels: the logit by `expit`, whose
derivative needs e^(-|η|) alone; the complementary log-log by `expm1`; the Cauchy distribution
function by the two-argument arc tangent.

References
----------
McCullagh & Nelder (1989), Generalized Linear Models, 2nd edition, chapters 2 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Function = Callable[[NDArray[np.float64]], NDArray[np.float64]]
    Derivatives = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], ...]]

__all__ = ["Link", "link_of"]

#: e^η overflows above 709; a complementary log-log mean is 1 to the last digit long before.
LARGEST_EXPONENT: Final = 700.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link function.

    Attributes
    ----------
    name : str
        R's name of it.
    eta : callable
        η of the mean μ, element by element.
    mean : callable
        μ of η.
    derivatives : callable
        The first, second and third derivative of μ by η.
    positive : bool
        Whether η must be positive for the mean to be one.
    """

    name: str
    eta: Function
    mean: Function
    derivatives: Derivatives
    positive: bool


def link_of(name: str) -> Link:
    """The link that R calls `name`.

    Raises
    ------
    KeyError
        If no such link exists.
    """
    return _LINKS[name]


def _logit_derivatives(eta: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    e = np.exp(-np.abs(eta))
    first = e / (1.0 + e) ** 2
    return first, -first * np.tanh(0.5 * eta), first * (1.0 - 6.0 * first)


def _normal_density(eta: NDArray[np.float64]) -> NDArray[np.float64]:
    density: NDArray[np.float64] = np.exp(-0.5 * eta * eta) / np.sqrt(2.0 * np.pi)
    return density


def _probit_derivatives(eta: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    first = _normal_density(eta)
    return first, -eta * first, (eta * eta - 1.0) * first


def _cauchit_derivatives(eta: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    s = 1.0 / (1.0 + eta * eta)
    first = s / np.pi
    return first, -2.0 * eta * s * first, (6.0 * eta * eta - 2.0) * s * s * first


def _cloglog_derivatives(eta: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    bounded = np.minimum(eta, LARGEST_EXPONENT)
    t = np.exp(bounded)
    # The powers of e^η go into the exponent, where they meet e^(-e^η) before either overflows.
    first, square, cube = (np.exp(k * bounded - t) for k in (1.0, 2.0, 3.0))
    return first, first - square, first - 3.0 * square + cube


def _cauchit_mean(eta: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.arctan2(1.0, -eta) / np.pi)


def _log_derivatives(eta: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    mean = np.exp(eta)
    return mean, mean, mean


def _power(name: str, exponent: float) -> Link:
    """The link whose mean is μ = η^exponent."""

    def eta(mean: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(mean ** (1.0 / exponent))

    def mean(eta: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(eta**exponent)

    def derivatives(eta: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        factors = np.cumprod([exponent, exponent - 1.0, exponent - 2.0])
        # A factor of zero stays zero where the power of η is infinite.
        return tuple(
            factor * eta ** (exponent - order) if factor else np.zeros_like(eta)
            for order, factor in enumerate(factors, start=1)
        )

    # An identity or inverse link is defined below zero too, but no family that has one allows a
    # mean there but the gaussian.
    return Link(name=name, eta=eta, mean=mean, derivatives=derivatives, positive=True)


_LINKS: Final[dict[str, Link]] = {
    "logit": Link(
        name="logit",
        eta=special.logit,
        mean=special.expit,
        derivatives=_logit_derivatives,
        positive=False,
    ),
    "probit": Link(
        name="probit",
        eta=special.ndtri,
        mean=special.ndtr,
        derivatives=_probit_derivatives,
        positive=False,
    ),
    "cauchit": Link(
        name="cauchit",
        eta=lambda mean: np.asarray(-1.0 / np.tan(np.pi * mean)),
        mean=_cauchit_mean,
        derivatives=_cauchit_derivatives,
        positive=False,
    ),
    "cloglog": Link(
        name="cloglog",
        eta=lambda mean: np.asarray(np.log(-np.log1p(-mean))),
        mean=lambda eta: np.asarray(-np.expm1(-np.exp(np.minimum(eta, LARGEST_EXPONENT)))),
        derivatives=_cloglog_derivatives,
        positive=False,
    ),
    "log": Link(name="log", eta=np.log, mean=np.exp, derivatives=_log_derivatives, positive=False),
    "identity": _power("identity", 1.0),
    "inverse": _power("inverse", -1.0),
    "sqrt": _power("sqrt", 2.0),
    "1/mu^2": _power("1/mu^2", -0.5),
}
