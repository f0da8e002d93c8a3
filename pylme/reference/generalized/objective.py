"""What stands beside log|A| in the criterion: -2 ln f(y | u) as lme4 has it, and the penalty.

With D the deviance, û the mode and ν = Σa, lme4's 𝒜 + ûᵀû is

    poisson               -2 Σ a ln dpois(y; μ) + ûᵀû
    binomial              -2 Σ (a/m) ln dbinom(ỹ; m, μ) + ûᵀû     ỹ, m rounded to whole numbers
    negative binomial     -2 Σ ln dnbinom(y; μ, ϑ) + 2 Σ (a-1)(y+ϑ) ln(μ+ϑ) + ûᵀû
    Gamma                 2ν[ln Γ(k) - k ln k + k] + ν + 2 Σ a ln y + 2 + ûᵀû      k = ν/D
    inverse.gaussian      ν[1 + ln(2πD/ν)] + 3 Σ a ln y + 2 + ûᵀû
    gaussian              n[1 + ln(2πD/n)] - Σ ln a + 2 + ûᵀû

(R's `aic` of a family; the 2 is its convention.) For the last three this approximates no
likelihood, because the mode weighs D and ûᵀû equally. With b ~ N(0, φΛΛᵀ) and k = 1/φ a parameter
the likelihood is

    Gamma                 2ν[ln Γ(k) - k ln k + k] + 2 Σ a ln y + k(D + ûᵀû)
    inverse.gaussian      ν ln(2π/k) + 3 Σ a ln y + k(D + ûᵀû)
    gaussian              n ln(2π/k) - Σ ln a + k(D + ûᵀû)

References
----------
McCullagh & Nelder (1989), Generalized Linear Models, 2nd edition, section 8.3.
Breslow & Clayton (1993), Journal of the American Statistical Association 88, 9-25.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pylme.families import link_of, log_density
from pylme.families.density import log_rising
from pylme.families.family import has_dispersion
from pylme.families.rows import RowFunction

if TYPE_CHECKING:
    from pylme.families.rows import RowValues
    from pylme.results.generalized_problem import GeneralizedProblem

__all__ = ["Objective", "ObjectiveValue", "objective_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObjectiveValue:
    """The objective at one mode.

    Attributes
    ----------
    value : float
        𝒜 and the penalty together.
    score : ndarray, shape (n,)
        s^A = -½ ∂𝒜/∂η.
    penalty : float
        The factor of ûᵀû: 1, or k.
    """

    value: float
    score: NDArray[np.float64]
    penalty: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Objective:
    """𝒜 and the penalty of a model.

    Attributes
    ----------
    rows : RowFunction
        Of the mode.
    counted : RowFunction
        Of lme4's 𝒜: the same but for binomial responses that it rounds.
    constant : float
        What does not depend on parameters.
    nu : float
        ν; n for the gaussian family.
    dispersed : bool
        Whether the family has a dispersion.
    likelihood : bool
        Whether it is the likelihood proper of such a family.
    distinct : tuple of ndarray, shapes (k,) and (k,), or None
        The counts of a negative binomial, each once, and how often they occur: functions of ϑ and
        a count are computed for these alone.
    """

    rows: RowFunction
    counted: RowFunction
    constant: float
    nu: float
    dispersed: bool
    likelihood: bool
    distinct: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    def with_shape(self, shape: float) -> Objective:
        """The same for another ϑ of a negative binomial."""
        rows = self.rows.with_shape(shape)
        return Objective(
            rows=rows, counted=rows, constant=self.constant, nu=self.nu,
            dispersed=False, likelihood=False, distinct=self.distinct,
        )  # fmt: skip

    @property
    def saturated(self) -> float:
        """-2 ln f(y; y): by how much -2 ln f exceeds the deviance; 0 with a dispersion."""
        if self.dispersed:
            return 0.0
        theta = self.rows.family.shape
        if theta is None:
            return self.constant
        y, times = self.rows.y, self.rows.weights
        if self.distinct is not None and self.rows.plain:
            y, times = self.distinct
        logs = log_rising(y, theta) - (y + theta) * np.log1p(y / theta)
        logs += special.xlogy(y, y) - special.gammaln(y + 1.0)
        return -2.0 * float(times @ logs)

    def at(
        self, eta: NDArray[np.float64], values: RowValues, usq: float, k: float
    ) -> ObjectiveValue:
        """The objective at the mode.

        Parameters
        ----------
        eta : ndarray, shape (n,)
        values : RowValues
            At `eta`.
        usq : float
            ûᵀû.
        k : float
            1/φ, for the likelihood proper of a family with a dispersion.
        """
        s = values.derivatives.score
        if self.dispersed:
            D = float(values.deviance.sum())
            if self.likelihood:
                return ObjectiveValue(
                    value=self.constant + self._of_k(k) + k * (D + usq), score=k * s, penalty=k
                )
            k = self.nu / D if D > 0.0 else np.inf
            return ObjectiveValue(
                value=self.constant + self._profiled(D) + usq, score=self._kappa(k) * s, penalty=1.0
            )
        if self.rows.family.shape is not None:
            if self.rows.plain:
                value = float(values.deviance.sum()) + self.saturated
                return ObjectiveValue(value=value + usq, score=s, penalty=1.0)
            return self._negative_binomial(eta, s, usq)
        if self.counted is self.rows:
            value = float(values.deviance.sum())
        else:
            value, s = float(self.counted.deviance(eta).sum()), self.counted.score(eta)
        return ObjectiveValue(value=self.constant + value + usq, score=s, penalty=1.0)

    def change_of_score(
        self,
        eta: NDArray[np.float64],
        values: RowValues,
        along: NDArray[np.float64],
        k: float,
    ) -> NDArray[np.float64]:
        """The derivative of s^A where η moves, at a fixed shape or 1/φ.

        Parameters
        ----------
        eta : ndarray, shape (n,)
        values : RowValues
            At `eta`.
        along : ndarray, shape (..., n)
            The derivatives of η.
        k : float
            1/φ, for the likelihood proper of a family with a dispersion.
        """
        d = values.derivatives
        if not self.dispersed:
            a = self.rows.weights
            if self.counted is not self.rows:
                return np.asarray(-self.counted.at(eta).derivatives.observed * along)
            if self.rows.family.shape is None or self.rows.plain:
                return -d.observed * along
            mean, theta = self.rows.mean(eta), self._shape()
            first, second, _ = link_of(self.rows.family.link).derivatives(eta)
            share = first / (mean + theta)
            more = (a - 1.0) * (self.rows.y + theta) * (second / (mean + theta) - share**2)
            return np.asarray(-(d.observed / a + more) * along)
        if self.likelihood:
            return np.asarray(-k * d.observed * along)
        D = float(values.deviance.sum())
        k = self.nu / D
        # D falls by 2s as η rises, and κ with k = ν/D.
        change = self._slope_of_kappa(k) * 2.0 * k / D * (along @ d.score)
        return np.asarray(change[..., None] * d.score - self._kappa(k) * d.observed * along)

    def _shape(self) -> float:
        shape = self.rows.family.shape
        assert shape is not None  # noqa: S101  (asked of negative binomials alone)
        return shape

    def _negative_binomial(
        self, eta: NDArray[np.float64], s: NDArray[np.float64], usq: float
    ) -> ObjectiveValue:
        # lme4 multiplies one of the terms by the prior weights, and so does this.
        y, a, family = self.rows.y, self.rows.weights, self.rows.family
        theta, mean = self._shape(), self.rows.mean(eta)
        more = (a - 1.0) * (y + theta)
        value = 2.0 * float((more * np.log(mean + theta) - log_density(family, y, eta)).sum())
        s = s / a - more * _first(self.rows, eta) / (mean + theta)
        return ObjectiveValue(value=value + usq, score=s, penalty=1.0)

    def _profiled(self, D: float) -> float:
        if not D > 0.0:
            return -np.inf
        if self.rows.family.name == "Gamma":
            return self._of_k(self.nu / D) + self.nu + 2.0
        return float(self.nu * (1.0 + np.log(2.0 * np.pi * D / self.nu)) + 2.0)

    def _of_k(self, k: float) -> float:
        if self.rows.family.name == "Gamma":
            return float(2.0 * self.nu * (special.gammaln(k) - k * np.log(k) + k))
        return float(self.nu * np.log(2.0 * np.pi / k))

    def _kappa(self, k: float) -> float:
        if self.rows.family.name == "Gamma":
            return float(2.0 * k * k * (np.log(k) - special.digamma(k)))
        return k

    def _slope_of_kappa(self, k: float) -> float:
        if self.rows.family.name == "Gamma":
            more = 4.0 * k * (np.log(k) - special.digamma(k))
            return float(more + 2.0 * k * k * (1.0 / k - special.polygamma(1, k)))
        return 1.0


def _first(rows: RowFunction, eta: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first derivative of the mean by η."""
    return link_of(rows.family.link).derivatives(eta)[0]


def objective_of(
    problem: GeneralizedProblem, rows: RowFunction, trials: NDArray[np.float64] | None
) -> Objective:
    """The objective of a model.

    Parameters
    ----------
    problem : GeneralizedProblem
    rows : RowFunction
        Of the model, in any order.
    trials : ndarray, shape (n,), or None
        In the same order.
    """
    y, a = rows.y, rows.weights
    counted, constant, nu = rows, 0.0, float(a.sum())
    family = rows.family
    dispersed = has_dispersion(family)
    distinct = None
    if family.shape is not None:
        each, times = np.unique(y, return_counts=True)
        distinct = each, times.astype(np.float64)
    if family.name == "binomial":
        counted, constant = _binomial(rows, trials)
    elif family.name == "poisson":
        # The log-density less half the deviance: its value at μ = y.
        constant = -2.0 * float((a * (special.xlogy(y, y) - y - special.gammaln(y + 1.0))).sum())
    elif family.name == "Gamma":
        constant = 2.0 * float((a * np.log(y)).sum())
    elif family.name == "inverse.gaussian":
        constant = 3.0 * float((a * np.log(y)).sum())
    elif family.name == "gaussian":
        constant, nu = -float(np.log(a).sum()), float(len(y))
    return Objective(
        rows=rows, counted=counted, constant=constant, nu=nu, dispersed=dispersed,
        likelihood=dispersed and problem.criterion == "likelihood", distinct=distinct,
    )  # fmt: skip


def _binomial(rows: RowFunction, trials: NDArray[np.float64] | None) -> tuple[RowFunction, float]:
    """What R counts: trials and successes rounded to whole numbers, half to even."""
    y, a = rows.y, rows.weights
    m = trials if trials is not None and (trials > 1.0).any() else a
    whole = np.rint(m)
    successes = np.rint(m * y)
    used = whole > 0.0
    share = np.divide(successes, whole, out=np.zeros_like(whole), where=used)
    power = np.divide(a, whole, out=np.zeros_like(whole), where=used)
    counted = rows
    # Dividing m·y by m again may lose the last digit; that is no rounding to whole numbers.
    if not (used.all() and np.allclose(share, y, rtol=1e-12, atol=1e-15)):
        counted = RowFunction.of(rows.family, share, np.where(used, a, 0.0))
    best = special.xlogy(successes, share) + special.xlogy(whole - successes, 1.0 - share)
    if whole.max(initial=0.0) <= 1.0:
        return counted, -2.0 * float((power * best).sum())
    ways = (
        special.gammaln(whole + 1.0)
        - special.gammaln(successes + 1.0)
        - special.gammaln(whole - successes + 1.0)
    )
    return counted, -2.0 * float((power * (ways + best)).sum())
