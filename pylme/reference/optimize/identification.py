"""Which covariance parameters of a model its data do not determine: a look at every fit.

With P the projection that takes the fixed effects out of weighted rows and B_i = ∂V/∂ψ_i, the
parameters are determined where the information tr(PB_iPB_j) has full rank; that does not depend on
V (Searle, Casella & McCulloch 1992, *Variance Components*, section 6.6), which is taken as I here.
With one grouping factor, C_j = Z_jᵀZ_j, N_j = Z_jᵀX and X orthonormal,

    tr(PσPτ) = Σ_j tr(C_jσC_jτ) - 2 Σ_j tr(N_jN_jᵀσC_jτ) + Σ_xy (Σ_j N_jᵀσN_j)_xy (Σ_j N_jᵀτN_j)_xy

costs less than one evaluation of the criterion. Squared lengths lose half of the digits that tell a
small combination from none, so a small eigenvalue is only a suspicion, which the analysis of the
design (`Design.identifiability`) settles. With several factors that analysis is quicker than the
search by far, and made at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.identifiability.identify import identify
from pylme.reference.criterion.evaluation import symmetric_form
from pylme.reference.criterion.one_factor import OneFactor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.identifiability.report import Direction
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.reference.criterion.prepare import Problem

__all__ = ["unidentified"]

#: An eigenvalue of the information, relative to the sizes of the B_i, that leaves no doubt: the
#: analysis of the design takes a combination for invisible whose relative length is below 1e-7.
CLEAR: Final = 1e-8


def unidentified(problem: Problem, design: ModelMatrices) -> tuple[Direction, ...]:
    """The combinations of covariance parameters that the data do not determine.

    Parameters
    ----------
    problem : Problem
    design : ModelMatrices
        That the problem was prepared from.
    """
    if isinstance(problem.criterion, OneFactor) and _least(problem, problem.criterion) > CLEAR:
        return ()
    return identify(design).directions


def _least(problem: Problem, criterion: OneFactor) -> float:
    """The least eigenvalue of the information, each parameter at its own scale."""
    layout, likelihood = problem.layout, problem.likelihood
    K, p = layout.factors[0].width, likelihood.p
    C, N = criterion.levels[:K], criterion.levels[K:]
    NN = np.einsum("xaj,xbj->abj", N, N)
    squares = _products(C, C)
    within = symmetric_form((squares - 2.0 * _products(NN, C))[None])[0]
    flat = N.reshape(p * K, N.shape[2])
    cross = (flat @ flat.T).reshape(p, K, p, K).transpose(1, 3, 0, 2)
    fixed = 0.5 * (cross + cross.swapaxes(0, 1)).reshape(K * K, p * p)
    form = within + fixed @ fixed.T
    total = (C - NN).sum(axis=2)
    # Element (a, b) of a symmetric matrix stands in two places.
    row, column = layout.row, layout.column
    at, times = row * K + column, np.where(row == column, 1.0, 2.0)
    m = len(at)
    information = np.empty((m + 1, m + 1))
    information[:m, :m] = np.outer(times, times) * form[np.ix_(at, at)]
    information[:m, m] = information[m, :m] = times * total[row, column]
    information[m, m] = likelihood.n - p
    own = np.einsum("aaaa->a", squares)
    size = np.sqrt(times * np.sqrt(own[row] * own[column]))
    size = np.append(np.where(size > 0, size, 1.0), np.sqrt(likelihood.n))
    return float(np.linalg.eigvalsh(information / np.outer(size, size))[0])


def _products(B: NDArray[np.float64], C: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ_j B_ab C_cd, shape (K, K, K, K), of matrices of shape (K, K, J)."""
    K = len(B)
    return np.asarray(B.reshape(K * K, -1) @ C.reshape(K * K, -1).T).reshape(K, K, K, K)
