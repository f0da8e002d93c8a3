"""The third tier: what the exact derivatives prove about the theta of the fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.crosscheck.comparison import Comparison, Pair
from pylme.crosscheck.tolerances import DIFFERENCES, FLATNESS, NEGLIGIBLE

if TYPE_CHECKING:
    from pylme.crosscheck.generalized.sides import GeneralizedSides
    from pylme.crosscheck.sides import Sides

__all__ = ["pairs"]


def pairs(sides: Sides | GeneralizedSides) -> list[Pair | Comparison] | str:
    """How far theta is from an optimum, judged by the derivatives at theta."""
    certificate, solution, gradient = sides.certificate, sides.solution, sides.gradient
    if certificate is None or solution is None:
        return sides.why_without("certificate")
    made: list[Pair | Comparison] = [
        Comparison(
            quantity="fall by a Newton step, ½ g'H⁻¹g",
            fit=certificate.expected_fall,
            independent=0.0,
            difference=certificate.expected_fall,
            tolerance=NEGLIGIBLE,
        ),
        Comparison(
            quantity="fall by added variance, M ⪰ 0",
            fit=certificate.escape,
            independent=0.0,
            difference=certificate.escape,
            tolerance=NEGLIGIBLE,
        ),
        Comparison(
            quantity="curvature, least over greatest",
            fit=certificate.curvature,
            independent="> 0",
            difference=max(0.0, -certificate.curvature),
            tolerance=FLATNESS,
        ),
    ]
    if gradient is not None and len(gradient) == len(solution.gradient):
        # Its units cancel: how far the gradient is off, in the criterion's own curvature.
        scale = np.sqrt(np.abs(np.diag(solution.hessian)))
        scale[scale == 0.0] = 1.0
        made.append(
            Pair(
                quantity="gradient",
                fit=gradient,
                independent=solution.gradient,
                tolerance=DIFFERENCES,
                scale=scale,
                names=(None,),
                decides=False,
            )
        )
    return made
