"""The likelihood of a generalized model, and the paths of its parameters through it.

It is approximated as in the fit, by Laplace's method or by quadrature: the profile of a parameter
is that of the criterion F(θ, β) = -2 log L, minimised over all other parameters,

    D(c) = min F(θ, β) with the parameter equal to c      ζ(c) = sign(c - ĉ) √(D(c) - D̂)

so each point costs a search with exact gradients and no Hessian. A shape ϑ of a negative binomial
that was estimated is one of the other parameters; lme4 holds it at its estimate. Where lme4's
criterion of a family with a dispersion approximates no likelihood, there is nothing to profile.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pylme.errors import NotAvailableError
from pylme.families.family import has_dispersion
from pylme.inference.profile_likelihood.generalized_coordinates import (
    generalized_coordinates,
)
from pylme.inference.profile_likelihood.generalized_path import GeneralizedPath, GeneralizedPoint
from pylme.inference.profile_likelihood.likelihood import (
    ProfiledLikelihood,
    components,
    without_effect,
)
from pylme.inference.profile_likelihood.minima import Optimum
from pylme.reference.generalized.criterion import criterion_of
from pylme.reference.generalized.optimum.descent import Evaluations, descend
from pylme.reference.generalized.optimum.search import find
from pylme.reference.generalized.optimum.working import working_hessian
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.inference.profile_likelihood.generalized_coordinates import (
        GeneralizedCoordinates,
    )
    from pylme.inference.profile_likelihood.parameters import ProfiledParameter
    from pylme.results.generalized_problem import GeneralizedProblem

__all__ = ["GeneralizedLikelihood"]

_ASKED = "Profiling the likelihood of a generalized model"


class GeneralizedLikelihood(ProfiledLikelihood[GeneralizedPath, GeneralizedPoint]):
    """A generalized mixed model at the optimum of its likelihood.

    Attributes
    ----------
    problem : GeneralizedProblem
    x : ndarray, shape (m + p [+ 1],)
        θ, β and, where it is free, ln ϑ or ln 1/φ, at the optimum.
    hessian : ndarray
        There.
    deviance : float
        The criterion there.

    Raises
    ------
    NotAvailableError
        If the criterion is no likelihood of all parameters.
    """

    def __init__(self, problem: GeneralizedProblem) -> None:
        if problem.n_agq == 0:
            raise NotAvailableError(
                asked=_ASKED,
                found="with n_agq=0 the fixed effects are no parameters of the criterion",
                remedy="Fit the model with n_agq=1.",
            )
        if has_dispersion(problem.family) and problem.criterion != "likelihood":
            raise NotAvailableError(
                asked=_ASKED,
                found=f"for the {problem.family.name} family, which has a dispersion, the "
                "criterion of lme4 approximates no likelihood",
                remedy='Fit the model with engine="numpy" and criterion="likelihood", or use '
                'method="wald".',
            )
        self.problem = problem
        with one_thread():
            self.criterion = criterion_of(problem)
            start = None
            if problem.theta is not None and problem.beta is not None:
                start = np.concatenate([problem.theta, problem.beta])
            found = find(self.criterion, start=start)
        self.x = found.x
        self.deviance = found.point.value
        self.hessian = found.inner.hessian_outer(found.hessian) * np.outer(found.signs, found.signs)
        self.start = found.u
        self._without: dict[tuple[int, int], float] = {}

    @cached_property
    def _information(self) -> NDArray[np.float64]:
        """The expected information of the criterion's rows at the optimum, shape (n,)."""
        mode = self.criterion.at(self.x, start=self.start, gradient=False).mode
        assert mode is not None  # noqa: S101  (of the optimum)
        return mode.values.derivatives.expected

    def path(
        self, parameter: ProfiledParameter
    ) -> tuple[GeneralizedPath, Optimum[GeneralizedPoint]]:
        """The path of a parameter, and the optimum on it."""
        coordinates = generalized_coordinates(self.criterion, self._information, parameter)
        x = coordinates.of(self.x)
        path = GeneralizedPath(coordinates=coordinates, metric=self._curvature(coordinates, x))
        return path, Optimum(x=x, point=path.evaluate(x))

    def _curvature(
        self, coordinates: GeneralizedCoordinates, x: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The Hessian at the optimum, of coordinates that stay on its face; positive definite."""
        free = coordinates.free(x)
        free[coordinates.fixed] = True
        B = np.eye(len(x))
        own = np.ix_(free, free)
        B[own] = coordinates.curvature(x, self.hessian)[own]
        if not _positive(B):
            # The parameter stands at its bound, where the change of coordinates has a fold.
            path = GeneralizedPath(coordinates=coordinates, metric=B)
            B[own] = path.differences(x)[own]
        if not _positive(B):
            B = working_hessian(
                coordinates.criterion, coordinates.criterion.at(coordinates.inner(x))
            )
        return B

    def value(self, parameter: ProfiledParameter, path: GeneralizedPath, c: float) -> float:
        """The parameter at a value of its coordinate."""
        if parameter.kind in {"fixed", "sd"}:
            return path.coordinates.unit * c
        return float(np.exp(0.5 * c) if parameter.kind == "sigma" else np.sin(c))

    def derivative(self, parameter: ProfiledParameter, path: GeneralizedPath, c: float) -> float:
        """The derivative of the parameter by its coordinate; zero at a correlation of ±1."""
        if parameter.kind in {"fixed", "sd"}:
            return path.coordinates.unit
        return float(0.5 * np.exp(0.5 * c)) if parameter.kind == "sigma" else float(np.cos(c))

    def parameters_at(
        self,
        parameter: ProfiledParameter,
        path: GeneralizedPath,
        x: NDArray[np.float64],
        point: GeneralizedPoint,
    ) -> NDArray[np.float64]:
        """All parameters of the model at a point of a path, in their order."""
        del parameter, point
        coordinates = path.coordinates
        m, p = self.criterion.m, self.criterion.p
        size = np.exp(0.5 * x[-1]) if coordinates.dispersed else 1.0
        roots = coordinates.roots(coordinates.inner(x))
        of_terms = components(self.criterion.layout, roots, size=size)
        beta = coordinates.outer(x)[m : m + p]
        return np.array([*beta, *of_terms, *([size] if coordinates.dispersed else [])])

    def without(self, term: int, effect: int) -> float:
        """The least criterion of the model without an effect."""
        if (term, effect) not in self._without:
            kept = without_effect(self.problem.terms, term, effect)
            with one_thread():
                if kept:
                    smaller = replace(self.problem, terms=kept, theta=None, beta=None)
                    value = find(criterion_of(smaller)).point.value
                else:
                    value = self._without_any()
            self._without[term, effect] = value
        return self._without[term, effect]

    def _without_any(self) -> float:
        """The least criterion without random effects: at θ = 0 it is that of the linear model."""
        x = self.x.copy()
        x[: self.criterion.m] = 0.0
        # In the coordinates of any parameter, as these are well conditioned.
        coordinates = generalized_coordinates(self.criterion, self._information, None)
        at = coordinates.of(x)
        point = coordinates.criterion.at(coordinates.inner(at))
        if point.gradient is None:
            return np.inf
        B = working_hessian(coordinates.criterion, point)
        path = GeneralizedPath(coordinates=coordinates, metric=B)
        free = np.arange(self.criterion.m, len(at))
        return descend(path, path.at(at), B, free=free, seen=Evaluations()).point.value


def _positive(B: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(B).all() and np.linalg.eigvalsh(B)[0] > 0.0)
