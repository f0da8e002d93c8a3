"""The fourth tier of a generalized model: the parameters of the fit, and those of the best optimum.

All in standard errors of the optimum. Parameters that lie on the boundary there have none, and are
covered by the criterion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.crosscheck.comparison import Comparison, Pair
from pylme.crosscheck.generalized.sides import parameter_names
from pylme.crosscheck.tolerances import ANOTHER_MINIMUM, HUNDREDTH, NEGLIGIBLE

if TYPE_CHECKING:
    from pylme.crosscheck.generalized.sides import GeneralizedSides

__all__ = ["pairs"]


def pairs(sides: GeneralizedSides) -> list[Pair | Comparison] | str:
    """The criterion, each parameter, and the other minima."""
    fit, problem, solution, found = sides.fit, sides.problem, sides.solution, sides.found
    if fit is None or problem is None or solution is None or found is None:
        return sides.why_without("found")
    made: list[Pair | Comparison] = [
        Comparison(
            quantity="criterion",
            fit=solution.criterion,
            independent=found.criterion,
            difference=solution.criterion - found.criterion,
            tolerance=NEGLIGIBLE,
        )
    ]
    for k, name in enumerate(parameter_names(problem)):
        error = found.std_error[k]
        if np.isfinite(error) and error > 0.0:
            made.append(
                Pair(
                    quantity=name,
                    fit=fit.x[k],
                    independent=found.x[k],
                    tolerance=HUNDREDTH,
                    scale=error,
                )
            )
    made += [
        Comparison(
            quantity=f"minimum {number}, theta = {', '.join(f'{t:.4g}' for t in other.theta)}",
            fit=solution.criterion,
            independent=other.criterion,
            difference=other.criterion - solution.criterion,
            tolerance=ANOTHER_MINIMUM,
            decides=False,
        )
        for number, other in enumerate(found.others, start=2)
    ]
    return made
