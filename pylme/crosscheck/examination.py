"""What an examination of a fit found, before it is judged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylme.crosscheck.comparison import Tier
from pylme.crosscheck.search import Search
from pylme.crosscheck.sides import Sides
from pylme.crosscheck.tiers import compare
from pylme.identifiability.report import Direction
from pylme.results.certificate import NO_FINITE_OPTIMUM, NOISELESS, Certificate

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Examination", "impossible", "without_minimum"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examination:
    """The tiers, and what else the verdict depends on.

    Attributes
    ----------
    formula : str
    criterion : float
        Of the fit.
    recomputed : float
        The criterion at the fit's theta, computed by the NumPy engine; NaN where it was not.
    tiers : tuple of Tier
    certificate : Certificate or None
        Of the theta that is checked.
    found : Search or None
        The best optimum.
    alarms : tuple of str
        What the engine warned of; that the fit is singular only where it is not.
    directions : tuple of Direction
        What the data do not determine.
    searched : int
        How many searches by the NumPy engine the fit itself is the best end of.
    reason, remedy : str
        Why the fit could not be checked, and what to do; empty where it could.
    """

    formula: str
    criterion: float
    tiers: tuple[Tier, ...]
    recomputed: float = math.nan
    certificate: Certificate | None = None
    found: Search | None = None
    alarms: tuple[str, ...] = ()
    directions: tuple[Direction, ...] = ()
    searched: int = 0
    reason: str = ""
    remedy: str = ""


def impossible(
    reason: str,
    formula: str,
    criterion: float,
    *,
    done: Sequence[Tier] = (),
    alarms: tuple[str, ...] = (),
    remedy: str = "",
) -> Examination:
    """The examination of a fit that cannot be checked.

    Parameters
    ----------
    reason : str
    formula : str
    criterion : float
    done : sequence of Tier
        What could be checked all the same.
    alarms : tuple of str
    remedy : str
    """
    return Examination(
        formula=formula,
        criterion=criterion,
        tiers=compare(Sides(reason=reason), done=done),
        alarms=alarms,
        reason=reason,
        remedy=remedy,
    )


def without_minimum(formula: str, criterion: float, *, done: Sequence[Tier]) -> Examination:
    """The examination of a fit whose criterion has no minimum.

    Parameters
    ----------
    formula : str
    criterion : float
    done : sequence of Tier
    """
    return impossible(NO_FINITE_OPTIMUM, formula, criterion, done=done, remedy=NOISELESS)
