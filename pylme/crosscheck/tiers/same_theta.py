"""The second tier: the numbers of lme4's fit computed again, from its matrices at its theta."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.crosscheck.comparison import Pair, agree
from pylme.crosscheck.tiers.rounding import NONE, rounding_of
from pylme.crosscheck.tolerances import SAME_THETA, SOLUTION

if TYPE_CHECKING:
    from pylme.crosscheck.sides import Sides
    from pylme.crosscheck.tiers.rounding import Rounding
    from pylme.lme4.records import System
    from pylme.reference.solution import Solution

__all__ = ["pairs"]


def pairs(sides: Sides) -> list[Pair] | str:
    """Criterion, fixed effects, σ, random effects and covariance, at lme4's theta."""
    system, solution = sides.system, sides.solution
    if system is None or solution is None:
        return sides.why_without("solution")
    plain = _pairs(system, solution, NONE)
    if agree(plain):
        return plain
    # What rounding can do takes some time to find out, and is nearly always far less.
    with np.errstate(all="ignore"):
        bound = rounding_of(system, solution)
    return _pairs(system, solution, bound)


def _pairs(system: System, solution: Solution, bound: Rounding) -> list[Pair]:
    errors = np.sqrt(np.diag(solution.vcov))
    names = system.x_names
    # Of u, whose standard deviation is σ.
    size = max(solution.sigma, float(np.abs(solution.u).max(initial=0.0)))
    value = max(1.0, abs(solution.criterion))
    return [
        Pair(
            quantity="criterion",
            fit=system.criterion,
            independent=solution.criterion,
            tolerance=SAME_THETA,
            scale=value,
            room=bound.criterion / value,
        ),
        Pair(
            quantity="sigma",
            fit=system.sigma,
            independent=solution.sigma,
            tolerance=SAME_THETA,
            scale=solution.sigma,
            room=bound.sigma,
        ),
        Pair(
            quantity="beta",
            fit=system.beta,
            independent=solution.beta,
            tolerance=SOLUTION,
            scale=errors,
            room=bound.beta,
            names=(names,),
        ),
        Pair(
            quantity="vcov",
            fit=np.empty((0, 0)) if system.vcov is None else system.vcov,
            independent=solution.vcov,
            tolerance=SOLUTION,
            scale=np.outer(errors, errors),
            room=bound.vcov,
            names=(names, names),
        ),
        Pair(
            quantity="u",
            fit=system.u,
            independent=solution.u,
            tolerance=SOLUTION,
            scale=size,
            room=np.asarray(bound.u) / size,
            names=(None,),
        ),
    ]
