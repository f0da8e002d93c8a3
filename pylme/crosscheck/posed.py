"""A fitted linear mixed model as arrays: all that a further look at its criterion needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.crosscheck.recovered import terms_of
from pylme.lme4.model import RModel
from pylme.model_matrix.random_term import RandomTerm
from pylme.reference.criterion.prepare import prepare
from pylme.reference.ending import search
from pylme.reference.model import ReferenceModel
from pylme.reference.standard_errors import standard_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.lme4.system import System
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.reference.criterion.prepare import Problem
    from pylme.results.protocol import FittedModel
    from pylme.results.variance_errors import VarianceErrors

__all__ = ["Posed", "posed", "posed_by", "variance_errors"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posed:
    """A linear mixed model, and theta to start from.

    Attributes
    ----------
    X : ndarray, shape (n, p)
    y : ndarray, shape (n,)
        The response less the offset.
    terms : tuple of RandomTerm
        In lme4's order.
    weights : ndarray, shape (n,), or None
        None where all are 1.
    reml : bool
    theta : ndarray, shape (m,), or None
    """

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    terms: tuple[RandomTerm, ...]
    weights: NDArray[np.float64] | None
    reml: bool
    theta: NDArray[np.float64] | None

    def problem(self) -> Problem:
        """The model, ready to be fitted."""
        return prepare(self.X, self.y[None], self.terms, weights=self.weights, reml=self.reml)

    def optimum(self) -> tuple[NDArray[np.float64], float]:
        """Theta of shape (m,) and the criterion where the reference finds it to be least."""
        ending = search(self.problem(), self.terms, self.theta)
        return ending.theta, float(ending.evaluation.criterion[0])

    def with_terms(self, terms: Sequence[RandomTerm]) -> Posed:
        """The same with other random-effects terms."""
        return replace(self, terms=tuple(terms), theta=None)


def posed(model: FittedModel) -> Posed | None:
    """The linear mixed model that was fitted.

    None for a generalized one, and for a fit that came from JSON without its matrices.

    Parameters
    ----------
    model : FittedModel
    """
    if isinstance(model, ReferenceModel):
        terms = model.design.terms
        return posed_by(model.design, terms, reml=model.spec.reml, theta=model.theta)
    if isinstance(model, RModel) and model.info().family is None:
        system = model.system()
        return posed_by(system, terms_of(system), reml=system.reml, theta=system.theta)
    return None


def variance_errors(model: FittedModel) -> VarianceErrors | None:
    """Standard errors of the variance components at the model's theta, by the reference.

    None where `posed` gives none.
    """
    it = posed(model)
    if it is None or it.theta is None:
        return None
    return standard_errors(it.problem(), it.terms, it.theta)


def posed_by(
    side: System | ModelMatrices,
    terms: Sequence[RandomTerm],
    *,
    reml: bool,
    theta: NDArray[np.float64] | None = None,
) -> Posed:
    """The model that the matrices of one side pose."""
    return Posed(
        X=side.X,
        y=side.y - side.offset,
        terms=tuple(terms),
        weights=None if (side.weights == 1.0).all() else side.weights,
        reml=reml,
        theta=theta,
    )
