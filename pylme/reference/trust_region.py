"""The step of a trust-region Newton method, for many small problems at once.

The step minimises gᵀs + ½ sᵀHs over ‖s‖ ≤ Δ (Moré & Sorensen 1983, SIAM Journal on Scientific and
Statistical Computing 4(3)). As H has a row for each element of theta and no more, its eigenvalues
are taken, and the multiplier is found on them by bisection. Where H has a negative eigenvalue along
which the gradient vanishes, as at a false optimum, the step goes along its eigenvector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["step"]

#: Curvature below this part of the largest is none: the direction is flat but for rounding errors.
FLAT: Final = 1e-9
_BISECTIONS: Final = 50


def step(
    gradient: NDArray[np.float64], hessian: NDArray[np.float64], radius: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The steps, and by how much each is expected to lower the criterion.

    Parameters
    ----------
    gradient : ndarray, shape (R, m)
    hessian : ndarray, shape (R, m, m)
    radius : ndarray, shape (R,)

    Returns
    -------
    steps : ndarray, shape (R, m)
    predicted : ndarray, shape (R,)
        Zero or more.
    """
    curvature, axes = np.linalg.eigh(hessian)
    slope = (gradient[:, None] @ axes)[:, 0]
    floor = FLAT * np.abs(curvature).max(axis=1, keepdims=True) + np.finfo(float).tiny
    # A flat direction counts as gently curved: the noise in its slope leads nowhere.
    curvature = np.where(np.abs(curvature) <= floor, floor, curvature)
    along = -slope / curvature
    length = np.sqrt((along * along).sum(axis=1))
    bounded = (curvature[:, 0] < 0) | (length > radius)
    if bounded.any():
        along[bounded] = _on_the_sphere(slope[bounded], curvature[bounded], radius[bounded])
    predicted = -(slope * along + 0.5 * curvature * along * along).sum(axis=1)
    return (axes @ along[..., None])[..., 0], predicted


def _on_the_sphere(
    slope: NDArray[np.float64], curvature: NDArray[np.float64], radius: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The step of length Δ, on the axes of the Hessian: -slope / (curvature + multiplier)."""
    least = np.maximum(-curvature[:, :1], 0.0)
    size = np.sqrt((slope * slope).sum(axis=1, keepdims=True))
    low = least.copy()
    # At this multiplier the step is at most as long as the radius.
    high = least + size / radius[:, None] + np.finfo(float).tiny
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        along = _shifted(slope, curvature + middle)
        long = (along * along).sum(axis=1, keepdims=True) > radius[:, None] ** 2
        low, high = np.where(long, middle, low), np.where(long, high, middle)
    along = _shifted(slope, curvature + high)
    missing = radius**2 - (along * along).sum(axis=1)
    hard = (curvature[:, 0] < 0) & (missing > 1e-6 * radius**2)
    if hard.any():
        # The gradient says nothing of the direction of negative curvature: go there all the same.
        first = along[hard, 0]
        along[hard, 0] = np.where(first < 0, -1.0, 1.0) * np.sqrt(first**2 + missing[hard])
    return along


def _shifted(slope: NDArray[np.float64], curvature: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(curvature > 0, -slope / np.where(curvature > 0, curvature, 1.0), 0.0)
