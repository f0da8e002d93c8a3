"""P-values of one term of many responses, adjusted for the number of responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.stats import false_discovery_control

from pylme.inference.means.adjustment import holm

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Adjust", "adjusted"]

Adjust = Literal["bh", "by", "holm", "bonferroni", "none"]


def adjusted(p: NDArray[np.float64], how: Adjust) -> NDArray[np.float64]:
    """Adjusted p-values; NaN where there is none, which does not count.

    Parameters
    ----------
    p : ndarray, shape (R,)
    how : {"bh", "by", "holm", "bonferroni", "none"}

    References
    ----------
    Benjamini & Hochberg (1995), Journal of the Royal Statistical Society B 57; Benjamini &
    Yekutieli (2001), Annals of Statistics 29; Holm (1979), Scandinavian Journal of Statistics 6.

    Examples
    --------
    >>> adjusted(np.array([0.01, 0.04, np.nan, 0.03]), "bh")
    array([0.03, 0.04,  nan, 0.04])
    """
    made = np.full(p.shape, np.nan)
    known = ~np.isnan(p)
    own = p[known]
    if not own.size or how == "none":
        return p.copy()
    match how:
        case "bh" | "by":
            made[known] = false_discovery_control(own, method=how)
        case "holm":
            made[known] = holm(own)
        case "bonferroni":
            made[known] = np.minimum(own * len(own), 1.0)
    return made
