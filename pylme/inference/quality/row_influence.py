"""What leaving out a single row changes, at the θ̂ of all rows, in closed form.

In whitened rows, with E = V⁻¹X, e the conditional residuals and hᵢ the hat value of row i,

    β̂ - β̂₍ᵢ₎ = S⁻¹Eᵢᵀ eᵢ/(1 - hᵢ)      r²₍ᵢ₎ = r² - eᵢ²/(1 - hᵢ)

(Belsley, Kuh & Welsch 1980, Regression Diagnostics, section 2.1.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.reference.rows import hat_values
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from pylme.inference.kernels import Kernels

__all__ = ["RowInfluence", "influence_of_rows"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowInfluence:
    """The influence of single rows at the θ̂ of all rows, each of shape (n,) or (n, p).

    Attributes
    ----------
    hat : ndarray
        Hat values; their sum is the effective number of parameters.
    cooks_distance : ndarray
    sigma : ndarray
        The residual standard deviation without the row.
    dfbetas : ndarray
    """

    hat: NDArray[np.float64]
    cooks_distance: NDArray[np.float64]
    sigma: NDArray[np.float64]
    dfbetas: NDArray[np.float64]


def influence_of_rows(kernels: Kernels) -> RowInfluence:
    """What leaving out each row would change at the same θ."""
    kernels.linear.require_rows("Computing influence")
    linear, problem, layout = kernels.linear, kernels.problem, kernels.layout
    columns, p = problem.columns, linear.X.shape[1]
    with one_thread():
        hat = hat_values(problem, kernels.theta, kernels.evaluation)
        # Of columns of which XᵀV⁻¹X is the identity: E = V⁻¹X = X - ZΣZᵀV⁻¹X.
        L = kernels.evaluation.RX[0]
        X = columns.x_of_base.T @ columns.base
        E = np.linalg.solve(L, X)
        e = columns.y[0] - kernels.evaluation.beta[0] @ X
        T = layout.matrices(problem.conditioned(kernels.theta[None]))
        parts = zip(
            layout.factors, columns.z_of_base, kernels.Sigma, kernels.precision.N,
            problem.criterion.effects(T), strict=True,
        )  # fmt: skip
        for factor, B, Sigma, N, h in parts:
            z = B.T @ columns.base
            spread, modes = np.tensordot(Sigma, N, axes=1), Sigma @ h.T
            for a in range(factor.width):
                e -= z[a] * modes[a, factor.codes]
                E -= z[a] * spread[a, factor.codes].T
    rest = np.where(hat < 1.0, 1.0 - hat, np.nan)
    change = E * (e / rest)
    left = np.maximum(kernels.rss - e * e / rest, 0.0) / (kernels.nu - 1)
    back = np.linalg.inv(columns.RX) @ np.linalg.inv(L).T
    # S₍ᵢ₎⁻¹ = S⁻¹ + S⁻¹EᵢᵀEᵢS⁻¹/(1 - hᵢ).
    variance = (back * back).sum(axis=1)[:, None] + (back @ E) ** 2 / rest
    return RowInfluence(
        hat=hat,
        cooks_distance=(change * change).sum(axis=0) / (kernels.sigma2 * p)
        if p
        else np.full(len(hat), np.nan),
        sigma=np.sqrt(left),
        dfbetas=((back @ change) / np.sqrt(left * variance)).T,
    )
