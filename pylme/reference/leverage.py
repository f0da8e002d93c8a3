"""The hat values of the rows: the diagonal of the matrix that takes y to its fitted values.

The fitted values are (I - V⁻¹)y + V⁻¹Xβ̂ with V = I + ZΛΛᵀZᵀ, so that

    hat_i = z_iᵀΛA⁻¹Λᵀz_i + ‖R_X⁻ᵀ(V⁻¹X)_i‖²

The first part is the sum of squares of a column of L⁻¹ΛᵀZᵀ, which lme4's ``hatvalues`` takes. All
columns are the well-conditioned ones, with the root of the weights in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.linalg import solve_triangular

from pylme.reference.factorization import factorize, random_matrix_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.design.random_term import RandomTerm
    from pylme.reference.evaluation import Evaluation
    from pylme.reference.problem import Problem

__all__ = ["hat_values"]

#: Right-hand sides that are solved for at a time.
_CHUNK: Final = 512


def hat_values(
    problem: Problem,
    terms: Sequence[RandomTerm],
    theta: NDArray[np.float64],
    evaluation: Evaluation,
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The hat value of each row, shape (n,).

    Parameters
    ----------
    problem : Problem
        Of a single response.
    terms : sequence of RandomTerm
    theta : ndarray, shape (m,)
        lme4's.
    evaluation : Evaluation
        At theta.
    weights : ndarray, shape (n,)
    """
    T = problem.layout.matrices(problem.conditioned(theta[None]))
    if len(problem.layout.factors) == 1:
        random = _of_one_factor(problem, T)
    else:
        random = _of_several(terms, theta, weights)
    rows = solve_triangular(evaluation.RX[0], _whitened(problem, T), lower=True)
    result: NDArray[np.float64] = random + (rows * rows).sum(axis=0)
    return result


def _of_one_factor(problem: Problem, T: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    (factor,) = problem.layout.factors
    z = problem.columns.z_of_base[0].T @ problem.columns.base
    spread = problem.criterion.spread(T, 0)[factor.codes]
    result: NDArray[np.float64] = np.einsum("an,nab,bn->n", z, spread, z, optimize=True)
    return result


def _of_several(
    terms: Sequence[RandomTerm], theta: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of any number of factors, whose random effects are not independent given the data."""
    A = random_matrix_at(terms, theta, weights)
    solver = factorize(A).solver
    parts = []
    for start in range(0, A.shape[1], _CHUNK):
        columns = A[:, start : start + _CHUNK].toarray()
        parts.append((columns * solver.solve(columns)).sum(axis=0))
    return np.concatenate(parts)


def _whitened(problem: Problem, T: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """(V⁻¹X)ᵀ of the well-conditioned columns, shape (p, n)."""
    columns, factors = problem.columns, problem.layout.factors
    X = columns.x_of_base.T @ columns.base
    p = len(X)
    still = problem.criterion.effects(T, np.zeros(p))
    for k in range(p):
        moved = problem.criterion.effects(T, np.eye(p)[k])
        for f, factor in enumerate(factors):
            # Z'V⁻¹ of this column of X, and what the random effects would take of it.
            taken = (still[f] - moved[f]) @ T[f][0] @ T[f][0].T
            z = columns.z_of_base[f].T @ columns.base
            X[k] -= np.einsum("an,na->n", z, taken[factor.codes])
    return X
