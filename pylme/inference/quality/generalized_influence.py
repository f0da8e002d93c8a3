"""Exact refits of a generalized mixed model without a group of rows.

Each search begins at the estimates of all rows, by the criterion of the fit, and ends with the
Hessian that the covariance matrix of the fixed effects comes from. Cook's distance is a form of the
change of β̂ in the covariance matrix of all rows, as for linear models.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pylme.inference.quality.influence import Influence, nothing_estimated
from pylme.inference.quality.remaining_rows import model_of_rows
from pylme.reference.generalized.criterion import criterion_of
from pylme.reference.generalized.evaluate import parameters_of
from pylme.reference.generalized.optimum.ending import ending_of
from pylme.reference.generalized.optimum.search import NoModeError, find
from pylme.reference.generalized.solution import GeneralizedSolution, fixed_covariance
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.frame import Library
    from pylme.inference.quality.groups import Groups
    from pylme.inference.quality.influence import Estimated
    from pylme.results.generalized_problem import GeneralizedProblem

__all__ = ["influence_on_generalized"]


def influence_on_generalized(
    problem: GeneralizedProblem, groups: Groups, library: Library
) -> Influence:
    """The model fitted again without each group.

    Parameters
    ----------
    problem : GeneralizedProblem
        With the parameters of the fit.
    groups : Groups
    library : {"pandas", "polars", "pyarrow"}
    """
    J, p, m = len(groups.levels), problem.X.shape[1], problem.terms[-1].thetas.stop
    without, whole = nothing_estimated(J, p, m), nothing_estimated(1, p, m)
    with one_thread():
        _fit(problem, np.arange(p), parameters_of(problem)[: m + p], whole, 0)
        start = np.concatenate([whole.theta[0], whole.beta[0]])
        for j in range(J):
            part, columns = _of_rows(problem, groups.codes != j)
            if part is not None:
                places = np.concatenate([np.arange(m), m + columns])
                _fit(part, columns, start[places], without, j)
    return Influence(
        by=groups.name,
        levels=groups.levels,
        rows=np.bincount(groups.codes, minlength=J),
        names=problem.x_names,
        terms=problem.terms,
        whole=whole,
        without=without,
        scale=criterion_of(problem).objective.dispersed,
        library=library,
    )


def _of_rows(
    problem: GeneralizedProblem, kept: NDArray[np.bool_]
) -> tuple[GeneralizedProblem | None, NDArray[np.intp]]:
    """The model on some of the rows, as `model_of_rows`."""
    model, columns = model_of_rows(problem, kept)
    if model is None:
        return None, columns
    part = replace(
        problem,
        **model,
        trials=None if problem.trials is None else problem.trials[kept],
        weights=problem.weights[kept],
    )
    return part, columns


def _fit(
    problem: GeneralizedProblem,
    columns: NDArray[np.intp],
    start: NDArray[np.float64],
    made: Estimated,
    j: int,
) -> None:
    """Fit a model from θ and β near its optimum; nothing is written where it has none."""
    criterion = criterion_of(problem)
    try:
        found = find(criterion, start=start)
    except (NoModeError, np.linalg.LinAlgError):
        return
    ending = ending_of(criterion, found)
    solution = GeneralizedSolution(criterion=criterion, x=ending.x, found=found.mode)
    m, p = criterion.m, criterion.p
    made.criterion[j], made.sigma[j] = ending.value, solution.sigma
    made.theta[j], made.beta[j, columns] = ending.x[:m], ending.x[m : m + p]
    made.vcov[j][np.ix_(columns, columns)] = fixed_covariance(solution, ending.hessian, ending.free)
    made.converged[j] = ending.converged and ending.certificate.holds
    if problem.shape_free:
        made.shape[j] = np.exp(ending.x[-1])
