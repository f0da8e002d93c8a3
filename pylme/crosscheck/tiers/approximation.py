"""The fifth tier of a generalized model, on request: the Laplace approximation and the integral.

The other tiers check the search for the optimum of the criterion that was fitted. This one compares
that optimum with the optimum of the integral itself, by adaptive quadrature. It decides nothing: a
fit by the Laplace approximation is a right answer to that question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.crosscheck.comparison import Pair
from pylme.crosscheck.generalized.sides import parameter_names
from pylme.crosscheck.tolerances import TENTH

if TYPE_CHECKING:
    from pylme.crosscheck.generalized.sides import GeneralizedSides

__all__ = ["pairs"]


def pairs(sides: GeneralizedSides) -> list[Pair] | str:
    """Each parameter by both, in standard errors of the integral's optimum."""
    problem, found, accurate = sides.problem, sides.found, sides.accurate
    if problem is None or found is None or accurate is None:
        return sides.why_without("accurate")
    return [
        Pair(
            quantity=name,
            fit=found.x[k],
            independent=accurate.x[k],
            tolerance=TENTH,
            scale=accurate.std_error[k],
            decides=False,
        )
        for k, name in enumerate(parameter_names(problem))
        if np.isfinite(accurate.std_error[k]) and accurate.std_error[k] > 0.0
    ]
