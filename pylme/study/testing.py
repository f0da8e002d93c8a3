"""p-values of the tests whose power is asked for.

Wald: z = β̂ / se, two-sided normal. Likelihood ratio: D₀ - D₁, the fall of the criterion, against
χ² with as many degrees of freedom as the larger model has more parameters. If all it has more is
one random effect, its variance lies on the boundary under the null hypothesis, and the distribution
is ½ χ²(d - 1) + ½ χ²(d) (Self & Liang 1987, JASA 82; Stram & Lee 1994, Biometrics 50). With several
random effects more the weights are not known in closed form: χ²(d) is conservative.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc, ndtr

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Difference", "likelihood_ratio_p", "wald_p"]


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
        """Whether it is one random effect, and nothing else."""
        return self.fixed == 0 and self.effects == 1

    def __str__(self) -> str:
        if self.on_boundary:
            return f"½ χ²({self.df - 1}) + ½ χ²({self.df})"
        return f"χ²({self.df})" + (", conservative" if self.effects else "")


def wald_p(estimate: ArrayLike, std_error: ArrayLike) -> NDArray[np.float64]:
    """Two-sided p-values of z statistics."""
    z = np.asarray(estimate, dtype=np.float64) / np.asarray(std_error, dtype=np.float64)
    return np.asarray(2.0 * ndtr(-np.abs(z)))


def likelihood_ratio_p(statistic: ArrayLike, difference: Difference) -> NDArray[np.float64]:
    """p-values of falls of the criterion; what rounding makes negative counts as zero."""
    fall = np.asarray(statistic, dtype=np.float64)
    fall = np.where(fall < 0, 0.0, fall)
    p = np.asarray(chdtrc(difference.df, fall))
    if not difference.on_boundary:
        return p
    below = (
        (fall <= 0).astype(np.float64) if difference.df == 1 else chdtrc(difference.df - 1, fall)
    )
    return np.asarray(0.5 * (below + p))
