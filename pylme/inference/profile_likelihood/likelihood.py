"""The likelihood of a fitted model, and the paths of its parameters through it.

At the lower bound of a standard deviation the deviance is that of the model without the effect.
With a correlation fixed, either standard deviation may still be zero, so that the deviance nowhere
exceeds the lesser of both such deviances.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from pylme.covariance.correlation import cov2sdcor
from pylme.covariance.names import cells
from pylme.inference.profile_likelihood.ends import end
from pylme.inference.profile_likelihood.minima import Minima, P
from pylme.model_matrix.random_term import with_fewer_effects
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.inference.profile_likelihood.minima import Optimum
    from pylme.inference.profile_likelihood.parameters import ProfiledParameter
    from pylme.model_matrix.random_term import RandomTerm
    from pylme.reference.problem.layout import Layout

__all__ = ["M", "ProfiledLikelihood", "components", "without_effect"]

M = TypeVar("M", bound=Minima[Any])


class ProfiledLikelihood(ABC, Generic[M, P]):
    """A mixed model at the optimum of its likelihood.

    Attributes
    ----------
    deviance : float
        The least.
    evaluations : int
        Of all paths so far.
    """

    deviance: float
    evaluations: int = 0

    @abstractmethod
    def path(self, parameter: ProfiledParameter) -> tuple[M, Optimum[P]]:
        """The path of a parameter, and the optimum on it."""

    @abstractmethod
    def value(self, parameter: ProfiledParameter, path: M, c: float) -> float:
        """The parameter at a value of its coordinate."""

    @abstractmethod
    def derivative(self, parameter: ProfiledParameter, path: M, c: float) -> float:
        """The derivative of the parameter by its coordinate; zero at a correlation of ±1."""

    @abstractmethod
    def parameters_at(
        self, parameter: ProfiledParameter, path: M, x: NDArray[np.float64], point: P
    ) -> NDArray[np.float64]:
        """All parameters of the model at a point of a path, in their order."""

    @abstractmethod
    def without(self, term: int, effect: int) -> float:
        """The least deviance of the model without an effect."""

    def bounds(self, parameter: ProfiledParameter) -> tuple[float, float]:
        """The bounds of the parameter's coordinate."""
        if parameter.kind == "sd":
            return 0.0, np.inf
        return (-np.pi / 2, np.pi / 2) if parameter.kind == "correlation" else (-np.inf, np.inf)

    def limits(self, parameter: ProfiledParameter) -> tuple[float, float]:
        """The least and the largest value of a correlation."""
        del parameter
        return -1.0, 1.0

    def plateau(self, parameter: ProfiledParameter) -> float:
        """What the profile of a correlation nowhere exceeds; infinite for other parameters."""
        if parameter.kind != "correlation" or parameter.term is None:
            return np.inf
        return min(self.without(parameter.term, effect) for effect in parameter.places)

    def at_bound(
        self, parameter: ProfiledParameter, path: M, optimum: Optimum[P], side: int
    ) -> float:
        """The least deviance at a bound of the parameter."""
        if parameter.kind == "sd" and parameter.term is not None:
            return self.without(parameter.term, parameter.places[0])
        x = optimum.x.copy()
        x[path.fixed] = self.bounds(parameter)[side > 0]
        return float(path.settle(x)[1].value)

    def interval(self, parameter: ProfiledParameter, rise: float) -> tuple[float, float]:
        """Where the profile of a parameter rises by some amount above the optimum.

        Parameters
        ----------
        parameter : ProfiledParameter
        rise : float
            A quantile of χ²₁.

        Returns
        -------
        low, high : float
            A bound of the parameter where the profile does not rise that far.
        """
        with one_thread():
            return self._interval(parameter, rise)

    def _interval(self, parameter: ProfiledParameter, rise: float) -> tuple[float, float]:
        bounds = self.bounds(parameter)
        if self.plateau(parameter) <= self.deviance + rise:
            return self.limits(parameter)
        path, optimum = self.path(parameter)
        ends = []
        for side, bound in zip((-1, 1), bounds, strict=True):
            c = end(
                path,
                optimum,
                side=side,
                limit=optimum.point.value + rise,
                bound=bound,
                at_bound=partial(self.at_bound, parameter, path, optimum, side),
            )
            ends.append(self.value(parameter, path, c))
        self.evaluations += path.evaluations
        return ends[0], ends[1]


def components(
    layout: Layout, roots: Sequence[NDArray[np.float64]], *, size: float = 1.0
) -> list[float]:
    """Standard deviations and correlations of all terms, in the order of their parameters.

    Parameters
    ----------
    layout : Layout
    roots : sequence of ndarray, shapes (K_f, K_f)
        Of the covariance matrix of each factor.
    size : float
        By which all roots are multiplied.
    """
    values: dict[int, list[float]] = {}
    for factor, root in zip(layout.factors, roots, strict=True):
        for position, place in zip(factor.terms, factor.places, strict=True):
            own = cov2sdcor(size**2 * root[place, place] @ root[place, place].T)
            values[position] = [float(own[i, j]) for i, j in cells(len(own))]
    return [value for position in sorted(values) for value in values[position]]


def without_effect(terms: Sequence[RandomTerm], term: int, effect: int) -> tuple[RandomTerm, ...]:
    """The terms without one effect of one of them."""
    left = [i for i in range(len(terms[term].names)) if i != effect]
    return with_fewer_effects(terms, term, left)
