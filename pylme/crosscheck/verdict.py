"""The verdicts, and their order where several apply.

The first verdict in this order that applies is given; the report contains all other findings.

1. UNCHECKED where there is nothing to check: no matrices, estimates that are NaN, a criterion
   without a finite minimum.
2. NO_FINITE_ESTIMATE: no search ends, and where it stops means nothing.
3. NOT_IDENTIFIED: which optimum was reached does not matter if no single optimum exists.
4. STOPPED_SHORT: a better optimum is known; the same code computed the criterion at both points.
5. DISAGREES: the matrices differ, or the same formula gives a different number at the same theta,
   by more than rounding errors can explain. It is a defect of one of the sides.
6. UNCHECKED where no search ended at a minimum and lme4's point is not proved to be one either, and
   where fewer starts were requested than such data need.
7. SINGULAR_CERTIFIED: the optimum is proved to lie on the boundary. `false_alarm` says whether lme4
   also gave another warning without reason.
8. FALSE_ALARM: lme4 warned of something.
9. AGREES.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from pylme.crosscheck.comparison import Tier
from pylme.crosscheck.search import Minimum
from pylme.identifiability.report import Direction
from pylme.options import EngineName

__all__ = ["Findings", "Judgement", "Verdict", "decide"]


class Verdict(Enum):
    """The result of a cross-check.

    AGREES: lme4's answer is the optimum, and lme4 did not warn. FALSE_ALARM: it is the optimum,
    although lme4 warned. SINGULAR_CERTIFIED: it lies on the boundary of the parameter space, and no
    neighbouring point is better. STOPPED_SHORT: a better point exists. NOT_IDENTIFIED: the data do
    not determine all covariance parameters, so there is no unique optimum. DISAGREES: the two sides
    compute different numbers from the same input, by more than rounding errors can explain, which
    is a defect of one of them.
    UNCHECKED: no verdict is possible; the reason is given.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> fit.cross_check().verdict.good
    True
    """

    AGREES = "agrees"
    FALSE_ALARM = "false alarm"
    SINGULAR_CERTIFIED = "singular, certified"
    STOPPED_SHORT = "stopped short"
    NOT_IDENTIFIED = "not identified"
    NO_FINITE_ESTIMATE = "no finite estimate"
    DISAGREES = "disagrees"
    UNCHECKED = "unchecked"

    @property
    def good(self) -> bool:
        """Whether the answer can be relied on."""
        return self in _GOOD


_GOOD = frozenset({Verdict.AGREES, Verdict.FALSE_ALARM, Verdict.SINGULAR_CERTIFIED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The findings of the tiers on which the verdict depends.

    Attributes
    ----------
    impossible : bool
        Whether nothing could be checked.
    endless : bool
        Whether some estimate is infinite.
    contradicted : bool
        Whether a matrix, or a number at the same theta, differs.
    unidentified : bool
    excess : float
        The criterion at lme4's theta minus the lowest value found, both computed by the NumPy
        engine.
    negligible : float
        The excess that counts as zero.
    proved : bool
        Whether a search ended at a minimum, or lme4's point is a minimum.
    searched : bool
        Whether there were as many searches as the data need.
    singular : bool
        Whether the optimum lies on the boundary.
    alarmed : bool
        Whether lme4 gave a warning, other than that a fit which is singular is singular.
    """

    impossible: bool
    endless: bool
    contradicted: bool
    unidentified: bool
    excess: float
    negligible: float
    proved: bool
    searched: bool
    singular: bool
    alarmed: bool

    @property
    def reached(self) -> bool:
        """Whether lme4 is at the optimum, as far as that is known."""
        return not (self.impossible or self.endless or self.contradicted) and (
            self.excess <= self.negligible and self.proved and self.searched
        )

    @property
    def false_alarm(self) -> bool:
        """Whether the warning from lme4 is a false alarm."""
        return self.alarmed and self.reached and not self.unidentified


def decide(findings: Findings) -> Verdict:
    """The verdict on these findings: the first that applies, in the order above."""
    if findings.impossible:
        return Verdict.UNCHECKED
    if findings.endless:
        return Verdict.NO_FINITE_ESTIMATE
    if findings.unidentified:
        return Verdict.NOT_IDENTIFIED
    if findings.excess > findings.negligible:
        return Verdict.STOPPED_SHORT
    if findings.contradicted:
        return Verdict.DISAGREES
    if not (findings.proved and findings.searched):
        return Verdict.UNCHECKED
    if findings.singular:
        return Verdict.SINGULAR_CERTIFIED
    return Verdict.FALSE_ALARM if findings.alarmed else Verdict.AGREES


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """The verdict on a fit with everything that led to it; `CrossCheck` says what each part is."""

    verdict: Verdict
    formula: str
    engine: EngineName
    tiers: tuple[Tier, ...]
    criterion: float
    recomputed: float
    best: float
    theta: NDArray[np.float64]
    beta: NDArray[np.float64]
    shape: float | None
    starts: int
    agreed: int
    others: tuple[Minimum, ...]
    singular: tuple[str, ...]
    alarms: tuple[str, ...]
    false_alarm: bool
    directions: tuple[Direction, ...]
    reason: str
    remedy: str

    @property
    def ok(self) -> bool:
        """Whether the answer can be relied on."""
        return self.verdict.good

    @property
    def excess(self) -> float:
        """The criterion at the fit's theta minus the lowest found, both recomputed.

        NaN where no search was made.
        """
        return self.recomputed - self.best
