"""The paths of the parameters of a linear mixed model with covariance structures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pylme.covariance.structure import structure_of
from pylme.inference.profile_likelihood.deviance import VarianceDeviance
from pylme.inference.profile_likelihood.linear_optimum import LinearOptimum
from pylme.inference.profile_likelihood.minima import Optimum
from pylme.inference.profile_likelihood.structured_coordinates import (
    StructuredCoordinates,
    TermCoordinates,
)
from pylme.inference.profile_likelihood.structured_path import StructuredPath
from pylme.model_matrix.random_term import in_order, with_fewer_effects

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.inference.profile_likelihood.coordinates import Point
    from pylme.inference.profile_likelihood.deviance import Deviance
    from pylme.inference.profile_likelihood.parameters import ProfiledParameter

__all__ = ["StructuredLikelihood"]


class StructuredLikelihood(LinearOptimum[StructuredPath]):
    """A linear mixed model with covariance structures at the optimum of its likelihood."""

    def path(self, parameter: ProfiledParameter) -> tuple[StructuredPath, Optimum[Point]]:
        """The path of a parameter, and the optimum on it."""
        deviance: Deviance
        others = np.array([2.0 * np.log(self.sigma)])
        if parameter.kind == "fixed":
            deviance = self.fixed_effect_deviance(parameter)
            others = np.append(others, 0.0)
        else:
            deviance = VarianceDeviance(problem=self.problem)
        terms = tuple(
            TermCoordinates.of(term, parameter.places if position == parameter.term else ())
            for position, term in enumerate(self.linear.terms)
        )
        coordinates = StructuredCoordinates(problem=deviance.problem, terms=terms)
        fixed = coordinates.m + len(others) - 1
        if parameter.term is not None:
            own = coordinates.slices[parameter.term]
            fixed = own.start + terms[parameter.term].fixed(parameter.places)
        path = StructuredPath(deviance=deviance, coordinates=coordinates, fixed=fixed)
        x = path.within_bounds(coordinates.of_theta(self.theta, others))
        return path, Optimum(x=x, point=path.evaluate(x))

    def value(self, parameter: ProfiledParameter, path: StructuredPath, c: float) -> float:
        """The parameter at a value of its coordinate."""
        del path
        if parameter.kind == "fixed":
            (column,) = parameter.places
            return float(self.beta[column] + c * self.std_error[column])
        if parameter.kind == "sigma":
            return float(np.exp(0.5 * c))
        return float(np.sin(c)) if self._is_angle(parameter) else float(c)

    def derivative(self, parameter: ProfiledParameter, path: StructuredPath, c: float) -> float:
        """The derivative of the parameter by its coordinate; zero at an angle of ±π/2."""
        del path
        if parameter.kind == "fixed":
            (column,) = parameter.places
            return float(self.std_error[column])
        if parameter.kind == "sigma":
            return float(0.5 * np.exp(0.5 * c))
        return float(np.cos(c)) if self._is_angle(parameter) else 1.0

    def _is_angle(self, parameter: ProfiledParameter) -> bool:
        """Whether the coordinate is the angle of a correlation of an unstructured term."""
        if parameter.kind != "correlation" or parameter.term is None:
            return False
        return self.linear.terms[parameter.term].structure.kind == "us"

    def parameters_at(
        self, parameter: ProfiledParameter, path: StructuredPath, x: NDArray[np.float64],
        point: Point,
    ) -> NDArray[np.float64]:  # fmt: skip
        """All parameters of the model at a point of a path, in their order."""
        beta = self.beta_at(parameter, path, x[-1], point)
        coordinates = path.coordinates
        return np.array([*beta, *coordinates.components(x), np.exp(0.5 * x[coordinates.m])])

    def bounds(self, parameter: ProfiledParameter) -> tuple[float, float]:
        """The bounds of the parameter's coordinate: of a structure its own."""
        if parameter.kind == "correlation" and not self._is_angle(parameter):
            return self.limits(parameter)
        return super().bounds(parameter)

    def limits(self, parameter: ProfiledParameter) -> tuple[float, float]:
        """The least and the largest correlation."""
        if parameter.term is None or self._is_angle(parameter):
            return super().limits(parameter)
        low, high = self.linear.terms[parameter.term].structure.free_bounds()
        return float(low[-1]), float(high[-1])

    def plateau(self, parameter: ProfiledParameter) -> float:
        """What the profile of a correlation nowhere exceeds: where it has no effect."""
        if parameter.kind != "correlation" or parameter.term is None or self._is_angle(parameter):
            return super().plateau(parameter)
        at = parameter.term
        terms, structure = self.linear.terms, self.linear.terms[at].structure
        if structure.hom:
            return self._least((at,), with_fewer_effects(terms, at, []))
        plain = replace(terms[at], structure=structure_of("us", structure.size))
        terms = in_order([*terms[:at], plain, *terms[at + 1 :]])
        return min(
            self._least((at, effect, 1), with_fewer_effects(terms, at, [effect]))
            for effect in range(structure.size)
        )

    def at_bound(
        self,
        parameter: ProfiledParameter,
        path: StructuredPath,
        optimum: Optimum[Point],
        side: int,
    ) -> float:
        """The least deviance at a bound of the parameter."""
        x = optimum.x.copy()
        x[path.fixed] = self.bounds(parameter)[side > 0]
        return float(path.settle(x)[1].value)
