"""The second tier of a generalized model: lme4's numbers computed again at its own parameters.

lme4's criterion is inexact to first order, because its determinant is one iterate old. Its own
function, called with a tolerance of 1e-14, gives the exact value, and that is what is compared; the
value that it reported may differ from the exact one by the bound of
`pylme.reference.generalized.iterate_bound`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.crosscheck.comparison import Pair
from pylme.crosscheck.tolerances import REPORTED_ERRORS, SAME_PARAMETERS

if TYPE_CHECKING:
    from pylme.crosscheck.generalized.sides import GeneralizedSides

__all__ = ["pairs"]

#: Digits that sums over many rows lose, relative to the criterion.
_ROUNDING = 1e-11


def pairs(sides: GeneralizedSides) -> list[Pair] | str:
    """The criterion by lme4's own function, the reported one, and standard errors."""
    fit, solution, system = sides.fit, sides.solution, sides.system
    if fit is None or solution is None or system is None or sides.problem is None:
        return sides.why_without("solution")
    made = []
    rounding = _ROUNDING * abs(solution.criterion)
    if np.isfinite(fit.tight):
        made.append(
            Pair(
                quantity=f"criterion, tolPwrss {fit.tolerance:.0e}",
                fit=fit.tight,
                independent=solution.criterion,
                tolerance=SAME_PARAMETERS,
                room=rounding + solution.tight_bound,
            )
        )
    made.append(
        Pair(
            quantity="criterion as reported",
            fit=fit.criterion,
            independent=solution.criterion,
            tolerance=SAME_PARAMETERS,
            room=rounding + solution.bound,
            # The bound is derived for the Laplace approximation and canonical links.
            decides=sides.problem.n_agq == 1 and not np.isfinite(fit.tight),
        )
    )
    if fit.std_error is not None:
        p = len(sides.problem.x_names)
        m = len(sides.problem.terms) and sides.problem.terms[-1].thetas.stop
        ours = solution.std_error[m : m + p]
        if np.isfinite(ours).all():
            made.append(
                Pair(
                    quantity="standard error",
                    fit=fit.std_error,
                    independent=ours,
                    tolerance=REPORTED_ERRORS,
                    scale=ours,
                    names=(sides.problem.x_names,),
                    decides=False,
                )
            )
    return made
