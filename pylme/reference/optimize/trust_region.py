"""The step of a trust-region Newton method, for many small problems at once.

The step minimises gᵀs + ½ sᵀ|H|s over ‖s‖ ≤ Δ, with |H| the Hessian with the signs of its negative
eigenvalues turned (Dauphin et al. 2014, NIPS 27: "saddle-free" Newton). Where H is positive
definite that is Newton's own step; where it is not, the step still goes downhill, and does not run
off along a valley that is flat but for rounding. Points where the slope itself vanishes and the
criterion falls all the same are `pylme.reference.optimize.boundary`'s affair.

H has a row for each element of theta and no more, so its eigenvalues are taken; the multiplier of
the constraint is found on them by Newton's method on 1/‖s‖ (Moré & Sorensen 1983, SIAM Journal on
Scientific and Statistical Computing 4(3)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BEND", "step"]

#: Curvature below this part of the largest is none: the direction is flat but for rounding errors.
FLAT: Final = 1e-9
#: How sharply valleys may bend, theta being of the order of 1.
BEND: Final = 4.0
_ROUNDS: Final = 6


def step(
    gradient: NDArray[np.float64], hessian: NDArray[np.float64], radius: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
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
    curvature : ndarray, shape (R,)
        The least eigenvalue of the Hessian over the greatest in absolute value, less what the
        slope leaves in doubt: a flat valley that is bent has, beside its floor, a curvature of
        either sign that is proportional to the slope.
    """
    values, axes = np.linalg.eigh(hessian)
    slope = (gradient[:, None] @ axes)[:, 0]
    curvature = np.abs(values)
    greatest = curvature.max(axis=1, keepdims=True) + np.finfo(float).tiny
    floor = FLAT * greatest
    # A flat direction counts as gently curved: the noise in its slope leads nowhere.
    curvature = np.maximum(curvature, floor)
    along = -slope / curvature
    length = np.sqrt((along * along).sum(axis=1))
    long = length > radius
    if long.any():
        along[long] = _on_the_sphere(slope[long], curvature[long], radius[long])
    doubt = BEND * np.sqrt((slope * slope).sum(axis=1))
    predicted = -(slope * along + 0.5 * curvature * along * along).sum(axis=1)
    return (axes @ along[..., None])[..., 0], predicted, (values[:, 0] - doubt) / greatest[:, 0]


def _on_the_sphere(
    slope: NDArray[np.float64], curvature: NDArray[np.float64], radius: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The step of length Δ, on the axes of the Hessian: -slope / (curvature + multiplier)."""
    multiplier = np.zeros((len(slope), 1))
    for _ in range(_ROUNDS):
        along = -slope / (curvature + multiplier)
        squared = (along * along).sum(axis=1, keepdims=True)
        change = (along * along / (curvature + multiplier)).sum(axis=1, keepdims=True)
        # 1/‖s‖ is nearly linear in the multiplier: the iterates rise to the root, not past it.
        multiplier += squared / change * (np.sqrt(squared) / radius[:, None] - 1.0)
    along = -slope / (curvature + multiplier)
    scale = radius / np.sqrt((along * along).sum(axis=1))
    on_it: NDArray[np.float64] = along * scale[:, None]
    return on_it
