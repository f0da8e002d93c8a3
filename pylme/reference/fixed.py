"""The fixed effects at given covariances, in terms of the caller's columns.

With the caller's X = X̃R and X̃ᵀV⁻¹X̃ = LLᵀ for well-conditioned X̃, β̂ = R⁻¹(β̃ + β₀) and
XᵀV⁻¹X = RᵀLLᵀR = R_XᵀR_X, whose inverse times σ̂² is the covariance matrix of β̂.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pylme.reference.criterion.evaluation import Evaluation
    from pylme.reference.criterion.prepare import Problem

__all__ = ["FixedEffects", "fixed_effects"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FixedEffects:
    """The fixed effects and the residual standard deviation.

    Attributes
    ----------
    beta : ndarray, shape (p,)
    vcov : ndarray, shape (p, p)
        σ̂²(XᵀV⁻¹X)⁻¹.
    RX : ndarray, shape (p, p)
        Upper triangular with a positive diagonal, R_XᵀR_X = XᵀV⁻¹X.
    rss, sigma : float
        r² and sqrt(r²/ν).
    """

    beta: NDArray[np.float64]
    vcov: NDArray[np.float64]
    RX: NDArray[np.float64]
    rss: float
    sigma: float


def fixed_effects(problem: Problem, evaluation: Evaluation, response: int = 0) -> FixedEffects:
    """What an evaluation says of one of the problem's responses.

    Parameters
    ----------
    problem : Problem
    evaluation : Evaluation
        Of that response alone.
    response : int
    """
    columns = problem.columns
    back = np.linalg.inv(columns.RX)
    root = back @ np.linalg.inv(evaluation.RX[0]).T
    RX = np.asarray(np.linalg.qr(evaluation.RX[0].T @ columns.RX, mode="r"), dtype=np.float64)
    rss = float(evaluation.rss[0])
    variance = rss / problem.likelihood.nu
    return FixedEffects(
        beta=back @ (evaluation.beta[0] + columns.beta0[response]),
        vcov=variance * (root @ root.T),
        RX=RX * np.where(RX.diagonal() < 0, -1.0, 1.0)[:, None],
        rss=rss,
        sigma=float(np.sqrt(variance)),
    )
