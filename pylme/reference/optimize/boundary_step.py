"""The step of Newton's method that ends on the boundary.

Σ depends on the last pivot x of a term by its square v alone. Newton's steps by x itself come near
zero by a third of the way at first; by v the criterion is nearly a parabola, and its minimum over
v ≥ 0 is known at once. With g and H the derivatives by x and the other coordinates,

    ∂d/∂v = g/2x      ∂²d/∂v² = (H - g/x)/4x²      ∂²d/∂v∂o = H_o/2x

Where v goes to zero, the step s of the others minimises the model, H_oo s = -(g - ½Hx)_o. The
minimum lies there if the slope by v is not negative then, in proportion x(3g/2 - Hx/2 + Hs).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["onto_the_boundary"]

#: No step is made along a valley: where the model, in which pivots count by their squares, is
#: flatter than this part of its greatest curvature.
VALLEY: Final = 5e-2


def onto_the_boundary(
    gradient: NDArray[np.float64], hessian: NDArray[np.float64], x: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The steps to the minimum of the model where some pivots are zero.

    Parameters
    ----------
    gradient : ndarray, shape (R, m)
    hessian : ndarray, shape (R, m, m)
    x : ndarray, shape (R, m)
        The pivots that are to become zero; 0 elsewhere.

    Returns
    -------
    steps : ndarray, shape (R, m)
    fall : ndarray, shape (R,)
        By how much each is expected to lower the criterion; minus infinity where the model has its
        minimum elsewhere, and where no pivot is to become zero.
    """
    gone = x != 0.0
    Hx = (hessian @ x[..., None])[..., 0]
    slope = np.where(gone, 0.0, gradient - 0.5 * Hx)
    # Along a valley that meets the boundary, any point is as good as that on the boundary.
    bend = np.divide(gradient, x, out=np.zeros_like(x), where=gone)
    curvatures = np.linalg.eigvalsh(hessian - bend[:, :, None] * np.eye(x.shape[1]))
    sound = curvatures[:, 0] > VALLEY * curvatures[:, -1]
    # A part of a matrix has no eigenvalue beyond the matrix's own: that of the others is sound too.
    left_out = gone[:, :, None] | gone[:, None] | ~sound[:, None, None]
    s = -np.linalg.solve(np.where(left_out, np.eye(x.shape[1]), hessian), slope[..., None])[..., 0]
    multiplier = x * (1.5 * gradient - 0.5 * Hx + (hessian @ s[..., None])[..., 0])
    fall = (0.625 * gradient * x - 0.125 * Hx * x - 0.5 * slope * s).sum(axis=1)
    there = sound & (multiplier >= 0.0).all(axis=1) & gone.any(axis=1)
    return s - x, np.where(there, fall, -np.inf)
