"""Groups whose rows all have one outcome, so that their spread has no finite estimate.

Where the response of a binomial model is the same in all rows of each group, no finite standard
deviation σ of the groups' intercepts is the best. For a probit link, γ = β/√(1 + σ²) gives a row
the probability Φ(x'γ) of a success at (β, σ). The rows of a group of successes have together at
most the least of these, and less if they are two or more; it is what (kγ, k) gives the group as k
grows. Failures mirror this. With a constant alone the same holds for every link: (kc, k) tends to
Φ(c), and c can be chosen for any probability.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.identifiability.separation.constraints import signs_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.families import Family

__all__ = ["groups_are_separated"]


def groups_are_separated(family: Family, y: NDArray[np.float64], codes: NDArray[np.int32]) -> bool:
    """Whether all rows of each group have one outcome, and the groups have both.

    Parameters
    ----------
    family : Family
    y : ndarray, shape (n,) or (n, 2)
        Zeros and ones, proportions, or successes and failures in two columns.
    codes : ndarray of int, shape (n,)
        The group of each row, from 0.
    """
    if family.name != "binomial":
        return False
    signs = signs_of(family, y)
    if signs is None or not signs.all() or len(np.unique(signs)) < 2:
        return False
    rows = np.bincount(codes)
    return bool(rows.max() > 1 and (np.abs(np.bincount(codes, weights=signs)) == rows).all())
