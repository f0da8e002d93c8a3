"""Derivatives of the rows of a negative binomial by ln ϑ, for the log link.

With R = ϑ/(ϑ + μ), whose derivative by ln ϑ is Q = R(1 - R) and by η -Q, and a dot for ∂/∂ln ϑ at
a fixed η:

    ṡ = a(y-μ)Q      s̈ = a(y-μ)Q(1-2R)      ẇ = aμQ      ẅ = aμQ(1-2R)      ẇ′ = 2aμQR
    ẇ_o = -∂ṡ/∂η = aQ[μ + (y-μ)(1-2R)]      ẅ_o = aQ{μ(1-2R) + (y-μ)[(1-2R)² - 2Q]}
    ẇ_o′ = aQ{μ(4R-1) - (y-μ)[(1-2R)² - 2Q]}

References
----------
Lawless (1987), Canadian Journal of Statistics 15(3), 209-225.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pylme.families.rows import RowFunction

__all__ = ["ShapeDerivatives", "shape_derivatives"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShapeDerivatives:
    """Of each row, by ln ϑ at a fixed linear predictor, all of shape (n,).

    Attributes
    ----------
    score, score_twice : ndarray
        The first and the second derivative of the score.
    observed : ndarray
        The derivative of the observed information.
    information, information_twice : ndarray
        The first and the second of the information that the criterion has.
    information_slope : ndarray
        The derivative of its slope by η.
    """

    score: NDArray[np.float64]
    score_twice: NDArray[np.float64]
    observed: NDArray[np.float64]
    information: NDArray[np.float64]
    information_twice: NDArray[np.float64]
    information_slope: NDArray[np.float64]


def shape_derivatives(
    rows: RowFunction, eta: NDArray[np.float64], *, observed: bool
) -> ShapeDerivatives:
    """The derivatives by ln ϑ.

    Parameters
    ----------
    rows : RowFunction
        Of a negative binomial with the log link.
    eta : ndarray, shape (n,)
    observed : bool
        Whether the criterion has the observed information in place of the expected one.
    """
    shape = rows.family.shape
    assert shape is not None  # noqa: S101  (of negative binomials alone)
    mean = rows.mean(eta)
    R = shape / (shape + mean)
    aQ = rows.weights * R * (mean / (shape + mean))
    odd, left = 1.0 - 2.0 * R, rows.y - mean
    score, of_mean = aQ * left, aQ * mean
    seen = of_mean + odd * score
    if observed:
        bent = (odd * odd - 2.0 * R * (1.0 - R)) * score
        more = seen, odd * of_mean + bent, (4.0 * R - 1.0) * of_mean - bent
    else:
        more = of_mean, odd * of_mean, 2.0 * R * of_mean
    return ShapeDerivatives(
        score=score, score_twice=odd * score, observed=seen,
        information=more[0], information_twice=more[1], information_slope=more[2],
    )  # fmt: skip
