"""p-values of likelihood ratio tests.

The statistic is D₀ - D₁, by how much the criterion of the larger model lies below that of the
smaller one. It is compared with χ²; the degrees of freedom are the number of additional parameters.
If the larger model has one additional random effect, the variance of this effect lies on the
boundary under the null hypothesis, and the distribution is ½ χ²(d - 1) + ½ χ²(d) (Self & Liang
1987, JASA 82; Stram & Lee 1994, Biometrics 50). With several additional random effects the weights
are not known in closed form: χ²(d) is conservative. All of this holds in large samples. With R
statistics drawn under the null hypothesis, p is the proportion of them, the observed one counted
among them, that are at least as large (Davison & Hinkley 1997, section 4.2.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Difference", "likelihood_ratio_p", "simulated_p"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The parameters that a model has in addition to those of a smaller one.

    Attributes
    ----------
    fixed : int
        Additional fixed effects.
    effects : int
        Additional random effects of each level.
    thetas : int
        Additional variances and covariances.
    """

    fixed: int
    effects: int
    thetas: int

    @property
    def df(self) -> int:
        """The number of additional parameters."""
        return self.fixed + self.thetas

    @property
    def on_boundary(self) -> bool:
        """Whether exactly one variance is additional, which the null hypothesis puts at zero."""
        return self.effects == 1

    def __str__(self) -> str:
        if self.on_boundary:
            return f"½ χ²({self.df - 1}) + ½ χ²({self.df})"
        return f"χ²({self.df})" + (", conservative" if self.effects else "")


def likelihood_ratio_p(statistic: ArrayLike, difference: Difference) -> NDArray[np.float64]:
    """p-values of likelihood ratio statistics, which are 0 or more."""
    fall = np.asarray(statistic, dtype=np.float64)
    p = np.asarray(chdtrc(difference.df, fall))
    if not difference.on_boundary:
        return p
    # χ² with 0 degrees of freedom is a mass at 0, for which chdtrc gives NaN.
    below = np.where(fall > 0, 0.0, 1.0)
    if difference.df > 1:
        below = chdtrc(difference.df - 1, fall)
    return np.where(np.isnan(fall), np.nan, 0.5 * (below + p))


def simulated_p(statistic: ArrayLike, null: ArrayLike) -> NDArray[np.float64]:
    """p-values from statistics drawn under the null hypothesis; NaN among them is left out."""
    given, drawn = (np.asarray(values, dtype=np.float64) for values in (statistic, null))
    drawn = np.sort(drawn[~np.isnan(drawn)])
    as_large = len(drawn) - np.searchsorted(drawn, given, side="left")
    return np.where(np.isnan(given), np.nan, (1.0 + as_large) / (1.0 + len(drawn)))
