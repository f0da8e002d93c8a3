"""The paths of the parameters of a linear mixed model through its likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.inference.profile_likelihood.coordinates import coordinates_of
from pylme.inference.profile_likelihood.deviance import VarianceDeviance
from pylme.inference.profile_likelihood.likelihood import components
from pylme.inference.profile_likelihood.linear_optimum import LinearOptimum
from pylme.inference.profile_likelihood.minima import Optimum
from pylme.inference.profile_likelihood.path import Path

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.inference.profile_likelihood.coordinates import Point
    from pylme.inference.profile_likelihood.parameters import ProfiledParameter

__all__ = ["LinearLikelihood"]


class LinearLikelihood(LinearOptimum[Path]):
    """A linear mixed model without covariance structures at the optimum of its likelihood."""

    def path(self, parameter: ProfiledParameter) -> tuple[Path, Optimum[Point]]:
        """The path of a parameter, and the optimum on it."""
        m = len(self.theta)
        s = 2.0 * np.log(self.sigma)
        if parameter.kind == "fixed":
            deviance = self.fixed_effect_deviance(parameter)
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
        beta = self.beta_at(parameter, path, x[-1], point)
        of_terms = components(problem.layout, path.coordinates.roots(x, problem))
        return np.array([*beta, *of_terms, np.exp(0.5 * x[len(self.theta)])])
