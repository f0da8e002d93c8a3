"""What each of the four models gets right, in words."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["answers"]

_WIDTH: Final = 88

_WORDS: Final = {
    "separate": "A fit for each sector. Right, and what the others are measured by; but the "
    "sectors cannot be compared within one model, and each has a residual variance of its own.",
    "combined": "(ses:sector | sch.id). Right about both correlations, though lme4 calls most fits "
    "failures: it has a third correlation, between the slopes of the two sectors, and no school "
    "has both. The criterion is flat in it, so that lme4 finds a degenerate Hessian or a gradient "
    "that is not zero. It lets the sectors differ in their slopes, and has one standard deviation "
    "of intercepts for both.",
    "two dummies": '(dummy(sector, "0"):ses | sch.id) + (dummy(sector, "1"):ses | sch.id). Wrong: '
    "both terms have an intercept for every school, so that a school's intercept is the sum of "
    "two, of which only one goes with its slope. The covariance is right and is divided by a part "
    "of the variance alone: the correlations come out too large. Only the sum of the two variances "
    "of intercepts is identified.",
    "two blocks": '(0 + dummy(sector, "0") + dummy(sector, "0"):ses | sch.id) and the same for '
    "sector 1. Right: it is the separate fits in one model, with standard deviations of its own "
    "for each sector and one residual variance; all its parameters are identified. "
    "pylme.group_specific() writes it.",
}


def answers(candidates: Sequence[str], converged: Mapping[str, int], n: int) -> str:
    """A paragraph for each candidate.

    Parameters
    ----------
    candidates : sequence of str
    converged : mapping of str to int
        In how many replicates all fits have the helper's code 1.
    n : int
        Replicates.
    """
    return "\n".join(
        textwrap.fill(
            f"{name}: {_WORDS[name]} Converged in {converged[name]} of {n}.",
            width=_WIDTH,
            subsequent_indent="  ",
            break_on_hyphens=False,
        )
        for name in candidates
    )
