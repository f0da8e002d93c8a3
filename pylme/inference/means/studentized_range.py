"""The distribution of the studentized range of k normal means, for any k > 1 and ν.

    P(Q ≤ q) = ∫ f_ν(s) P∞(qs) ds      P∞(w) = k ∫ φ(z) [Φ(z) - Φ(z - w)]^(k-1) dz

with f_ν the density of √(χ²_ν/ν) (Copenhaver & Holland 1988, Journal of Statistical Computation
and Simulation 30). Both integrals are by Gauss-Legendre, the outer one in log s, where the
integrand has the same width for all ν; a family of many contrasts takes milliseconds.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import stats
from scipy.optimize import brentq
from scipy.special import gammaln, ndtr

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["studentized_range_cdf", "studentized_range_quantile"]

_INNER, _OUTER = 128, 200
#: Where the normal density is zero to the last digit.
_FAR: Final = 8.5
#: Degrees of freedom from which on the variance counts as known: the effect is of order 1/ν.
_KNOWN: Final = 1e9
#: The probability that the outer integral leaves out on each side.
_LEFT_OUT: Final = 1e-17


@cache
def _legendre(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, weights = np.polynomial.legendre.leggauss(size)
    return nodes, weights


def _known_variance(w: NDArray[np.float64], k: float) -> NDArray[np.float64]:
    """P∞, shape of w."""
    nodes, weights = _legendre(_INNER)
    z = _FAR * nodes
    inside = ndtr(z) - ndtr(z - w[..., None])
    density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    made: NDArray[np.float64] = k * _FAR * (inside ** (k - 1.0) @ (weights * density))
    return made


def studentized_range_cdf(q: NDArray[np.float64], k: float, df: ArrayLike) -> NDArray[np.float64]:
    """P(Q ≤ q), shape (n,).

    Parameters
    ----------
    q : ndarray, shape (n,)
    k : float
        The number of means, above 1.
    df : array_like, shape (n,) or ()
        May be infinite.
    """
    each = np.broadcast_to(np.asarray(df, dtype=float), q.shape)
    made = np.empty(q.shape)
    for own in np.unique(each).tolist():
        places = each == own
        made[places] = _of_one(q[places], k, own)
    return np.clip(made, 0.0, 1.0)


def _of_one(q: NDArray[np.float64], k: float, df: float) -> NDArray[np.float64]:
    if df >= _KNOWN:
        return _known_variance(q, k)
    low = 0.5 * np.log(max(float(stats.chi2.ppf(_LEFT_OUT, df)), 1e-300) / df)
    high = 0.5 * np.log(float(stats.chi2.isf(_LEFT_OUT, df)) / df)
    nodes, weights = _legendre(_OUTER)
    x = 0.5 * (low + high) + 0.5 * (high - low) * nodes
    s = np.exp(x)
    # The density of log s, of s = √(χ²_ν/ν).
    density = np.exp(
        np.log(2.0) + 0.5 * df * np.log(0.5 * df) - gammaln(0.5 * df) + df * (x - 0.5 * s * s)
    )
    made: NDArray[np.float64] = (
        0.5 * (high - low) * (_known_variance(q[:, None] * s, k) @ (weights * density))
    )
    return made


def studentized_range_quantile(level: float, k: float, df: float) -> float:
    """The q with P(Q ≤ q) = level."""

    def above(q: float) -> float:
        return float(studentized_range_cdf(np.array([q]), k, df)[0]) - level

    high = 8.0
    while above(high) < 0.0:
        high *= 2.0
    return float(brentq(above, 0.0, high, xtol=1e-10))
