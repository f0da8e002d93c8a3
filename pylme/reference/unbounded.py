"""Criteria without a minimum: responses that the effects explain without any residual.

Where y lies in the span of [X, Z] and that is not all of the sample space, r² falls like 1/t² along
θ = t·I, log|A| rises like 2 rank(Z) log t, and

    d(θ) = log|A| + ρ log|S| + ν log r² + … → -∞        as ν > rank(Z | X)

the residual standard deviation goes to zero. The residual of least squares on [X, Z] tells; it is
taken of the rows, since that of cross products is lost in rounding. Columns may be dependent: each
round of the iterated Tikhonov method (Engl, Hanke & Neubauer 1996, *Regularization of Inverse
Problems*, section 5.1) multiplies the part of the residual along a singular value s by δ/(s² + δ),
and leaves what is orthogonal to all columns as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from pylme.results.certificate import SUSPECT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.problem import Problem

__all__ = ["has_no_minimum", "is_suspect"]

#: A residual of this size, relative to the response, is its representation in double precision and
#: the rounding errors of a few operations that made it.
NOTHING: Final = 16.0 * np.finfo(float).eps
#: δ for columns of length 1, and the rounds: what columns explain along singular values above
#: 1e-4 falls by a factor of 1e12.
_DELTA: Final = 1e-10
_ROUNDS: Final = 6


def is_suspect(problem: Problem, rss: float) -> bool:
    """Whether so little of the response is left at a fit that the criterion may have no minimum."""
    left, whole = _sums_of_squares(problem)
    return not rss > SUSPECT * left or bool(left <= 1e4 * NOTHING**2 * whole)


def has_no_minimum(problem: Problem) -> bool:
    """Whether the criterion of the first response falls without bound as σ goes to zero.

    Parameters
    ----------
    problem : Problem
    """
    columns = problem.columns
    y = columns.y[0]
    length = np.sqrt(_sums_of_squares(problem)[1])
    probe = np.random.default_rng(0).standard_normal(len(y))
    both = _residuals(_all_columns(problem), np.stack([y, probe / np.linalg.norm(probe)]))
    left, of_any = np.linalg.norm(both, axis=1)
    return bool(left <= NOTHING * length and of_any > np.sqrt(NOTHING))


def _sums_of_squares(problem: Problem) -> tuple[float, float]:
    """Of the response less its projection on the fixed effects, and as it was given."""
    y, coefficients = problem.columns.y[0], problem.columns.beta0[0]
    left = float(y @ y)
    # The coefficients are of orthonormal columns.
    return left, left + float(coefficients @ coefficients)


def _all_columns(problem: Problem) -> Any:
    """[X, Z] of well-conditioned columns of length 1, sparse; those of zeros are left out."""
    columns, factors = problem.columns, problem.layout.factors
    n = columns.base.shape[1]
    parts = [sparse.csc_array(columns.base.T @ columns.x_of_base)]
    for factor, combination in zip(factors, columns.z_of_base, strict=True):
        for column in (columns.base.T @ combination).T:
            shape = (n, factor.levels)
            parts.append(sparse.csc_array((column, (np.arange(n), factor.codes)), shape=shape))
    whole = sparse.hstack(parts, format="csc")
    lengths = np.sqrt(np.asarray(whole.multiply(whole).sum(axis=0)).ravel())
    used = lengths > 0
    return whole[:, np.flatnonzero(used)] @ sparse.diags_array(1.0 / lengths[used])


def _residuals(columns: Any, Y: NDArray[np.float64]) -> NDArray[np.float64]:
    """What least squares leaves of each row of Y, shape (R, n)."""
    ridge = _DELTA * sparse.eye_array(columns.shape[1])
    solve = splu(sparse.csc_matrix(columns.T @ columns + ridge)).solve
    left = np.ascontiguousarray(Y.T)
    for _ in range(_ROUNDS):
        left = left - columns @ solve(columns.T @ left)
    return left.T
