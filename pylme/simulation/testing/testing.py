"""p-values of the tests whose power is asked for.

Wald: |β̂| / se, two-sided, normal or t. Likelihood ratio: D₀ - D₁, the fall of the criterion,
against χ² with as many degrees of freedom as the larger model has more parameters. If it has one
random effect more, that effect's variance lies on the boundary under the null hypothesis, and the
distribution is ½ χ²(d - 1) + ½ χ²(d) (Self & Liang 1987, JASA 82; Stram & Lee 1994, Biometrics 50).
With several random effects more the weights are not known in closed form: χ²(d) is conservative.
Both hold in large samples. From R statistics drawn under the null hypothesis p is the part of them,
with the one at hand among them, that is as large (Davison & Hinkley 1997, section 4.2.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc, ndtr, stdtr

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Difference", "likelihood_ratio_p", "simulated_p", "wald_p"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a model has more than another.

    Attributes
    ----------
    fixed : int
        Fixed effects.
    effects : int
        Random effects of a level.
    thetas : int
        Variances and covariances.
    """

    fixed: int
    effects: int
    thetas: int

    @property
    def df(self) -> int:
        """Parameters more."""
        return self.fixed + self.thetas

    @property
    def on_boundary(self) -> bool:
        """Whether it is one variance that can only be positive, whatever else there is."""
        return self.effects == 1

    def __str__(self) -> str:
        if self.on_boundary:
            return f"½ χ²({self.df - 1}) + ½ χ²({self.df})"
        return f"χ²({self.df})" + (", conservative" if self.effects else "")


def wald_p(statistic: ArrayLike, df: float | None) -> NDArray[np.float64]:
    """Two-sided p-values of |t|, with some degrees of freedom; None takes it for normal."""
    below = -np.abs(np.asarray(statistic, dtype=np.float64))
    return np.asarray(2.0 * (ndtr(below) if df is None else stdtr(df, below)))


def likelihood_ratio_p(statistic: ArrayLike, difference: Difference) -> NDArray[np.float64]:
    """p-values of falls of the criterion, 0 or more."""
    fall = np.asarray(statistic, dtype=np.float64)
    p = np.asarray(chdtrc(difference.df, fall))
    if not difference.on_boundary:
        return p
    # chdtrc takes 0 degrees of freedom for none at all, and not for a mass at 0.
    below = np.where(fall > 0, 0.0, 1.0)
    if difference.df > 1:
        below = chdtrc(difference.df - 1, fall)
    return np.where(np.isnan(fall), np.nan, 0.5 * (below + p))


def simulated_p(statistic: ArrayLike, null: ArrayLike) -> NDArray[np.float64]:
    """p-values from statistics drawn under the null hypothesis; those that are NaN do not count."""
    given, drawn = (np.asarray(values, dtype=np.float64) for values in (statistic, null))
    drawn = np.sort(drawn[~np.isnan(drawn)])
    as_large = len(drawn) - np.searchsorted(drawn, given, side="left")
    return np.where(np.isnan(given), np.nan, (1.0 + as_large) / (1.0 + len(drawn)))
