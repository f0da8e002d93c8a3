"""Where a search ended: on the boundary if that is near, and what the derivatives prove there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.errors import (
    ConvergenceWarning,
    NoFiniteOptimumWarning,
    NotIdentifiedWarning,
    SingularFitWarning,
)
from pylme.identifiability.report import Direction
from pylme.reference.criterion.likelihood import Evaluation
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.optimize.boundary import NEAR, on_the_boundary
from pylme.reference.optimize.certificate import certify
from pylme.reference.optimize.degenerate import has_no_minimum, unidentified
from pylme.reference.optimize.descent import ENOUGH
from pylme.reference.optimize.newton import TracePoint
from pylme.reference.optimize.several_starts import fit
from pylme.reference.optimize.structured import certify_structured, minimise_structured
from pylme.reference.threads import one_thread
from pylme.results.certificate import FLAT, NO_FINITE_OPTIMUM, Certificate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.errors import FitWarning
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.random_term import RandomTerm
    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.optimize.newton import Optimum
    from pylme.results.linear_problem import LinearProblem

__all__ = ["Ending", "end_of", "examined", "optimum_of", "search", "warnings_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ending:
    """The end of the search for a single response.

    Attributes
    ----------
    theta : ndarray, shape (m,)
        lme4's.
    evaluation : Evaluation
        There.
    certificate : Certificate or None
        With the second derivatives of the search, which for a large model are not exact. None where
        it need not be made to know that nothing is amiss: an interior minimum, by the last step.
    converged : bool
        Whether the search ended by its own criterion.
    evaluations : int
        Of all searches together.
    starts, agreed : int
        How many searches there were, and how many of them ended there.
    trace : tuple of TracePoint
        In terms of the well-conditioned columns: of the search that began at the moments, and the
        last steps to a better end of another.
    directions : tuple of Direction
        The combinations of covariance parameters that the data do not determine.
    unbounded : bool
        Whether the criterion has no minimum.
    """

    theta: NDArray[np.float64]
    evaluation: Evaluation
    certificate: Certificate | None
    converged: bool
    evaluations: int
    starts: int
    agreed: int
    trace: tuple[TracePoint, ...]
    directions: tuple[Direction, ...] = ()
    unbounded: bool = False

    def known(self, certificate: Certificate) -> Certificate:
        """A certificate of this point with what is known whatever the point."""
        return replace(certificate, unidentified=self.undetermined, unbounded=self.unbounded)

    @property
    def undetermined(self) -> tuple[str, ...]:
        """What the data do not determine, each in a sentence."""
        return tuple(direction.sentence for direction in self.directions)


def search(
    problem: Problem, terms: Sequence[RandomTerm], start: NDArray[np.float64] | None = None
) -> Ending:
    """Fit a model of one response.

    Parameters
    ----------
    problem : Problem
    terms : sequence of RandomTerm
        Those that it was prepared from.
    start : ndarray, shape (m,), optional
        lme4's theta to start from.
    """
    if problem.structured:
        return _structured(problem, start)
    found = fit(problem, start)
    theta, evaluation = found.theta[0], found.optimum.evaluation
    certificate = None
    if not _plain(problem, found.optimum):
        with one_thread():
            theta, evaluation = on_the_boundary(problem, theta, evaluation)
            certificate = certify(problem, terms, theta, evaluation)
    return Ending(
        theta=theta,
        evaluation=evaluation,
        certificate=certificate,
        converged=bool(found.optimum.converged[0]),
        evaluations=int(found.optimum.evaluations[0]),
        starts=int(found.starts[0]),
        agreed=int(found.agreed[0]),
        trace=found.optimum.trace,
    )


def _structured(problem: Problem, start: NDArray[np.float64] | None) -> Ending:
    """The end of a search in the free parameters of covariance structures."""
    with one_thread():
        found = minimise_structured(problem, start)
        certificate = certify_structured(problem, found.theta, found.evaluation)
    return Ending(
        theta=found.theta,
        evaluation=found.evaluation,
        certificate=certificate,
        converged=found.converged,
        evaluations=found.evaluations,
        starts=found.starts,
        agreed=found.agreed,
        trace=found.trace,
    )


def examined(ending: Ending, problem: Problem, design: ModelMatrices) -> Ending:
    """The same end with what is known whatever the point: what the data do not determine.

    Parameters
    ----------
    ending : Ending
    problem : Problem
    design : ModelMatrices
        That the problem was prepared from.
    """
    if problem.structured:
        # The analysis of identifiability is of unstructured terms. What the data leave open in a
        # structure, the certificate finds flat.
        return ending
    with one_thread():
        suspect = bool(problem.suspects(ending.evaluation.rss)[0])
        return replace(
            ending,
            directions=() if problem.identified else unidentified(problem, design),
            unbounded=suspect and has_no_minimum(problem),
        )


def _plain(problem: Problem, optimum: Optimum) -> bool:
    """Whether the search ended well inside, where the criterion curves upwards."""
    pivots = np.abs(optimum.theta[0, problem.layout.diagonal])
    return bool(
        optimum.converged[0] and optimum.curvature[0] > FLAT and (pivots > 2.0 * NEAR).all()
    )


def warnings_of(ending: Ending) -> tuple[FitWarning, ...]:
    """The warnings about the end of a search."""
    certificate = ending.certificate
    if ending.unbounded:
        return (NoFiniteOptimumWarning(NO_FINITE_OPTIMUM),)
    said: list[FitWarning] = []
    if certificate is not None:
        said += [SingularFitWarning(message) for message in certificate.boundary]
    if ending.directions:
        # Where the search ended is arbitrary then, and so are derivatives along these directions.
        return (*said, *(NotIdentifiedWarning(message) for message in ending.undetermined))
    if not ending.converged:
        said.insert(0, ConvergenceWarning(end_of(ending)))
    if certificate is not None:
        said += [ConvergenceWarning(message) for message in certificate.problems]
    return tuple(said)


def end_of(ending: Ending) -> str:
    """How the search ended, in words."""
    if ending.converged:
        several = f"; {ending.agreed} of {ending.starts} searches ended there"
        return (
            f"a further step would lower the criterion by less than {ENOUGH:g}"
            f"{several * (ending.starts > 1)}"
        )
    return f"the search stopped after {ending.evaluations} evaluations, before it was done"


def optimum_of(linear: LinearProblem) -> tuple[NDArray[np.float64], float]:
    """Where the NumPy engine finds the least criterion: theta of shape (m,), and the criterion."""
    ending = search(problem_of(linear), linear.terms, linear.theta)
    return ending.theta, float(ending.evaluation.criterion[0])
