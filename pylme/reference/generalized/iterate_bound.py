"""How far a criterion can be off whose mode is one iterate old, as that of lme4 is.

lme4 stops its iterations where D + uᵀu changes by less than `tolPwrss` of itself, and takes the
determinant at the iterate before. With c_i = w_i′h_i, the norm ‖x‖² = xᵀA⁻¹x, and ε = tolPwrss,

    |F_lme4 - F| ≤ (‖ΛᵀZᵀc‖ + ‖2û - 2ΛᵀZᵀs^A‖) (ε(D + ûᵀû))^½ + ε(D + ûᵀû)

to first order: an iterate whose step lowers D + uᵀu by δ lies within δ^½ of the mode in that norm.
It grows with the number of rows. The bound holds for canonical links; for others it is empirical.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.reference.generalized.mode import back, dot

if TYPE_CHECKING:
    from pylme.reference.generalized.criterion import GeneralizedCriterion, Point

__all__ = ["iterate_bound"]


def iterate_bound(criterion: GeneralizedCriterion, point: Point, tolerance: float) -> float:
    """The bound on the error of lme4's value at a point.

    Parameters
    ----------
    criterion : GeneralizedCriterion
    point : Point
        With its mode.
    tolerance : float
        lme4's `tolPwrss`.
    """
    mode = point.mode
    if mode is None:
        return np.inf
    algebra, T = criterion.algebra, criterion.factors(point.x[: criterion.m])
    d = mode.values.derivatives
    A = algebra.factor(T, d.expected)
    h, _ = algebra.leverage_and_blocks(T, A, d.expected)  # type: ignore[arg-type]
    score = criterion.objective.at(mode.eta, mode.values, mode.usq, 1.0).score
    determinant = back(T, algebra.gather(d.expected_slope * h))
    gathered = back(T, algebra.gather(score))
    value = [2.0 * u - 2.0 * s for u, s in zip(mode.u, gathered, strict=True)]
    norm = sum(dot(part, A.solve(part)) ** 0.5 for part in (determinant, value))
    change = tolerance * (float(mode.values.deviance.sum()) + mode.usq)
    return float(norm * change**0.5 + change)
