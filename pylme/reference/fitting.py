"""Fit a prepared model: the search from one start or several, and what it ended with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.reference.newton import Optimum, minimise
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from pylme.reference.problem import Problem

__all__ = ["Fitted", "fit", "fit_from_each"]


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
        lme4's theta to start from; None for the problem's own start.
    """
    with one_thread():
        if start is None:
            inner = problem.start()
        else:
            given = np.broadcast_to(start, (problem.n_responses, len(problem.layout.row)))
            inner = problem.conditioned(np.array(given, dtype=np.float64))
        optimum = minimise(problem.criterion, problem.layout, inner)
        return Fitted(
            theta=problem.callers(optimum.theta),
            criterion=optimum.evaluation.criterion,
            optimum=optimum,
        )


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
        return Fitted(
            theta=problem.callers(optimum.theta),
            criterion=optimum.evaluation.criterion,
            optimum=optimum,
        )
