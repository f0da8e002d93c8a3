"""Intervals from bootstrap replicates.

With R replicates t*_1 ≤ … ≤ t*_R of an estimate t, the α quantile is t*_((R+1)α), between two order
statistics by interpolation on the normal scale. For an interval of level 1 - 2α:

    percentile    t*_((R+1)α),         t*_((R+1)(1-α))
    basic         2t - t*_((R+1)(1-α)), 2t - t*_((R+1)α)
    BCa           t*_((R+1)α̃) at both ends, with α̃ = Φ(w + (w + z_α) / (1 - a(w + z_α))),
                  w = Φ⁻¹(#{t* < t} / R), replicates equal to t counted half

where a is the acceleration.

Davison & Hinkley (1997), Bootstrap Methods and their Application, sections 5.2 and 5.3, eq. (5.8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import ndtr, ndtri

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["IntervalKind", "interval", "quantiles"]

IntervalKind = Literal["percentile", "basic", "bca"]


def quantiles(replicates: ArrayLike, alphas: ArrayLike) -> NDArray[np.float64]:
    """Quantiles of the finite replicates; NaN if there are fewer than two.

    Parameters
    ----------
    replicates : array_like, shape (R,)
    alphas : array_like
        Between 0 and 1. Beyond the range of the replicates, the quantile is the extreme one.
    """
    t = np.sort(np.asarray(replicates, dtype=np.float64))
    t = t[np.isfinite(t)]
    alphas = np.asarray(alphas, dtype=np.float64)
    R = len(t)
    if R < 2:
        return np.full(alphas.shape, np.nan)
    rank = (R + 1) * alphas
    # A rank that is an integer up to rounding is the rank of a replicate.
    whole = np.round(rank)
    rank = np.where(np.isclose(rank, whole, rtol=0, atol=1e-9), whole, rank)
    with np.errstate(invalid="ignore"):
        k = np.clip(np.floor(np.nan_to_num(rank, nan=1.0)), 1, R - 1).astype(np.intp)
        below, above = ndtri(k / (R + 1)), ndtri((k + 1) / (R + 1))
        part = np.where(rank == k, 0.0, (ndtri(alphas) - below) / (above - below))
    found = t[k - 1] + np.clip(part, 0.0, 1.0) * (t[k] - t[k - 1])
    return np.where(np.isnan(alphas), np.nan, found)


def interval(
    kind: IntervalKind,
    replicates: ArrayLike,
    estimate: float,
    *,
    conf_level: float,
    acceleration: float = np.nan,
) -> tuple[float, float]:
    """The ends of an interval.

    Parameters
    ----------
    kind : {"percentile", "basic", "bca"}
    replicates : array_like, shape (R,)
    estimate : float
    conf_level : float
    acceleration : float
        For "bca". The ends are NaN if it is NaN, or if w is infinite.
    """
    alphas = np.array([(1 - conf_level) / 2, (1 + conf_level) / 2])
    if kind == "bca":
        alphas = _adjusted(alphas, np.asarray(replicates, dtype=np.float64), estimate, acceleration)
    low, high = quantiles(replicates, alphas).tolist()
    if kind == "basic":
        return 2 * estimate - high, 2 * estimate - low
    return low, high


def _adjusted(
    alphas: NDArray[np.float64], replicates: NDArray[np.float64], estimate: float, a: float
) -> NDArray[np.float64]:
    known = replicates[np.isfinite(replicates)]
    if not len(known):
        return np.full(2, np.nan)
    w = ndtri(np.mean(known < estimate) + np.mean(known == estimate) / 2)
    z = w + ndtri(alphas)
    # Beyond its pole the formula gives an end on the wrong side.
    if not (np.isfinite(a) and np.isfinite(w) and (1 - a * z > 0).all()):
        return np.full(2, np.nan)
    return np.asarray(ndtr(w + z / (1 - a * z)))
