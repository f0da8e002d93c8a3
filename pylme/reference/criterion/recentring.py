"""X and y in coordinates in which nothing cancels where variances are large.

Least-squares residuals are what is left of y where there are no random effects. Where those are
thousands of times the noise, they leave in the residuals what they had in common with X by chance,
and r² = yᵀV⁻¹y - β̂ᵀSβ̂ is the small difference of two large numbers. The model does not change when
y is replaced by y - Xβ for another β, and with the generalized least-squares one for large
variances nothing cancels: not there, and not where variances are small, as r² is large there.

Of X, columns that vary between groups alone are known ever less precisely as variances grow, and
others are not: S = XᵀV⁻¹X differs from a well-conditioned matrix by the scales of its rows and
columns, and no harm is done, if the columns of X are not mixed. Turned to the eigenvectors of S at
large variances they are not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.criterion.likelihood import Likelihood
    from pylme.reference.problem.columns import Columns

__all__ = ["recentred"]

#: The part of a response's square that may be left by X without harm: two digits are lost.
CANCELLED: Final = 1e-2
#: The least eigenvalue of S with a diagonal of ones that is near enough to one.
MIXED: Final = 1e-3


def recentred(columns: Columns, likelihood: Likelihood, far: NDArray[np.float64]) -> Columns | None:
    """Columns and responses that cancel less; None where these do not.

    Parameters
    ----------
    columns : Columns
    likelihood : Likelihood
    far : ndarray, shape (R, p + 1, p + 1)
        [X y]ᵀV⁻¹[X y] where all variances are large.
    """
    p = likelihood.p
    if p == 0 or likelihood.nu <= 0:
        return None
    S = far[0, :p, :p]
    scale = np.sqrt(np.maximum(S.diagonal(), np.finfo(float).tiny))
    if p > 1 and np.linalg.eigvalsh(S / np.outer(scale, scale))[0] < MIXED:
        turn = np.linalg.eigh(S)[1]
        if not np.allclose(np.abs(turn).max(axis=0), 1.0):
            return replace(
                columns,
                x_of_base=columns.x_of_base @ turn,
                RX=turn.T @ columns.RX,
                beta0=columns.beta0 @ turn,
            )
    solved = likelihood.solve(np.zeros(len(far)), far)
    lost = np.isfinite(solved.beta).all(axis=1) & ~(solved.rss > CANCELLED * far[:, -1, -1])
    if not lost.any():
        return None
    y, beta0 = columns.y.copy(), columns.beta0.copy()
    for r in np.flatnonzero(lost):
        y[r] -= (columns.x_of_base @ solved.beta[r]) @ columns.base
        beta0[r] += solved.beta[r]
    return replace(columns, y=y, beta0=beta0)
