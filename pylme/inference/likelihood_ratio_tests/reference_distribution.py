"""What a likelihood ratio is compared with in large samples: mixtures of χ² distributions.

The statistic is D₀ - D₁, by how much the criterion of the larger model lies below that of the
smaller one. Where no additional variance lies on the boundary it is compared with χ²; the degrees
of freedom are the number of additional parameters. With one additional random effect, whose
variance the null hypothesis puts at zero, it is ½ χ²(d - 1) + ½ χ²(d) (Self & Liang 1987, JASA 82;
Stram & Lee 1994, Biometrics 50). In general its distribution is a mixture, χ̄², whose weights depend
on the information (`boundary_weights`), or are replaced by shares of χ² that are drawn; where the
information is not known, χ²(d) is conservative.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

__all__ = ["Mixture", "p_of_each", "simulated_p"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mixture:
    """A mixture of χ² distributions.

    Attributes
    ----------
    df : tuple of int
        Their degrees of freedom; χ²(0) is a mass at zero.
    weights : tuple of float
    conservative : bool
        Whether it is used in place of a mixture with unknown weights.
    is_known : bool
        Whether p-values by it are right, or too large; False if no mixture is known.
    shares : ndarray, shape (draws,), or None
        In the place of weights: the statistic is a χ² of `df` times one of these, from 0 to 1,
        drawn by simulation.
    """

    df: tuple[int, ...]
    weights: tuple[float, ...]
    conservative: bool = False
    is_known: bool = True
    shares: NDArray[np.float64] | None = None

    @classmethod
    def simulated(cls, share: NDArray[np.float64], *, df: int, free: int) -> Mixture:
        """The distribution of what lies on the boundary, plus χ² of the free parameters.

        The statistic of what lies on the boundary is a share of a χ²(c) that is independent of it,
        c = df - free (see `cone_projection`). Of χ²(c) + χ²(free) = χ²(df), χ²(c) is the part b,
        Beta(c/2, free/2) and independent too: the statistic is χ²(df) times b·share + 1 - b. Its
        tail is right far beyond all draws.

        Parameters
        ----------
        share : ndarray, shape (draws,)
        df : int
            The number of parameters that are tested.
        free : int
            Those of them that have no bound.
        """
        if free:
            rng = np.random.default_rng(2)
            part = rng.beta((df - free) / 2.0, free / 2.0, size=len(share))
            share = part * share + (1.0 - part)
        return cls(df=(df,), weights=(1.0,), shares=share)

    @classmethod
    def plain(cls, df: int, *, conservative: bool = False) -> Mixture:
        """The mixture of one part, χ².

        Parameters
        ----------
        df : int
            Degrees of freedom.
        conservative : bool
            Whether p-values by it are known to be too large.
        """
        return cls(df=(df,), weights=(1.0,), conservative=conservative)

    @classmethod
    def unknown(cls, df: int) -> Mixture:
        """The χ² used where the larger model's covariances are no convex cone at the null fit.

        Parameters
        ----------
        df : int
            Degrees of freedom.
        """
        return cls(df=(df,), weights=(1.0,), is_known=False)

    @classmethod
    def one_variance(cls, df: int) -> Mixture:
        """The mixture for one variance on the boundary.

        Parameters
        ----------
        df : int
            The number of parameters that are tested, the variance included.
        """
        return cls(df=(df - 1, df), weights=(0.5, 0.5))

    @property
    def bounded(self) -> bool:
        """Whether it is another distribution than χ², or stands in the place of one."""
        return len(self.df) > 1 or self.conservative or not self.is_known or self.shares is not None

    def p_values(self, statistic: ArrayLike) -> NDArray[np.float64]:
        """The p-values of statistics.

        Parameters
        ----------
        statistic : array_like
            Numbers of 0 or more; NaN gives NaN.
        """
        fall = np.asarray(statistic, dtype=np.float64)
        if self.shares is not None:
            positive = self.shares[self.shares > 0.0]
            above = chdtrc(self.df[0], fall[..., None] / positive).sum(axis=-1) / len(self.shares)
            return np.where(np.isnan(fall), np.nan, np.where(fall > 0.0, above, 1.0))
        total = np.zeros_like(fall)
        for df, weight in zip(self.df, self.weights, strict=True):
            # χ² with 0 degrees of freedom is a mass at 0, for which chdtrc gives NaN.
            total += weight * (np.where(fall > 0, 0.0, 1.0) if df == 0 else chdtrc(df, fall))
        # Weights of a bound, not of a distribution, may add up to more than 1.
        return np.where(np.isnan(fall), np.nan, np.minimum(total, 1.0))

    def __str__(self) -> str:
        if self.shares is not None:
            return f"χ̄²({self.df[0]}) by {len(self.shares):,} draws"
        if len(self.df) == 1:
            said = ", conservative" * self.conservative
            return f"χ²({self.df[0]})" + said + ", as no mixture is known" * (not self.is_known)
        parts = " + ".join(
            f"{_fraction(weight)} χ²({df})"
            for df, weight in zip(self.df, self.weights, strict=True)
            if weight > 0
        )
        return f"at most {parts}" if min(self.weights) < 0 else parts


def _fraction(weight: float) -> str:
    return "½" if weight == 0.5 else f"{weight:.3g}"


def p_of_each(
    mixtures: Iterable[Mixture | None], statistic: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The p-value of each statistic by its own mixture; NaN where there is none."""
    return np.array(
        [
            np.nan if mixture is None else float(mixture.p_values(value))
            for mixture, value in zip(mixtures, statistic, strict=True)
        ]
    )


def simulated_p(statistic: ArrayLike, null: ArrayLike) -> NDArray[np.float64]:
    """p-values from statistics drawn under the null hypothesis; NaN among them is left out.

    p is the proportion of the drawn statistics, the observed one counted among them, that are at
    least as large (Davison & Hinkley 1997, section 4.2.1).
    """
    given, drawn = (np.asarray(values, dtype=np.float64) for values in (statistic, null))
    drawn = np.sort(drawn[~np.isnan(drawn)])
    as_large = len(drawn) - np.searchsorted(drawn, given, side="left")
    return np.where(np.isnan(given), np.nan, (1.0 + as_large) / (1.0 + len(drawn)))
