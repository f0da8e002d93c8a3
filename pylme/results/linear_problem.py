"""The linear mixed model of a fit, as arrays: the input of every further computation.

y = Xβ + Zb + offset + ε with b = Λ(θ)u and Var(ε_i) = σ²/w_i (Bates, Mächler, Bolker & Walker 2015,
section 2). Tests, intervals, profiles and checks take this record instead of an engine's own
object, so that each of them is written once for the fits of both engines.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.model_matrix.matrices import Represented
from pylme.model_matrix.random_term import RandomTerm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.model_matrix.matrices import ModelMatrices

__all__ = ["LinearProblem"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LinearProblem:
    """A linear mixed model and its data.

    Attributes
    ----------
    y : ndarray, shape (n,)
        The response.
    X : ndarray, shape (n, p)
        Of full column rank.
    x_names : tuple of str, length p
        R's names of the coefficients.
    terms : tuple of RandomTerm
        The random-effects terms in lme4's order.
    weights : ndarray, shape (n,), or None
        Prior weights; None where all are 1.
    offset : ndarray, shape (n,)
    reml : bool
        Whether the criterion is the restricted one; never without fixed effects.
    theta : ndarray, shape (m,), or None
        The relative covariance parameters of the fit in lme4's order; None before the fit.
    represented : Represented or None
        Where these rows stand for more that have the same cross products.
    """

    y: NDArray[np.float64]
    X: NDArray[np.float64]
    x_names: tuple[str, ...]
    terms: tuple[RandomTerm, ...]
    weights: NDArray[np.float64] | None
    offset: NDArray[np.float64]
    reml: bool
    theta: NDArray[np.float64] | None = None
    represented: Represented | None = None

    @classmethod
    def of(
        cls, design: ModelMatrices, *, reml: bool, theta: NDArray[np.float64] | None = None
    ) -> LinearProblem:
        """The linear model that the matrices of a design define."""
        return cls(
            y=design.y,
            X=design.X,
            x_names=design.x_names,
            terms=design.terms,
            weights=unless_equal(design.weights),
            offset=design.offset,
            reml=reml and design.p > 0,
            theta=theta,
            represented=design.represented,
        )

    @property
    def nobs(self) -> int:
        """The number of rows of the data."""
        return len(self.y) if self.represented is None else self.represented.n

    def require_rows(self, asked: str) -> None:
        """Raise where these rows are not those of the data.

        Raises
        ------
        NotAvailableError
        """
        if self.represented is not None:
            raise self.represented.refusal(asked)

    @property
    def y_less_offset(self) -> NDArray[np.float64]:
        """The response without the offset, shape (n,)."""
        return self.y - self.offset

    def with_terms(self, terms: Sequence[RandomTerm]) -> LinearProblem:
        """The same model with other random-effects terms, not fitted yet."""
        return replace(self, terms=tuple(terms), theta=None)

    def at(self, theta: NDArray[np.float64]) -> LinearProblem:
        """The same model with estimates of its covariance parameters."""
        return replace(self, theta=theta)

    def by_reml(self) -> LinearProblem:
        """The same model with the restricted criterion, not fitted yet."""
        return replace(self, reml=self.X.shape[1] > 0, theta=None)

    def __repr__(self) -> str:
        labels = ", ".join(term.written for term in self.terms)
        kind = "REML" if self.reml else "ML"
        p = self.X.shape[1]
        return f"<LinearProblem: {self.nobs} rows, {p} fixed effects, {labels}, by {kind}>"


def unless_equal(weights: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Prior weights; None where all are 1, which needs less arithmetic."""
    return None if (weights == 1.0).all() else weights
