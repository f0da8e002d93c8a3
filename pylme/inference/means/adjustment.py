"""P-values and intervals of a family of contrasts, adjusted for their number.

With n contrasts of k means, statistics t_i with df_i degrees of freedom and unadjusted p_i:

    tukey       P(Q_{k,df} > √2|t|), of pairwise contrasts       sidak       1 - (1 - p)ⁿ
    scheffe     P(F_{r,df} > t²/r), r the rank of the contrasts  bonferroni  np
    mvt         1 - P(max|T| ≤ |t|), T multivariate t with the contrasts' correlation
    dunnettx    1 - [(n-1)/n P(Q_{f,df} ≤ √2|t|) + (1-p)ⁿ/n],   f = (1 + √(1+8n))/2
    holm        Holm (1979), Scandinavian Journal of Statistics 6
    bh          Benjamini & Hochberg (1995), Journal of the Royal Statistical Society B 57

(Hochberg & Tamhane 1987, Multiple Comparison Procedures; Lenth 2016, Journal of Statistical
Software 69, for the approximation to Dunnett's distribution.) Holm and Benjamini-Hochberg define no
simultaneous intervals; those given with them are Bonferroni's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from pylme.inference.means.maximum import MaximumModulus
from pylme.inference.means.studentized_range import (
    studentized_range_cdf,
    studentized_range_quantile,
)
from pylme.inference.wald import f_quantile, joint_p, wald_p, wald_reach

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Adjust", "Family", "adjusted", "critical_values", "holm"]

Adjust = Literal["tukey", "sidak", "bonferroni", "holm", "bh", "scheffe", "mvt", "dunnettx", "none"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Family:
    """Contrasts that are adjusted together: those that the data determine.

    Attributes
    ----------
    statistic, df : ndarray, shape (n,)
    correlation : ndarray, shape (n, n)
    means : int
        k, the number of means that are compared.
    rank : int
        r, the number of independent contrasts.
    pairwise : bool
        Whether these are all pairwise differences.
    """

    statistic: NDArray[np.float64]
    df: NDArray[np.float64]
    correlation: NDArray[np.float64]
    means: int
    rank: int
    pairwise: bool

    @property
    def size(self) -> int:
        """The number of contrasts, n."""
        return len(self.statistic)


def effective(adjust: Adjust, family: Family) -> Adjust:
    """What is applied: nothing to a single contrast, and Sidak's where Tukey's is not defined."""
    if family.size == 1:
        return "none"
    return "sidak" if adjust == "tukey" and not family.pairwise else adjust


def adjusted(adjust: Adjust, family: Family) -> NDArray[np.float64]:
    """Adjusted p-values, shape (n,).

    Parameters
    ----------
    adjust : str
        From `effective`.
    family : Family
    """
    n, df = family.size, family.df
    size = np.abs(family.statistic)
    p = wald_p(family.statistic, df)
    match adjust:
        case "none":
            return p
        case "bonferroni":
            return np.minimum(1.0, n * p)
        case "sidak":
            return np.asarray(-np.expm1(n * np.log1p(-p)))
        case "holm":
            return holm(p)
        case "bh":
            return _stepwise(p, n / np.arange(1.0, n + 1), down=False)
        case "tukey":
            return 1.0 - studentized_range_cdf(np.sqrt(2.0) * size, family.means, df)
        case "scheffe":
            return joint_p(size**2 / family.rank, family.rank, df)
        case "dunnettx":
            return 1.0 - _dunnett(size, n, df)
        case "mvt":
            return 1.0 - _maximum(family).cdf(size, _whole(df))
    raise TypeError(adjust)


def critical_values(adjust: Adjust, family: Family, conf_level: float) -> NDArray[np.float64]:
    """How many standard errors the intervals reach to each side, shape (n,).

    Parameters
    ----------
    adjust : str
        From `effective`.
    family : Family
    conf_level : float
    """
    n, df = family.size, family.df
    alpha = 1.0 - conf_level
    match adjust:
        case "none":
            return wald_reach(alpha, df)
        case "bonferroni" | "holm" | "bh":
            return wald_reach(alpha / n, df)
        case "sidak":
            return wald_reach(-np.expm1(np.log1p(-alpha) / n), df)
        case "tukey":
            ranges = _by_df(
                df, lambda own: studentized_range_quantile(conf_level, family.means, own)
            )
            return np.asarray(ranges / np.sqrt(2.0))
        case "scheffe":
            r = family.rank
            return np.asarray(np.sqrt(r * f_quantile(alpha, r, df)))
        case "dunnettx":
            return _by_df(df, lambda own: _root(lambda t: _dunnett(t, n, own), conf_level))
        case "mvt":
            maximum = _maximum(family)
            return _by_df(_whole(df), lambda own: _root(lambda t: maximum.cdf(t, own), conf_level))
    raise TypeError(adjust)


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """P-values adjusted by Holm's method, shape (n,)."""
    n = len(p)
    return _stepwise(p, n - np.arange(n, dtype=float), down=True)


def _stepwise(
    p: NDArray[np.float64], factors: NDArray[np.float64], *, down: bool
) -> NDArray[np.float64]:
    """P-values times factors by rank, made monotone: from the smallest up, or from the largest."""
    order = np.argsort(p, kind="stable")
    scaled = p[order] * factors
    monotone = np.maximum.accumulate(scaled) if down else np.minimum.accumulate(scaled[::-1])[::-1]
    made = np.empty_like(p)
    made[order] = np.minimum(1.0, monotone)
    return made


def _dunnett(
    size: NDArray[np.float64], n: int, df: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """The approximate distribution of the largest of n comparisons with one control."""
    f = 0.5 * (1.0 + np.sqrt(1.0 + 8.0 * n))
    one = 1.0 - wald_p(size, df)
    made: NDArray[np.float64] = (n - 1) / n * studentized_range_cdf(
        np.sqrt(2.0) * size, f, df
    ) + one**n / n
    return made


def _whole(df: NDArray[np.float64]) -> NDArray[np.float64]:
    """Degrees of freedom as the multivariate t distribution is given them."""
    return np.where(np.isinf(df), df, np.maximum(np.floor(df + 0.25), 1.0))


def _maximum(family: Family) -> MaximumModulus:
    return MaximumModulus(family.correlation)


def _by_df(df: NDArray[np.float64], quantile: Callable[[float], float]) -> NDArray[np.float64]:
    """A quantile for each different number of degrees of freedom."""
    found, places = np.unique(df, return_inverse=True)
    return np.array([quantile(float(own)) for own in found])[places]


def _root(cdf: Callable[[NDArray[np.float64]], NDArray[np.float64]], level: float) -> float:
    def above(t: float) -> float:
        return float(cdf(np.array([t]))[0]) - level

    high = 4.0
    while above(high) < 0.0:
        high *= 2.0
    return float(brentq(above, 0.0, high, xtol=1e-10))
