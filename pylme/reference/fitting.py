"""Fit a prepared model: the search, a second one where the first may mislead, the better end.

Most criteria have one minimum. A second one, when there is one, has mostly lost a variance: with
several terms, or three effects and more, what one of them explains can be explained by another. A
search that ends on the boundary of such a model is therefore followed by another one from lme4's
kind of start, as much variance in every direction as the residual's. Not for large crossed models,
whose searches are dear and whose data speak clearly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.reference.newton import Optimum, minimise
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from pylme.reference.problem import Problem
    from pylme.reference.terms import Layout

__all__ = ["Fitted", "fit", "fit_from_each"]

#: A pivot below this, of columns of mean square 1, is on the boundary.
ON_BOUNDARY: Final = 1e-4
#: One end is lower than the other by more than this, or it is the same.
LOWER: Final = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """Where the search of each response ended.

    Attributes
    ----------
    theta : ndarray, shape (R, m)
        lme4's theta, diagonals of zero or more.
    criterion : ndarray, shape (R,)
    optimum : Optimum
        In terms of the well-conditioned columns, with the counts and the trace.
    """

    theta: NDArray[np.float64]
    criterion: NDArray[np.float64]
    optimum: Optimum


def fit(problem: Problem, start: NDArray[np.float64] | None = None) -> Fitted:
    """Minimise the criterion of each response.

    Parameters
    ----------
    problem : Problem
    start : ndarray, shape (m,) or (R, m), optional
        lme4's theta to start the one search from; None for the problem's own starts.
    """
    with one_thread():
        if start is None:
            optimum = minimise(problem.criterion, problem.layout, problem.start())
            optimum = _second_search(problem, optimum)
        else:
            given = np.broadcast_to(start, (problem.n_responses, len(problem.layout.row)))
            inner = problem.conditioned(np.array(given, dtype=np.float64))
            optimum = minimise(problem.criterion, problem.layout, inner)
        return _fitted(problem, optimum)


def fit_from_each(problem: Problem, starts: NDArray[np.float64]) -> Fitted:
    """Minimise the criterion of a single response from several starts at once.

    Parameters
    ----------
    problem : Problem
        Of one response.
    starts : ndarray, shape (S, m)
        lme4's theta to start from.

    Returns
    -------
    Fitted
        With a row for each start.
    """
    with one_thread():
        criterion = problem.criterion.subset(np.zeros(len(starts), dtype=np.intp))
        optimum = minimise(criterion, problem.layout, problem.conditioned(starts))
        return _fitted(problem, optimum)


def _fitted(problem: Problem, optimum: Optimum) -> Fitted:
    return Fitted(
        theta=problem.callers(optimum.theta),
        criterion=optimum.evaluation.criterion,
        optimum=optimum,
    )


def _second_search(problem: Problem, first: Optimum) -> Optimum:
    """The better of the first end and that of a search from unit variances, where in doubt."""
    layout = problem.layout
    pivots = np.abs(first.theta[:, layout.diagonal])
    doubtful: NDArray[np.bool_] = np.asarray((pivots < ON_BOUNDARY).any(axis=1))
    large = problem.criterion.exactly() is not problem.criterion
    if not doubtful.any() or not _ambiguous(layout) or large:
        return first
    criterion = problem.criterion if doubtful.all() else problem.criterion.subset(doubtful)
    start = np.tile(layout.diagonal.astype(np.float64), (int(doubtful.sum()), 1))
    second = minimise(criterion, layout, start)
    lower = second.evaluation.criterion < first.evaluation.criterion[doubtful] - LOWER
    evaluations = first.evaluations.copy()
    evaluations[doubtful] += second.evaluations
    if not lower.any():
        return replace(first, evaluations=evaluations, trace=(*first.trace, *second.trace))
    theta, converged, escapes = first.theta.copy(), first.converged.copy(), first.escapes.copy()
    curvature = first.curvature.copy()
    better = np.flatnonzero(doubtful)[lower]
    theta[better] = second.theta[lower]
    converged[better] = second.converged[lower]
    escapes[better] = second.escapes[lower]
    curvature[better] = second.curvature[lower]
    return Optimum(
        theta=theta,
        evaluation=problem.criterion.evaluate(layout.matrices(theta)),
        evaluations=evaluations,
        converged=converged,
        escapes=escapes,
        curvature=curvature,
        trace=(*first.trace, *second.trace),
    )


def _ambiguous(layout: Layout) -> bool:
    """Whether the model has several terms, or one of three effects and more."""
    terms = sum(len(factor.terms) for factor in layout.factors)
    return terms > 1 or layout.factors[0].width > 2
