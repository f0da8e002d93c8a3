"""A fitted linear mixed model as arrays: all that a further look at its criterion needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.design.random_term import RandomTerm
from pylme.reference.ending import search
from pylme.reference.problem import prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.reference.problem import Problem

__all__ = ["Posed"]


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
        return prepare(
            self.X, self.y[None], self.terms, weights=self.weights, reml=self.reml
        )

    def optimum(self) -> tuple[NDArray[np.float64], float]:
        """Theta of shape (m,) and the criterion where the reference finds it to be least."""
        ending = search(self.problem(), self.terms, self.theta)
        return ending.theta, float(ending.evaluation.criterion[0])

    def with_terms(
        self, terms: Sequence[RandomTerm], theta: NDArray[np.float64] | None = None
    ) -> Posed:
        """The same with other random-effects terms."""
        return replace(self, terms=tuple(terms), theta=theta)
