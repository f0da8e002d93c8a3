"""Tier 2: all numbers of lme4's fit computed once more, from its matrices at its theta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.crosscheck.comparison import Tier, worst
from pylme.crosscheck.tolerances import SAME_THETA, SOLUTION, rounding

if TYPE_CHECKING:
    from pylme.lme4.system import System
    from pylme.reference.problem import Problem
    from pylme.reference.solution import Solution

__all__ = ["TITLE", "compare_at_theta"]

TITLE: Final = "Numbers at lme4's theta, computed again from its matrices"


def compare_at_theta(system: System, problem: Problem, solution: Solution) -> Tier:
    """Criterion, fixed effects, σ, random effects and covariance, at lme4's theta.

    Parameters
    ----------
    system : System
    problem : Problem
        Of lme4's matrices.
    solution : Solution
        The problem solved at lme4's theta.
    """
    condition = rounding(problem.columns.RX)
    tolerance, solved = SAME_THETA.plus(condition), SOLUTION.plus(condition)
    errors = np.sqrt(np.diag(solution.vcov))
    names = system.x_names
    # Of u, whose standard deviation is σ.
    size = max(solution.sigma, float(np.abs(solution.u).max(initial=0.0)))
    comparisons = (
        worst(
            "criterion",
            system.criterion,
            solution.criterion,
            tolerance,
            scale=max(1.0, abs(solution.criterion)),
        ),
        worst("sigma", system.sigma, solution.sigma, tolerance, scale=solution.sigma),
        worst("beta", system.beta, solution.beta, solved, scale=errors, names=names),
        worst(
            "vcov",
            np.empty((0, 0)) if system.vcov is None else system.vcov,
            solution.vcov,
            solved,
            scale=np.outer(errors, errors),
            names=lambda at: f"[{', '.join(names[i] for i in divmod(at, len(names)))}]",
        ),
        worst("u", system.u, solution.u, solved, scale=size, names=lambda at: f"[{at + 1}]"),
    )
    return Tier(number=2, title=TITLE, comparisons=comparisons)
