"""A model on some of its rows, of whatever kind it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.model_matrix.model_matrix import independent_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.model_matrix.random_term import RandomTerm
    from pylme.results.generalized_problem import GeneralizedProblem
    from pylme.results.linear_problem import LinearProblem

__all__ = ["model_of_rows"]


def model_of_rows(
    problem: LinearProblem | GeneralizedProblem, kept: NDArray[np.bool_]
) -> tuple[dict[str, Any] | None, NDArray[np.intp]]:
    """Response, matrices and offset of some rows, and the columns of X that these determine.

    None where a grouping factor has a single level left, or there are not more rows than columns.

    Parameters
    ----------
    problem : LinearProblem or GeneralizedProblem
    kept : ndarray of bool, shape (n,)

    Returns
    -------
    model : dict or None
        ``y, X, x_names, terms, offset``, as the problem has them.
    columns : ndarray of int
    """
    X = problem.X[kept]
    columns = np.asarray(independent_columns(X), dtype=np.intp)
    terms = _terms_of_rows(problem.terms, kept)
    if len(X) <= len(columns) or any(len(term.levels) < 2 for term in terms):
        return None, columns
    model = {
        "y": problem.y[kept],
        "X": np.asfortranarray(X[:, columns]),
        "x_names": tuple(problem.x_names[i] for i in columns),
        "terms": terms,
        "offset": problem.offset[kept],
    }
    return model, columns


def _terms_of_rows(terms: Sequence[RandomTerm], kept: NDArray[np.bool_]) -> tuple[RandomTerm, ...]:
    """The random-effects terms of some of the rows, with the levels that these have."""
    made: list[RandomTerm] = []
    start = 0
    for term in terms:
        levels, codes = np.unique(term.codes[kept], return_inverse=True)
        stop = start + len(levels) * len(term.names)
        made.append(
            replace(
                term,
                levels=tuple(term.levels[i] for i in levels),
                codes=codes.astype(np.int32),
                columns=np.asfortranarray(term.columns[kept]),
                rows=slice(start, stop),
            )
        )
        start = stop
    return tuple(made)
