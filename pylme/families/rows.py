"""All that one iteration asks of the rows of a generalized model, at one linear predictor.

The deviance and its derivatives share the mean, and what does not depend on η is computed once.
The canonical links of binary and count responses, where most of the work is done, have forms of
their own (logit: e = e^(-|η|) gives everything):

    logit         d = 2a[softplus(η) - yη] + const     s = a(y - μ)    w = aμ(1-μ)    w′ = w(1-2μ)
    poisson log   d = 2a[μ - yη] + const               s = a(y - μ)    w = aμ         w′ = w

References
----------
McCullagh & Nelder (1989), Generalized Linear Models, 2nd edition, chapters 2, 4 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pylme.families.density import deviance
from pylme.families.derivatives import RowDerivatives, row_derivatives
from pylme.families.family import Family, confined
from pylme.families.link import link_of

if TYPE_CHECKING:
    from typing import Self

__all__ = ["RowFunction", "RowValues"]

_CANONICAL = {("binomial", "logit"), ("poisson", "log"), ("Gamma", "inverse")}
_CANONICAL |= {("inverse.gaussian", "1/mu^2")}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowValues:
    """Deviances and derivatives of all rows at one linear predictor, each of shape (n,).

    Attributes
    ----------
    deviance : ndarray
    derivatives : RowDerivatives
    """

    deviance: NDArray[np.float64]
    derivatives: RowDerivatives


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowFunction:
    """The rows of a model as a function of the linear predictor.

    Attributes
    ----------
    family : Family
    y, weights : ndarray, shape (n,)
        Responses (proportions for the binomial) and prior weights (times trials).
    least : ndarray, shape (n,), or None
        What the deviance has that does not depend on η, for the links that have their own form.
    """

    family: Family
    y: NDArray[np.float64]
    weights: NDArray[np.float64]
    least: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, family: Family, y: NDArray[np.float64], weights: NDArray[np.float64]) -> Self:
        """The function, with the constants of its deviance."""
        least = None
        if (family.name, family.link) == ("binomial", "logit"):
            least = -2.0 * weights * (special.entr(y) + special.entr(1.0 - y))
        elif (family.name, family.link) == ("poisson", "log"):
            least = 2.0 * weights * (special.xlogy(y, y) - y)
        return cls(family=family, y=y, weights=weights, least=least)

    @property
    def canonical(self) -> bool:
        """Whether expected and observed information are the same."""
        return (self.family.name, self.family.link) in _CANONICAL

    @property
    def confined_to_positive(self) -> bool:
        """Whether η must be positive for the family to have the mean."""
        return not confined(self.family)

    def with_shape(self, shape: float) -> Self:
        """The same rows of a negative binomial of another ϑ."""
        return replace(self, family=replace(self.family, shape=shape))

    def possible(self, eta: NDArray[np.float64]) -> bool:
        """Whether all linear predictors give means that the family has."""
        if self.family.name == "binomial" and self.family.link == "log":
            return bool((eta < 0.0).all())
        return not self.confined_to_positive or bool((eta > 0.0).all())

    def mean(self, eta: NDArray[np.float64]) -> NDArray[np.float64]:
        """The means, shape (n,)."""
        return link_of(self.family.link).mean(eta)

    def deviance(self, eta: NDArray[np.float64]) -> NDArray[np.float64]:
        """The deviance of each row, shape (n,) or, for several η of each row, (k, n)."""
        if self.least is None:
            return deviance(self.family, self.y, eta, self.weights)
        if self.family.name == "poisson":
            return np.asarray(self.least + 2.0 * self.weights * (np.exp(eta) - self.y * eta))
        softplus = np.maximum(eta, 0.0) + np.log1p(np.exp(-np.abs(eta)))
        return np.asarray(self.least + 2.0 * self.weights * (softplus - self.y * eta))

    def score(self, eta: NDArray[np.float64]) -> NDArray[np.float64]:
        """The score of each row, shape (n,) or, for several η of each row, (k, n)."""
        if self.least is None:
            return row_derivatives(self.family, self.y, eta, self.weights).score
        mean = np.exp(eta) if self.family.name == "poisson" else special.expit(eta)
        return np.asarray(self.weights * (self.y - mean))

    def at(self, eta: NDArray[np.float64]) -> RowValues:
        """Everything at one linear predictor."""
        if self.least is None:
            return RowValues(
                deviance=deviance(self.family, self.y, eta, self.weights),
                derivatives=row_derivatives(self.family, self.y, eta, self.weights),
            )
        a, y = self.weights, self.y
        if self.family.name == "poisson":
            mean = np.exp(eta)
            d = self.least + 2.0 * a * (mean - y * eta)
            w = slope = a * mean
        else:
            e = np.exp(-np.abs(eta))
            small = e / (1.0 + e)
            mean = np.where(eta > 0.0, 1.0 - small, small)
            d = self.least + 2.0 * a * (np.maximum(eta, 0.0) + np.log1p(e) - y * eta)
            w = a * (small / (1.0 + e))
            slope = w * (1.0 - 2.0 * mean)
        return RowValues(
            deviance=d,
            derivatives=RowDerivatives(
                score=a * (y - mean), expected=w, expected_slope=slope,
                observed=w, observed_slope=slope,
            ),
        )  # fmt: skip
