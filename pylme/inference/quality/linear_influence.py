"""Exact refits of a linear mixed model without a group of rows.

Where the groups are the levels of the only grouping factor, all models without one level are fitted
at once on the sums of the whole model, by Newton's method from its θ̂
(`pylme.reference.criterion.deletions`); other groups follow one another, each from θ̂, and so do all
groups where a term has a covariance structure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.inference.quality.influence import Estimated, Influence, nothing_estimated
from pylme.inference.quality.remaining_rows import model_of_rows
from pylme.reference.criterion.deletions import deletions
from pylme.reference.criterion.one_factor import OneFactor
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.optimize.newton import minimise
from pylme.reference.optimize.structured import minimise_structured
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.frame import Library
    from pylme.inference.kernels import Kernels
    from pylme.inference.quality.groups import Groups
    from pylme.reference.criterion.likelihood import Evaluation
    from pylme.reference.criterion.prepare import Problem
    from pylme.results.linear_problem import LinearProblem

__all__ = ["influence_of_groups", "rows_of"]

#: What may be left of a column of X, all rows making 1, before it counts as taken away.
TAKEN: Final = 1e-8
#: Numbers that a batch may hold at once in each of its tables.
MOST_NUMBERS: Final = 5_000_000


def influence_of_groups(kernels: Kernels, groups: Groups, library: Library) -> Influence:
    """The model fitted again without each group.

    Parameters
    ----------
    kernels : Kernels
        Of the fit.
    groups : Groups
    library : {"pandas", "polars", "pyarrow"}
    """
    kernels.linear.require_rows("Computing influence")
    linear, problem = kernels.linear, kernels.problem
    J, p, m = len(groups.levels), linear.X.shape[1], len(kernels.theta)
    without = nothing_estimated(J, p, m)
    with one_thread():
        whole, theta = _least(problem, kernels.theta, whole=True)
        left = np.arange(J)
        if groups.factor and isinstance(problem.criterion, OneFactor) and not problem.structured:
            left = _all_at_once(problem, linear, theta, without)
        for j in left.tolist():
            _one_by_one(linear, groups.codes != j, whole.theta[0], without, j)
    return Influence(
        by=groups.name,
        levels=groups.levels,
        rows=np.bincount(groups.codes, minlength=J),
        names=linear.x_names,
        terms=linear.terms,
        whole=whole,
        without=without,
        library=library,
    )


def _all_at_once(
    problem: Problem, linear: LinearProblem, start: NDArray[np.float64], without: Estimated
) -> NDArray[np.intp]:
    """Fit the models without each level of the only factor; returns the levels that are left.

    These are levels without which X loses rank, or too little is left to fit a model to.
    """
    criterion = problem.criterion
    assert isinstance(criterion, OneFactor)  # noqa: S101  (for the type checker)
    weights = np.ones(len(linear.y)) if linear.weights is None else linear.weights
    without_each = deletions(problem, criterion, np.log(weights))
    p = problem.likelihood.p
    possible = np.asarray(without_each.nu > 0)
    if p:
        # The columns are orthonormal in all rows.
        possible &= np.linalg.eigvalsh(without_each.gram[:, :p, :p])[:, 0] > TAKEN
    levels = np.flatnonzero(possible)
    step = max(1, MOST_NUMBERS // without_each.batch_numbers)
    for first in range(0, len(levels), step):
        own = levels[first : first + step]
        batch = without_each.subset(own)
        optimum = minimise(batch, problem.layout, np.tile(start, (len(own), 1)))
        found = _estimated(problem, optimum.evaluation, optimum.theta, batch.nu)
        for name in ("criterion", "sigma", "beta", "vcov", "theta"):
            getattr(without, name)[own] = getattr(found, name)
        without.converged[own] = optimum.converged
    return np.flatnonzero(~possible)


def _one_by_one(
    linear: LinearProblem,
    kept: NDArray[np.bool_],
    theta: NDArray[np.float64],
    without: Estimated,
    j: int,
) -> None:
    """Fit the model to some of the rows; nothing is written where there is too little left."""
    part, columns = rows_of(linear, kept)
    if part is None:
        return
    try:
        found, _ = _least(problem_of(part), theta)
    except np.linalg.LinAlgError:
        return
    without.criterion[j], without.sigma[j] = found.criterion[0], found.sigma[0]
    without.theta[j] = found.theta[0]
    without.beta[j, columns] = found.beta[0]
    without.vcov[j][np.ix_(columns, columns)] = found.vcov[0]
    without.converged[j] = found.converged[0]


def _least(
    problem: Problem, theta: NDArray[np.float64], *, whole: bool = False
) -> tuple[Estimated, NDArray[np.float64]]:
    """The optimum near lme4's theta, and its theta of the well-conditioned columns."""
    nu = problem.likelihood.nu
    if problem.structured:
        end = minimise_structured(problem, theta)
        conditioned = problem.conditioned(end.theta[None])
        found = _estimated(problem, end.evaluation, conditioned, nu)
        return replace(found, converged=np.array([end.converged])), conditioned
    criterion = problem.criterion if whole else problem.searched()
    optimum = minimise(criterion, problem.layout, problem.conditioned(theta[None]))
    found = _estimated(problem, optimum.evaluation, optimum.theta, nu)
    return replace(found, converged=optimum.converged), optimum.theta


def rows_of(
    linear: LinearProblem, kept: NDArray[np.bool_]
) -> tuple[LinearProblem | None, NDArray[np.intp]]:
    """The model on some of the rows, as `model_of_rows`."""
    model, columns = model_of_rows(linear, kept)
    if model is None:
        return None, columns
    part = replace(
        linear,
        **model,
        weights=None if linear.weights is None else linear.weights[kept],
        reml=linear.reml and len(columns) > 0,
        theta=None,
    )
    return part, columns


def _estimated(
    problem: Problem, at: Evaluation, theta: NDArray[np.float64], nu: NDArray[np.intp] | int
) -> Estimated:
    """Estimates in the caller's columns."""
    back = np.linalg.inv(problem.columns.RX)
    variance = at.rss / nu
    root = back @ np.linalg.inv(at.RX).swapaxes(1, 2)
    return Estimated(
        criterion=at.criterion,
        sigma=np.sqrt(variance),
        beta=(at.beta + problem.columns.beta0) @ back.T,
        vcov=variance[:, None, None] * (root @ root.swapaxes(1, 2)),
        theta=problem.callers(theta),
        shape=np.full(len(theta), np.nan),
        converged=np.ones(len(theta), dtype=np.bool_),
    )
