"""The likelihood of a linear mixed model, and the paths of its parameters through it.

The deviance is that of maximum likelihood, also for a model fitted by REML, as in lme4 (Bates,
Mächler, Bolker & Walker 2015, section 5.1): the restricted one, which exists for the covariance
parameters alone, is used on request.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pylme.errors import NotAvailableError
from pylme.inference.likelihood_ratio_tests.linear_criterion import linear_criteria
from pylme.inference.profile_likelihood.coordinates import Point, coordinates_of
from pylme.inference.profile_likelihood.deviance import FixedEffectDeviance, VarianceDeviance
from pylme.inference.profile_likelihood.likelihood import (
    ProfiledLikelihood,
    components,
    without_effect,
)
from pylme.inference.profile_likelihood.minima import Optimum
from pylme.inference.profile_likelihood.path import Path
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.ending import optimum_of, search
from pylme.reference.solution import fixed_effects

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.inference.profile_likelihood.parameters import ProfiledParameter
    from pylme.results.linear_problem import LinearProblem

__all__ = ["LinearLikelihood"]


class LinearLikelihood(ProfiledLikelihood[Path, Point]):
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
        for term in linear.terms:
            if term.structure.kind != "us":
                raise NotAvailableError(
                    asked=f"Profiling the likelihood of a model with ({term.label})",
                    found="profiles of terms with a covariance structure are not available",
                    remedy='Use method="wald", or method="bootstrap".',
                )
        self.linear = replace(linear, reml=reml, theta=None)
        self.problem = problem_of(self.linear)
        ending = search(self.problem, self.linear.terms)
        fixed = fixed_effects(self.problem, ending.evaluation)
        self.theta = ending.theta
        self.deviance = float(ending.evaluation.criterion[0])
        self.sigma = fixed.sigma
        self.beta = fixed.beta
        self.std_error = np.sqrt(np.diag(fixed.vcov))
        self._without: dict[tuple[int, int], float] = {}

    def path(self, parameter: ProfiledParameter) -> tuple[Path, Optimum[Point]]:
        """The path of a parameter, and the optimum on it."""
        m = len(self.theta)
        s = 2.0 * np.log(self.sigma)
        if parameter.kind == "fixed":
            (column,) = parameter.places
            deviance = FixedEffectDeviance(
                self.linear, column, float(self.beta[column]), float(self.std_error[column])
            )
            path = Path(
                deviance=deviance, coordinates=coordinates_of(deviance.problem), fixed=m + 1
            )
            others = np.array([s, 0.0])
        else:
            coordinates = coordinates_of(self.problem, parameter.term, parameter.places)
            fixed = {"sd": coordinates.first, "correlation": (coordinates.circle or (None,))[0]}
            path = Path(
                deviance=VarianceDeviance(problem=self.problem),
                coordinates=coordinates,
                fixed=m if parameter.kind == "sigma" else int(fixed[parameter.kind] or 0),
                term=parameter.term,
            )
            others = np.array([s])
        problem = path.deviance.problem
        T = problem.layout.matrices(problem.conditioned(self.theta[None]))
        x = path.coordinates.of(T, others)
        return path, Optimum(x=x, point=path.evaluate(x))

    def value(self, parameter: ProfiledParameter, path: Path, c: float) -> float:
        """The parameter at a value of its coordinate."""
        if parameter.kind == "fixed":
            (column,) = parameter.places
            return float(self.beta[column] + c * self.std_error[column])
        if parameter.kind == "sd":
            return path.coordinates.unit * c
        return float(np.exp(0.5 * c) if parameter.kind == "sigma" else np.sin(c))

    def derivative(self, parameter: ProfiledParameter, path: Path, c: float) -> float:
        """The derivative of the parameter by its coordinate; zero at a correlation of ±1."""
        if parameter.kind == "fixed":
            (column,) = parameter.places
            return float(self.std_error[column])
        if parameter.kind == "sd":
            return path.coordinates.unit
        return float(0.5 * np.exp(0.5 * c)) if parameter.kind == "sigma" else float(np.cos(c))

    def parameters_at(
        self, parameter: ProfiledParameter, path: Path, x: NDArray[np.float64], point: Point
    ) -> NDArray[np.float64]:
        """All parameters of the model at a point of a path, in their order."""
        problem = path.deviance.problem
        beta = point.local.beta
        if parameter.kind == "fixed":
            (column,) = parameter.places
            beta = np.insert(beta, column, self.value(parameter, path, x[-1]))
        of_terms = components(problem.layout, path.coordinates.roots(x, problem))
        return np.array([*beta, *of_terms, np.exp(0.5 * x[len(self.theta)])])

    def without(self, term: int, effect: int) -> float:
        """The least deviance of the model without an effect."""
        if (term, effect) not in self._without:
            terms = without_effect(self.linear.terms, term, effect)
            self._without[term, effect] = (
                optimum_of(self.linear.with_terms(terms))[1] if terms else self.without_any
            )
        return self._without[term, effect]

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
