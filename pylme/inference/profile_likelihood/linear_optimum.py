"""A linear mixed model at the optimum of its likelihood, which its profiles begin at.

The deviance is that of maximum likelihood, also for a model fitted by REML, as in lme4 (Bates,
Mächler, Bolker & Walker 2015, section 5.1): the restricted one, which exists for the covariance
parameters alone, is used on request.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.inference.likelihood_ratio_tests.linear_criterion import linear_criteria
from pylme.inference.profile_likelihood.coordinates import Point
from pylme.inference.profile_likelihood.deviance import FixedEffectDeviance
from pylme.inference.profile_likelihood.likelihood import M, ProfiledLikelihood, without_effect
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.ending import optimum_of, search
from pylme.reference.solution import fixed_effects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.inference.profile_likelihood.parameters import ProfiledParameter
    from pylme.model_matrix.random_term import RandomTerm
    from pylme.results.linear_problem import LinearProblem

__all__ = ["LinearOptimum"]


class LinearOptimum(ProfiledLikelihood[M, Point]):
    """A linear mixed model at the optimum of its likelihood.

    Attributes
    ----------
    linear : LinearProblem
        By ML, or by REML where the restricted likelihood is profiled.
    theta : ndarray, shape (m,)
        Where the deviance is least.
    deviance : float
        There.
    sigma : float
    beta, std_error : ndarray, shape (p,)
    """

    def __init__(self, linear: LinearProblem, *, reml: bool = False) -> None:
        self.linear = replace(linear, reml=reml, theta=None)
        self.problem = problem_of(self.linear)
        ending = search(self.problem, self.linear.terms)
        fixed = fixed_effects(self.problem, ending.evaluation)
        self.theta = ending.theta
        self.deviance = float(ending.evaluation.criterion[0])
        self.sigma = fixed.sigma
        self.beta = fixed.beta
        self.std_error = np.sqrt(np.diag(fixed.vcov))
        self._without: dict[tuple[int, ...], float] = {}

    def fixed_effect_deviance(self, parameter: ProfiledParameter) -> FixedEffectDeviance:
        """The deviance with a coefficient among its coordinates."""
        (column,) = parameter.places
        return FixedEffectDeviance(
            self.linear, column, float(self.beta[column]), float(self.std_error[column])
        )

    def beta_at(self, parameter: ProfiledParameter, path: Any, c: float, point: Point) -> Any:
        """All coefficients at a point of a path, shape (p,)."""
        beta = point.local.beta
        if parameter.kind == "fixed":
            beta = np.insert(beta, parameter.places[0], self.value(parameter, path, c))
        return beta

    def without(self, term: int, effect: int) -> float:
        """The least deviance of the model without an effect."""
        return self._least((term, effect), without_effect(self.linear.terms, term, effect))

    def _least(self, key: tuple[int, ...], terms: Sequence[RandomTerm]) -> float:
        """The least deviance of a model with fewer effects, which a key names."""
        if key not in self._without:
            self._without[key] = (
                optimum_of(self.linear.with_terms(tuple(terms)))[1] if terms else self.without_any
            )
        return self._without[key]

    @cached_property
    def without_any(self) -> float:
        """The deviance of the model without random effects."""
        linear = self.linear
        return float(
            linear_criteria(
                linear.X,
                linear.y_less_offset[None],
                linear.weights,
                reml=linear.reml,
                represented=linear.represented,
            )[0]
        )
