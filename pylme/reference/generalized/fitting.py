"""From the matrices of a generalized model to the end of the search, with all warnings about it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.errors import NotOverdispersedWarning, ResponseError
from pylme.families import link_of
from pylme.formula import deparse
from pylme.model_matrix.build import rank_message
from pylme.model_matrix.evaluation.values import numbers_of
from pylme.model_matrix.starting_values import start_of_theta
from pylme.reference.generalized.criterion import criterion_of
from pylme.reference.generalized.messages import class_of
from pylme.reference.generalized.optimum.descent import shape_vanishes
from pylme.reference.generalized.optimum.ending import conditions_of, ending_of
from pylme.reference.generalized.optimum.infimum import infimum_without
from pylme.reference.generalized.optimum.search import NoModeError, find
from pylme.reference.generalized.solution import GeneralizedSolution
from pylme.reference.optimize.degenerate import has_no_minimum, problem_on_the_link
from pylme.reference.threads import one_thread
from pylme.results.certificate import SUSPECT_OF_ITERATIONS
from pylme.results.findings import findings, unreliable_by_criterion
from pylme.results.fitted_model import Condition

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import ModelSpec
    from pylme.reference.generalized.criterion import GeneralizedCriterion
    from pylme.reference.generalized.optimum.ending import GeneralizedEnding
    from pylme.results.generalized_problem import GeneralizedProblem

__all__ = ["fitted"]

#: A linear predictor beyond which the fixed effects may separate the response.
FAR: Final = 10.0


def fitted(
    spec: ModelSpec, design: ModelMatrices, problem: GeneralizedProblem
) -> tuple[GeneralizedEnding, tuple[Condition, ...], GeneralizedSolution]:
    """The end of the search for the model of a design, what there is to say of it, and the numbers.

    Raises
    ------
    OptionError
        If the starting values do not suit the model.
    ResponseError
        If no parameters give a finite criterion.
    """
    start = _start(spec, design)
    with one_thread():
        criterion = criterion_of(problem)
        try:
            found = find(criterion, eta=_starting_predictor(spec, design, criterion), start=start)
        except NoModeError as error:
            raise _nowhere_finite(spec, problem) from error
        ending = ending_of(criterion, found)
        nothing = _leaves_nothing(criterion, found.point.mode, design)
        if nothing or shape_vanishes(criterion, found.point):
            ending = ending.unbounded()
    solution = GeneralizedSolution(criterion=criterion, x=ending.x, found=found.mode)
    far = max(np.abs(eta).max(initial=0.0) for eta in (found.glm.eta, solution.eta))
    suspect = not found.glm.converged or bool(far > FAR)
    m, p = criterion.m, criterion.p
    extra = float(ending.x[-1]) if problem.extra else None
    there = problem.at(ending.x[:m], ending.x[m : m + p], extra)
    seen = findings(
        spec, there, mu=solution.mu, suspect=suspect, infimum=partial(infimum_without, problem)
    )
    # Towards an infinite ϑ the criterion is flat: its curvature is a rounding error, and a search
    # ends where it happens to.
    endless = any(class_of(condition.message) is NotOverdispersedWarning for condition in seen)
    conditions = () if endless else conditions_of(ending)
    if design.dropped:
        message = rank_message(design.dropped, design.p + len(design.dropped))
        conditions = (Condition(kind="warning", message=message), *conditions)
    if criterion.objective.dispersed and not criterion.objective.likelihood:
        seen = (*seen, unreliable_by_criterion(problem.family))
    return ending, (*conditions, *seen), solution


def _start(spec: ModelSpec, design: ModelMatrices) -> NDArray[np.float64] | None:
    """θ, or θ and β, that the caller gives to start from."""
    theta = start_of_theta(spec, design)
    fixef = spec.start.get("fixef") if isinstance(spec.start, Mapping) else None
    if fixef is None:
        return theta
    return np.concatenate([design.theta if theta is None else theta, fixef])


def _starting_predictor(
    spec: ModelSpec, design: ModelMatrices, criterion: GeneralizedCriterion
) -> NDArray[np.float64] | None:
    """The linear predictor that the caller gives to start from, in the order of the criterion."""
    name = spec.mustart or spec.etastart
    if name is None:
        return None
    values = numbers_of(spec.frame.columns[name], "mustart" if spec.mustart else "etastart")
    if len(values) != design.n:
        # A transformation left rows out; the usual start serves all that are left.
        return None
    if spec.mustart:
        values = link_of(criterion.problem.family.link).eta(values)
    return np.asarray(values)[criterion.algebra.order]


def _nowhere_finite(spec: ModelSpec, problem: GeneralizedProblem) -> ResponseError:
    """The error where no start has a finite criterion."""
    return ResponseError(
        response=deparse(spec.formula.response),
        found=f"no starting values give a finite criterion with the {problem.family.link} link of "
        f"the {problem.family.name} family",
        remedy="Give starting values by `start` or `mustart`, or use a link whose means are always "
        'in the range of the family, such as link="log".',
    )


def _leaves_nothing(criterion: GeneralizedCriterion, mode: object, design: ModelMatrices) -> bool:
    """Whether fixed and random effects explain a response of a family with a dispersion."""
    if not criterion.objective.dispersed:
        return False
    y = criterion.problem.y
    left = float(((y - _means(criterion, mode)) ** 2).sum())
    if left > SUSPECT_OF_ITERATIONS * float(((y - y.mean()) ** 2).sum()):
        return False
    problem = problem_on_the_link(design)
    return problem is not None and has_no_minimum(problem)


def _means(criterion: GeneralizedCriterion, mode: object) -> NDArray[np.float64]:
    means = np.empty(len(criterion.offset))
    means[criterion.algebra.order] = criterion.rows.mean(mode.eta)  # type: ignore[attr-defined]
    return means
