"""Tier 2: all numbers of lme4's fit computed once more, from its matrices at its theta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.crosscheck.comparison import Tier, worst
from pylme.crosscheck.rounding import NONE, rounding_of
from pylme.crosscheck.tolerances import SAME_THETA, SOLUTION

if TYPE_CHECKING:
    from pylme.crosscheck.comparison import Comparison
    from pylme.crosscheck.rounding import Rounding
    from pylme.lme4.system import System
    from pylme.reference.solution import Solution

__all__ = ["TITLE", "compare_at_theta"]

TITLE: Final = "Numbers at lme4's theta, computed again from its matrices"


def compare_at_theta(system: System, solution: Solution) -> Tier:
    """Criterion, fixed effects, σ, random effects and covariance, at lme4's theta.

    Parameters
    ----------
    system : System
    solution : Solution
        The problem of lme4's matrices solved at lme4's theta.
    """
    comparisons = _compared(system, solution, NONE)
    if not all(comparison.ok for comparison in comparisons):
        # What rounding can do takes some time to find out, and is nearly always far less.
        with np.errstate(all="ignore"):
            bound = rounding_of(system, solution)
        comparisons = _compared(system, solution, bound)
    return Tier(number=2, title=TITLE, comparisons=comparisons)


def _compared(system: System, solution: Solution, bound: Rounding) -> tuple[Comparison, ...]:
    errors = np.sqrt(np.diag(solution.vcov))
    names = system.x_names
    # Of u, whose standard deviation is σ.
    size = max(solution.sigma, float(np.abs(solution.u).max(initial=0.0)))
    value = max(1.0, abs(solution.criterion))
    return (
        worst(
            "criterion",
            system.criterion,
            solution.criterion,
            SAME_THETA,
            scale=value,
            room=bound.criterion / value,
        ),
        worst(
            "sigma",
            system.sigma,
            solution.sigma,
            SAME_THETA,
            scale=solution.sigma,
            room=bound.sigma,
        ),
        worst(
            "beta",
            system.beta,
            solution.beta,
            SOLUTION,
            scale=errors,
            room=bound.beta,
            names=names,
        ),
        worst(
            "vcov",
            np.empty((0, 0)) if system.vcov is None else system.vcov,
            solution.vcov,
            SOLUTION,
            scale=np.outer(errors, errors),
            room=bound.vcov,
            names=lambda at: f"[{', '.join(names[i] for i in divmod(at, len(names)))}]",
        ),
        worst(
            "u",
            system.u,
            solution.u,
            SOLUTION,
            scale=size,
            room=np.asarray(bound.u) / size,
            names=lambda at: f"[{at + 1}]",
        ),
    )
