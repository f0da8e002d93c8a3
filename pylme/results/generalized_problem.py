"""A generalized linear mixed model as arrays: what a fit by either engine is, without its engine.

With u ~ N(0, I), η = offset + Xβ + ZΛ(θ)u and the mean μ = g⁻¹(η), the criterion is -2 times the
Laplace approximation of the log-likelihood, or its adaptive Gauss-Hermite quadrature.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from pylme.families import Family
from pylme.model_matrix.random_term import RandomTerm

if TYPE_CHECKING:
    from pylme.model_matrix.matrices import ModelMatrices

__all__ = ["CriterionKind", "GeneralizedProblem", "Laplace", "proportions"]

#: Which information stands in the determinant: lme4's expected one, or the observed one.
Laplace = Literal["expected", "observed"]
#: lme4's criterion, or the likelihood proper of families with a dispersion.
CriterionKind = Literal["lme4", "likelihood"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GeneralizedProblem:
    """A generalized linear mixed model and its data.

    Attributes
    ----------
    y : ndarray, shape (n,)
        The response; for the binomial family the proportion of successes.
    trials : ndarray, shape (n,), or None
        For the binomial family with counts of successes and failures, their sums; else None.
    weights : ndarray, shape (n,)
        Prior weights, times the trials where there are any.
    X : ndarray, shape (n, p)
        Of full column rank.
    x_names : tuple of str, length p
    terms : tuple of RandomTerm
        In lme4's order.
    offset : ndarray, shape (n,)
    family : Family
        With its ϑ for the negative binomial.
    shape_free : bool
        Whether ln ϑ is a parameter of the criterion too, after θ and β.
    n_agq : int
        Points of the quadrature: 1 is the Laplace approximation, 0 has β at the joint mode.
    laplace : {"expected", "observed"}
        lme4's approximation has the expected information in its determinant.
    criterion : {"lme4", "likelihood"}
        For a family with a dispersion φ, "likelihood" has ln(1/φ) as a parameter too.
    theta, beta : ndarray or None
        Of the fit, in lme4's order; None before the fit.
    log_extra : float or None
        ln ϑ where it is free, ln(1/φ) with "likelihood"; else None.
    """

    y: NDArray[np.float64]
    X: NDArray[np.float64]
    x_names: tuple[str, ...]
    terms: tuple[RandomTerm, ...]
    weights: NDArray[np.float64]
    offset: NDArray[np.float64]
    family: Family
    trials: NDArray[np.float64] | None = None
    shape_free: bool = False
    n_agq: int = 1
    laplace: Laplace = "expected"
    criterion: CriterionKind = "lme4"
    theta: NDArray[np.float64] | None = None
    beta: NDArray[np.float64] | None = None
    log_extra: float | None = None

    @classmethod
    def of(
        cls,
        design: ModelMatrices,
        family: Family,
        *,
        n_agq: int = 1,
        laplace: Laplace = "expected",
        criterion: CriterionKind = "lme4",
        shape_free: bool = False,
    ) -> GeneralizedProblem:
        """The model that the matrices of a design define, not fitted yet."""
        y, weights, trials = proportions(design)
        return cls(
            y=y, trials=trials, weights=weights, X=design.X, x_names=design.x_names,
            terms=design.terms, offset=design.offset, family=family, n_agq=n_agq,
            laplace=laplace, criterion=criterion, shape_free=shape_free,
        )  # fmt: skip

    @property
    def extra(self) -> str | None:
        """The name of the parameter after θ and β, if there is one."""
        if self.shape_free:
            return "log theta"
        return "log 1/dispersion" if self.criterion == "likelihood" else None

    @property
    def n_parameters(self) -> int:
        """The length of (θ, β, extra)."""
        return int(self.terms[-1].thetas.stop + self.X.shape[1] + (self.extra is not None))

    def at(
        self,
        theta: NDArray[np.float64],
        beta: NDArray[np.float64],
        log_extra: float | None = None,
    ) -> GeneralizedProblem:
        """The same model with the parameters of a fit."""
        family = self.family
        if self.shape_free and log_extra is not None:
            family = replace(family, shape=float(np.exp(log_extra)))
        return replace(self, theta=theta, beta=beta, log_extra=log_extra, family=family)

    def __repr__(self) -> str:
        labels = ", ".join(term.written for term in self.terms)
        n, p = self.X.shape
        return (
            f"<GeneralizedProblem: {self.family.name} ({self.family.link}), {n} rows, "
            f"{p} fixed effects, {labels}>"
        )


def proportions(
    design: ModelMatrices,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """The response, its weights and the trials: of two columns, the proportion of successes."""
    y, weights = design.y, design.weights
    if y.ndim == 1:
        return y, weights, None
    trials = y.sum(axis=1)
    y = np.divide(y[:, 0], trials, out=np.zeros(len(trials)), where=trials > 0)
    return y, weights * trials, trials
