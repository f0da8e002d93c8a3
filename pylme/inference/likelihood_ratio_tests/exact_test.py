"""The exact null distribution of the likelihood ratio of a single variance.

With μ_s the K nonzero eigenvalues of Zᵀ(I - P_X)Z, w_s ~ χ²₁ and w₀ ~ χ²(ν - K), all independent,
ν = n - p, the restricted likelihood ratio of a model with one variance against none is

    sup_λ  ν log[(Σ w_s + w₀)/(Σ w_s/(1 + λμ_s) + w₀)] - Σ log(1 + λμ_s)

(Crainiceanu & Ruppert 2004, JRSS B 66(1), theorem 1). By ML n stands in front, and the eigenvalues
of ZᵀZ in the last sum. Where all μ_s are equal, as in balanced designs, it is a function of
F = (Σ w_s/K)/(w₀/(ν - K)), which rises where F > 1:

    RLRT = ν log((KF + ν - K)/ν) - K log F

so that the test is that of the analysis of variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import brentq
from scipy.stats import f as f_distribution

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.results.linear_problem import LinearProblem

__all__ = ["ExactTest", "exact_test"]

DRAWS: Final = 100_000
#: Eigenvalues below this part of the largest are zero; equal if they differ by less.
_EQUAL: Final = 1e-8
_GRID: Final = 200
_AT_ONCE: Final = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactTest:
    """The exact test of a variance.

    Attributes
    ----------
    p_value : float
    std_error : float
        Of the simulation; zero where the distribution is known in closed form.
    """

    p_value: float
    std_error: float


def exact_test(linear: LinearProblem, statistic: float, *, seed: int = 1) -> ExactTest | None:
    """The exact p-value of the only variance of a model; None where there are several.

    Parameters
    ----------
    linear : LinearProblem
        The model with the variance.
    statistic : float
        The likelihood ratio against the model without it; restricted where `linear` is.
    seed : int
    """
    if len(linear.terms) != 1 or len(linear.terms[0].names) != 1:
        return None
    mu, xi, nu = _eigenvalues(linear)
    n = linear.nobs
    K = len(mu)
    if not K or nu <= K:
        return None
    if statistic <= 0:
        return ExactTest(p_value=1.0, std_error=0.0)
    if linear.reml and np.ptp(mu) <= _EQUAL * mu[0]:
        return ExactTest(p_value=_balanced(statistic, K, nu), std_error=0.0)
    drawn = _simulated(
        mu, mu if linear.reml else xi, nu, nu if linear.reml else n, np.random.default_rng(seed)
    )
    p = float((1 + (drawn >= statistic).sum()) / (1 + len(drawn)))
    return ExactTest(p_value=p, std_error=float(np.sqrt(p * (1 - p) / len(drawn))))


def _eigenvalues(
    linear: LinearProblem,
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """The nonzero eigenvalues of Zᵀ(I - P_X)Z, those of ZᵀZ, and ν."""
    (term,) = linear.terms
    roots = np.ones(len(linear.y)) if linear.weights is None else np.sqrt(linear.weights)
    X = linear.X * roots[:, None]
    z = term.columns[:, 0] * roots
    J = len(term.levels)
    squares = np.bincount(term.codes, z * z, minlength=J)
    Q = np.linalg.qr(X)[0] if X.shape[1] else X
    ZQ = (
        np.stack([np.bincount(term.codes, z * q, minlength=J) for q in Q.T], axis=1)
        if (Q.shape[1])
        else np.zeros((J, 0))
    )
    values = np.linalg.eigvalsh(np.diag(squares) - ZQ @ ZQ.T)[::-1]
    nonzero = values[values > _EQUAL * max(values[0], 1e-300)]
    return nonzero, np.asarray(squares, dtype=np.float64), linear.nobs - X.shape[1]


def _balanced(statistic: float, K: int, nu: int) -> float:
    """The tail of F that corresponds to the statistic."""

    def above(F: float) -> float:
        return float(nu * np.log((K * F + nu - K) / nu) - K * np.log(F) - statistic)

    most = 2.0
    while above(most) < 0:
        most *= 2.0
    return float(f_distribution.sf(brentq(above, 1.0, most, xtol=1e-13), K, nu - K))


def _simulated(
    mu: NDArray[np.float64],
    xi: NDArray[np.float64],
    nu: int,
    factor: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Draws of the statistic: the maximum over a grid of λ, sharpened by a parabola."""
    distinct, counts = _merged(mu)
    grid = np.concatenate([[0.0], np.geomspace(1e-4, 1e5, _GRID)]) / mu.mean()
    shrink = 1.0 / (1.0 + distinct[:, None] * grid)
    penalty = np.log1p(xi[:, None] * grid).sum(axis=0)
    found = []
    for first in range(0, DRAWS, _AT_ONCE):
        size = min(_AT_ONCE, DRAWS - first)
        w = np.stack([rng.chisquare(count, size) for count in counts], axis=1)
        w0 = rng.chisquare(nu - len(mu), size)
        total = w.sum(axis=1) + w0
        values = factor * np.log(total[:, None] / (w @ shrink + w0[:, None])) - penalty
        found.append(_peaks(values))
    return np.concatenate(found)


def _merged(mu: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Distinct eigenvalues and how often each occurs: one χ² is drawn for each."""
    starts = np.concatenate([[True], np.abs(np.diff(mu)) > _EQUAL * mu[0]])
    return mu[starts], np.diff(np.append(np.flatnonzero(starts), len(mu)))


def _peaks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The maxima of rows: of the parabola through the highest point and its neighbours."""
    at = values.argmax(axis=1)
    rows = np.arange(len(values))
    top = values[rows, at]
    inside = (at > 1) & (at < values.shape[1] - 1)
    left, right = values[rows, np.maximum(at - 1, 0)], values[rows, (at + 1) % values.shape[1]]
    bend = 2.0 * top - left - right
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = (right - left) ** 2 / (8.0 * bend)
    return np.asarray(np.where(inside & (bend > 0), top + np.nan_to_num(gain), top))
