"""A linear problem prepared for the NumPy engine, and solved by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme.reference.criterion.prepare import prepare
from pylme.reference.ending import search

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pylme.reference.criterion.prepare import Problem
    from pylme.results.linear_problem import LinearProblem

__all__ = ["optimum_of", "problem_of"]


def problem_of(linear: LinearProblem) -> Problem:
    """The criterion of a linear problem, ready to be evaluated and minimised."""
    return prepare(
        linear.X,
        linear.y_less_offset[None],
        linear.terms,
        weights=linear.weights,
        reml=linear.reml,
    )


def optimum_of(linear: LinearProblem) -> tuple[NDArray[np.float64], float]:
    """Where the NumPy engine finds the least criterion: theta of shape (m,), and the criterion."""
    ending = search(problem_of(linear), linear.terms, linear.theta)
    return ending.theta, float(ending.evaluation.criterion[0])
