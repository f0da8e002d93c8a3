"""Fit a prepared model: searches from its own starts, or from those that are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.reference.optimize.newton import Optimum, minimise
from pylme.reference.optimize.several_starts import best_of_several
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from pylme.reference.criterion.prepare import Problem

__all__ = ["Fitted", "fit"]


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
    starts, agreed : ndarray of int, shape (R,)
        From how many starts each response was searched, and how many searches ended there.
    """

    theta: NDArray[np.float64]
    criterion: NDArray[np.float64]
    optimum: Optimum
    starts: NDArray[np.intp]
    agreed: NDArray[np.intp]


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
            found = best_of_several(problem)
            return _fitted(problem, found.optimum, found.starts, found.agreed)
        given = np.broadcast_to(start, (problem.n_responses, len(problem.layout.row)))
        inner = problem.conditioned(np.array(given, dtype=np.float64))
        optimum = minimise(problem.criterion, problem.layout, inner)
        one = np.ones(problem.n_responses, dtype=np.intp)
        return _fitted(problem, optimum, one, one)


def _fitted(
    problem: Problem, optimum: Optimum, starts: NDArray[np.intp], agreed: NDArray[np.intp]
) -> Fitted:
    return Fitted(
        theta=problem.callers(optimum.theta),
        criterion=optimum.evaluation.criterion,
        optimum=optimum,
        starts=starts,
        agreed=agreed,
    )
