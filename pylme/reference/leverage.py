"""The hat values of the rows: the diagonal of the matrix that takes y to its fitted values.

The fitted values are (I - V⁻¹)y + V⁻¹Xβ̂ with V = I + ZΛΛᵀZᵀ, so that

    hat_i = z_iᵀΛA⁻¹Λᵀz_i + ‖R_X⁻ᵀ(V⁻¹X)_i‖²

The first part is the sum of squares of a column of L⁻¹ΛᵀZᵀ, which lme4's ``hatvalues`` takes. All
columns are the well-conditioned ones, with the root of the weights in them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.linalg import solve_triangular

from pylme.reference.factorization import factorize, random_matrix_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.design.random_term import RandomTerm
    from pylme.reference.evaluation import Evaluation
    from pylme.reference.factorization import Factorization
    from pylme.reference.problem import Problem

__all__ = ["hat_values"]

#: Rows whose equations are solved at a time.
_CHUNK: Final = 512


def hat_values(
    problem: Problem,
    terms: Sequence[RandomTerm],
    theta: NDArray[np.float64],
    evaluation: Evaluation,
) -> NDArray[np.float64]:
    """The hat value of each row, shape (n,).

    Parameters
    ----------
    problem : Problem
        Of a single response.
    terms : sequence of RandomTerm
        Those that it was prepared from.
    theta : ndarray, shape (m,)
        lme4's.
    evaluation : Evaluation
        At theta.
    """
    columns = problem.columns
    inner = problem.conditioned(theta[None])
    placed = _well_conditioned(problem, terms)
    A = random_matrix_at(placed, inner[0], np.ones(len(placed[0].codes)))
    factor = factorize(A)
    X = columns.base.T @ columns.x_of_base
    X -= A.T @ factor.solver.solve(np.asarray(A @ X)) if X.size else 0.0
    rows = solve_triangular(evaluation.RX[0], X.T, lower=True)
    if len(problem.layout.factors) == 1:
        random = _of_one_factor(problem, problem.layout.matrices(inner))
    else:
        random = _of_several(A, factor)
    result: NDArray[np.float64] = random + (rows * rows).sum(axis=0)
    return result


def _well_conditioned(problem: Problem, terms: Sequence[RandomTerm]) -> list[RandomTerm]:
    """The terms on their well-conditioned columns."""
    made = list(terms)
    for f, factor in enumerate(problem.layout.factors):
        z = problem.columns.base.T @ problem.columns.z_of_base[f]
        for position, place in zip(factor.terms, factor.places, strict=True):
            made[position] = replace(terms[position], columns=z[:, place])
    return made


def _of_one_factor(problem: Problem, T: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The random part's share, from one small matrix for each level."""
    (factor,) = problem.layout.factors
    z = problem.columns.z_of_base[0].T @ problem.columns.base
    spread = problem.criterion.spread(T, 0)[factor.codes]
    result: NDArray[np.float64] = np.einsum("an,nab,bn->n", z, spread, z, optimize=True)
    return result


def _of_several(A: Any, factor: Factorization) -> NDArray[np.float64]:
    """The same of any number of factors, whose effects are not independent given the data."""
    parts = []
    for start in range(0, A.shape[1], _CHUNK):
        columns = A[:, start : start + _CHUNK].toarray()
        parts.append((columns * factor.solver.solve(columns)).sum(axis=0))
    return np.concatenate(parts)
