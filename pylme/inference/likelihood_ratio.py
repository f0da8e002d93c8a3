"""Likelihood ratio tests: by which parameters one of two nested models is larger, and p-values.

The statistic is D₀ - D₁, by how much the criterion of the larger model lies below that of the
smaller one. It is compared with χ²; the degrees of freedom are the number of additional parameters.
If the larger model has one additional random effect, the variance of this effect lies on the
boundary under the null hypothesis, and the distribution is ½ χ²(d - 1) + ½ χ²(d) (Self & Liang
1987, JASA 82; Stram & Lee 1994, Biometrics 50). With several additional random effects the weights
are not known in closed form: χ²(d) is conservative. All of this holds in large samples. With R
statistics drawn under the null hypothesis, p is the proportion of them, the observed one counted
among them, that are at least as large (Davison & Hinkley 1997, section 4.2.1).

The smaller model may have no random effects. Its criterion is that of a mixed model at θ = 0: with
X = QR, and rows multiplied by the square roots of their weights, r² = |y|² - |Qᵀy|², and

    d = ν(1 + log(2πr²/ν)) + ρ log|XᵀX| - Σ log w       ML: ρ = 0, ν = n     REML: ρ = 1, ν = n - p
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import chdtrc

from pylme.errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pylme.model_matrix.matrices import ModelMatrices

__all__ = ["Difference", "difference_of", "likelihood_ratio_p", "linear_criteria", "simulated_p"]

#: The largest part of a column, relative to its norm, that may lie outside the span of others.
_OUTSIDE: Final = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The parameters that a model has in addition to those of a smaller one.

    Attributes
    ----------
    fixed : int
        Additional fixed effects.
    effects : int
        Additional random effects of each level.
    thetas : int
        Additional variances and covariances.
    """

    fixed: int
    effects: int
    thetas: int

    @property
    def df(self) -> int:
        """The number of additional parameters."""
        return self.fixed + self.thetas

    @property
    def on_boundary(self) -> bool:
        """Whether exactly one variance is additional, which the null hypothesis puts at zero."""
        return self.effects == 1

    def __str__(self) -> str:
        if self.on_boundary:
            return f"½ χ²({self.df - 1}) + ½ χ²({self.df})"
        return f"χ²({self.df})" + (", conservative" if self.effects else "")


def likelihood_ratio_p(statistic: ArrayLike, difference: Difference) -> NDArray[np.float64]:
    """p-values of likelihood ratio statistics, which are 0 or more."""
    fall = np.asarray(statistic, dtype=np.float64)
    p = np.asarray(chdtrc(difference.df, fall))
    if not difference.on_boundary:
        return p
    # χ² with 0 degrees of freedom is a mass at 0, for which chdtrc gives NaN.
    below = np.where(fall > 0, 0.0, 1.0)
    if difference.df > 1:
        below = chdtrc(difference.df - 1, fall)
    return np.where(np.isnan(fall), np.nan, 0.5 * (below + p))


def simulated_p(statistic: ArrayLike, null: ArrayLike) -> NDArray[np.float64]:
    """p-values from statistics drawn under the null hypothesis; NaN among them is left out."""
    given, drawn = (np.asarray(values, dtype=np.float64) for values in (statistic, null))
    drawn = np.sort(drawn[~np.isnan(drawn)])
    as_large = len(drawn) - np.searchsorted(drawn, given, side="left")
    return np.where(np.isnan(given), np.nan, (1.0 + as_large) / (1.0 + len(drawn)))


def difference_of(larger: ModelMatrices, smaller: ModelMatrices) -> Difference:
    """The parameters that a model has in addition to those of a smaller one.

    Parameters
    ----------
    larger, smaller : ModelMatrices
        Of the same data. The smaller one may have no random effects.

    Raises
    ------
    OptionError
        If the models are not fitted to the same rows, one does not contain the other, or they are
        the same.
    """
    _require_same_rows(larger, smaller)
    _require_span("fixed effects", smaller.X, larger.X)
    for group in dict.fromkeys(term.group for term in smaller.terms):
        _require_span(
            f"random effects of {group}", _columns(smaller, group), _columns(larger, group)
        )
    effects, others = (
        sum(len(term.names) for term in design.terms) for design in (larger, smaller)
    )
    thetas, fewer = (
        sum(term.structure.n_free for term in design.terms) for design in (larger, smaller)
    )
    effects -= others
    difference = Difference(fixed=larger.p - smaller.p, effects=effects, thetas=thetas - fewer)
    # Each additional random effect brings at least one variance. If there are fewer additional
    # parameters than that, a covariance of the smaller model is missing in the larger one.
    if difference.df < 1 or difference.thetas < effects:
        raise OptionError(
            option="null", value=smaller.formula, allowed="a model with fewer parameters"
        )
    return difference


def _columns(design: ModelMatrices, group: str) -> NDArray[np.float64]:
    own = [term.columns for term in design.terms if term.group == group]
    return np.hstack([np.empty((design.n, 0)), *own])


def _require_same_rows(larger: ModelMatrices, smaller: ModelMatrices) -> None:
    every = np.ones(larger.rows.n_given, dtype=bool)
    kept = [every if rows.kept is None else rows.kept for rows in (larger.rows, smaller.rows)]
    if (kept[0] != kept[1]).any():
        raise OptionError(
            option="null",
            value=f"{smaller.formula}, fitted to {smaller.n} rows",
            allowed=f"a model of the {larger.n} rows of {larger.formula}: leave out those with "
            "missing values first",
        )


def _require_span(what: str, columns: NDArray[np.float64], others: NDArray[np.float64]) -> None:
    Q = np.linalg.qr(others)[0] if others.shape[1] else np.empty((len(others), 0))
    left = np.linalg.norm(columns - Q @ (Q.T @ columns), axis=0)
    if (left > _OUTSIDE * np.linalg.norm(columns, axis=0)).any():
        raise OptionError(
            option="null",
            value=f"a model with {what} that the larger one does not have",
            allowed="a model that the larger one contains",
        )


def linear_criteria(
    X: NDArray[np.float64],
    Y: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    *,
    reml: bool,
) -> NDArray[np.float64]:
    """The criterion of a linear model without random effects for each response, shape (R,).

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Of full column rank.
    Y : ndarray, shape (R, n)
        Less the offset.
    weights : ndarray, shape (n,), or None
    reml : bool
    """
    n, p = X.shape
    w = np.ones(n) if weights is None else weights
    roots = np.sqrt(w)
    Q, R = np.linalg.qr(X * roots[:, None])
    y = Y * roots
    residuals = y - (y @ Q) @ Q.T
    nu = n - p * reml
    logdet = 2 * np.log(np.abs(np.diag(R))).sum() if reml else 0.0
    squares = np.einsum("rn,rn->r", residuals, residuals)
    constant = logdet - np.log(w).sum()
    return np.asarray(nu * (1 + np.log(2 * np.pi * squares / nu)) + constant)
