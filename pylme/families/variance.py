"""Variance functions: the variance of a response of mean μ, dispersion and weight left aside.

A power of the mean for all families but two:

    gaussian 1      poisson μ      Gamma μ²      inverse.gaussian μ³
    binomial μ(1 - μ)              negative binomial μ + μ²/ϑ

References
----------
McCullagh & Nelder (1989), Generalized Linear Models, 2nd edition, table 2.1 and section 11.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pylme.families.family import Family

__all__ = ["POWERS", "Variance", "variance_of"]

#: The exponent of the mean, by family.
POWERS: Final = {"gaussian": 0, "poisson": 1, "Gamma": 2, "inverse.gaussian": 3}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Variance:
    """A variance function and its first two derivatives by the mean, element by element."""

    value: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]


def variance_of(family: Family, mean: NDArray[np.float64]) -> Variance:
    """The variance function of a family at given means.

    Parameters
    ----------
    family : Family
    mean : ndarray
        Of any shape, within the range of the family's means.
    """
    if family.name == "binomial":
        return Variance(
            value=mean * (1.0 - mean), first=1.0 - 2.0 * mean, second=np.full_like(mean, -2.0)
        )
    if family.shape is not None:
        return Variance(
            value=mean * (1.0 + mean / family.shape),
            first=1.0 + 2.0 * mean / family.shape,
            second=np.full_like(mean, 2.0 / family.shape),
        )
    p = POWERS[family.name]
    return Variance(
        value=mean**p,
        first=p * mean ** max(p - 1, 0),
        second=p * (p - 1) * mean ** max(p - 2, 0),
    )
