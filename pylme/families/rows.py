"""All that one iteration asks of the rows of a generalized model, at one linear predictor.

The deviance and its derivatives share the mean, and what does not depend on η is computed once.
The canonical links of binary and count responses, where most of the work is done, have forms of
their own (logit: e = e^(-|η|) gives everything):

    logit         d = 2a[softplus(η) - yη] + const     s = a(y - μ)    w = aμ(1-μ)    w′ = w(1-2μ)
    poisson log   d = 2a[μ - yη] + const               s = a(y - μ)    w = aμ         w′ = w

So has the log link of a negative binomial, whose search evaluates it at one ϑ after another; with
R = ϑ/(ϑ + μ), Q = R(1 - R), e = y - μ and d = 2a[y ln y - yη - (y + ϑ) log1p(e/(μ + ϑ))]:

    s = aRe      w = aμR      w′ = aμR²      w″ = aμR²(2R-1)      w_o = w + aQe
    w_o′ = w′ - aμQ - aQ(1-2R)e      w_o″ = w″ + aμQ(1-4R) + aQ[(1-2R)² - 2Q]e

References
----------
McCullagh & Nelder (1989), Generalized Linear Models, 2nd edition, chapters 2, 4 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

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

#: Links whose mean is smooth at every η.
_EVERYWHERE = ("logit", "probit", "cloglog", "cauchit", "log")
#: The step of a difference by η, relative.
STEP: Final = 1e-5

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
    plain : bool
        Whether all weights are 1.
    """

    family: Family
    y: NDArray[np.float64]
    weights: NDArray[np.float64]
    least: NDArray[np.float64] | None = None
    plain: bool = False

    @classmethod
    def of(cls, family: Family, y: NDArray[np.float64], weights: NDArray[np.float64]) -> Self:
        """The function, with the constants of its deviance."""
        least = None
        if (family.name, family.link) == ("binomial", "logit"):
            least = -2.0 * weights * (special.entr(y) + special.entr(1.0 - y))
        elif (family.name, family.link) == ("poisson", "log"):
            least = 2.0 * weights * (special.xlogy(y, y) - y)
        elif family.shape is not None and family.link == "log":
            least = 2.0 * weights * special.xlogy(y, y)
        plain = bool((weights == 1.0).all())
        return cls(family=family, y=y, weights=weights, least=least, plain=plain)

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
        if self.family.shape is not None:
            mean, shape = np.exp(eta), self.family.shape
            rest = (self.y + shape) * np.log1p((self.y - mean) / (mean + shape))
            return np.asarray(self.least - 2.0 * self.weights * (self.y * eta + rest))
        softplus = np.maximum(eta, 0.0) + np.log1p(np.exp(-np.abs(eta)))
        return np.asarray(self.least + 2.0 * self.weights * (softplus - self.y * eta))

    def score(self, eta: NDArray[np.float64]) -> NDArray[np.float64]:
        """The score of each row, shape (n,) or, for several η of each row, (k, n)."""
        if self.least is None:
            return row_derivatives(self.family, self.y, eta, self.weights).score
        if self.family.name == "binomial":
            return np.asarray(self.weights * (self.y - special.expit(eta)))
        mean = np.exp(eta)
        share = 1.0 if (shape := self.family.shape) is None else shape / (shape + mean)
        return np.asarray(self.weights * share * (self.y - mean))

    def second_slope(
        self, eta: NDArray[np.float64], *, observed: bool = False
    ) -> NDArray[np.float64]:
        """The second derivative of the information of each row by η, shape (n,).

        But for the links that have their own form it is the difference of the exact first
        derivative, row by row, whose relative error is about 1e-10.

        Parameters
        ----------
        eta : ndarray, shape (n,)
        observed : bool
            Of the observed information in place of the expected one.
        """
        if self.least is not None:
            mean = self.mean(eta)
            if self.family.name == "poisson":
                return np.asarray(self.weights * mean)
            if self.family.shape is not None:
                return self._second_slope_with_shape(mean, self.family.shape, observed=observed)
            spread = mean * special.expit(-eta)
            return np.asarray(self.weights * spread * (1.0 - 6.0 * spread))
        size = np.maximum(np.abs(eta), 1.0)
        if self.confined_to_positive or self.family.link not in _EVERYWHERE:
            # The information is about a power of η, and the difference must not cross zero.
            size = np.where(eta == 0.0, 1.0, np.abs(eta))
        above, below = eta + STEP * size, eta - STEP * size
        ends = [row_derivatives(self.family, self.y, each, self.weights) for each in (above, below)]
        first, last = [d.observed_slope if observed else d.expected_slope for d in ends]
        return np.asarray((first - last) / (above - below))

    def at(self, eta: NDArray[np.float64]) -> RowValues:
        """Everything at one linear predictor."""
        if self.least is None:
            return RowValues(
                deviance=deviance(self.family, self.y, eta, self.weights),
                derivatives=row_derivatives(self.family, self.y, eta, self.weights),
            )
        if self.family.shape is not None:
            return self._with_shape(eta, self.family.shape)
        form = _poisson if self.family.name == "poisson" else _logit
        return form(eta, self.y, None if self.plain else self.weights, self.least)

    def _with_shape(self, eta: NDArray[np.float64], shape: float) -> RowValues:
        """Everything of a negative binomial with the log link."""
        assert self.least is not None  # noqa: S101  (asked for where there is one)
        y, mean = self.y, np.exp(eta)
        total, left = mean + shape, y - mean
        d = np.log1p(left / total)
        d *= y + shape
        d += y * eta
        R = shape / total
        rest = mean / total
        s = R * left
        w = R * mean
        if not self.plain:
            a = self.weights
            d *= a
            s *= a
            w *= a
        d *= -2.0
        d += self.least
        slope = R * w
        seen = rest * s
        more = (R - rest) * seen
        seen += w
        more += slope
        more -= rest * w
        derivatives = RowDerivatives(
            score=s, expected=w, expected_slope=slope, observed=seen, observed_slope=more
        )
        return RowValues(deviance=d, derivatives=derivatives)

    def _second_slope_with_shape(
        self, mean: NDArray[np.float64], shape: float, *, observed: bool
    ) -> NDArray[np.float64]:
        R, rest = shape / (shape + mean), mean / (shape + mean)
        expected = self.weights * mean * R * R * (R - rest)
        if not observed:
            return np.asarray(expected)
        Q = self.weights * R * rest
        odd = rest - R
        bent = (odd * odd - 2.0 * R * rest) * (self.y - mean)
        return np.asarray(expected + Q * (mean * (1.0 - 4.0 * R) + bent))


def _poisson(
    eta: NDArray[np.float64],
    y: NDArray[np.float64],
    a: NDArray[np.float64] | None,
    least: NDArray[np.float64],
) -> RowValues:
    mean = np.exp(eta)
    d = mean - y * eta
    s = y - mean
    if a is not None:
        s *= a
        mean *= a
        d *= a
    d *= 2.0
    d += least
    return _canonical(d, s, mean, mean)


def _logit(
    eta: NDArray[np.float64],
    y: NDArray[np.float64],
    a: NDArray[np.float64] | None,
    least: NDArray[np.float64],
) -> RowValues:
    e = np.abs(eta)
    np.negative(e, out=e)
    np.exp(e, out=e)
    # log(1+e) with the digits that 1+e loses: NumPy's log takes two thirds of log1p's time.
    share = e + 1.0
    d = share - 1.0
    np.subtract(e, d, out=d)
    d /= share
    d += np.log(share)
    d += np.maximum(eta, 0.0)
    d -= y * eta
    d *= 2.0
    # The lesser of both probabilities, and the signed distance of μ from ½.
    small = np.divide(e, share, out=e)
    w = small / share
    half = np.copysign(0.5 - small, eta)
    s = y - 0.5
    s -= half
    if a is not None:
        d *= a
        s *= a
        w *= a
    d += least
    half *= w
    half *= -2.0
    return _canonical(d, s, w, half)


def _canonical(
    d: NDArray[np.float64],
    s: NDArray[np.float64],
    w: NDArray[np.float64],
    slope: NDArray[np.float64],
) -> RowValues:
    derivatives = RowDerivatives(
        score=s, expected=w, expected_slope=slope, observed=w, observed_slope=slope
    )
    return RowValues(deviance=d, derivatives=derivatives)
