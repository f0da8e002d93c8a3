"""What an examination of a fit found, before it is judged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pylme.crosscheck import certificate_tier, design_tier, optimum, same_theta
from pylme.crosscheck.comparison import Tier
from pylme.crosscheck.search import Search
from pylme.identifiability.report import Direction
from pylme.results.certificate import NO_FINITE_OPTIMUM, NOISELESS, Certificate

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Examination", "impossible", "not_checked", "without_minimum"]

_TITLES: Final = (
    design_tier.TITLE,
    same_theta.TITLE,
    certificate_tier.TITLE,
    optimum.TITLE,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examination:
    """The tiers, and what the verdict depends on beside them.

    Attributes
    ----------
    formula : str
    criterion : float
        Of the fit.
    recomputed : float
        The criterion at the fit's theta as the reference computes it; NaN where it does not.
    tiers : tuple of Tier
    certificate : Certificate or None
        Of the theta that is checked.
    found : Search or None
        The best optimum.
    alarms : tuple of str
        What the engine said against its fit; not that it is singular, where that is so.
    directions : tuple of Direction
        What the data do not see.
    searched : int
        How many searches by the reference the fit itself is the best end of.
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


def not_checked(number: int, reason: str) -> Tier:
    """A tier of which nothing was checked."""
    return Tier(number=number, title=_TITLES[number - 1], reason=reason)


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
    missing = [not_checked(number, reason) for number in range(len(done) + 1, len(_TITLES) + 1)]
    return Examination(
        formula=formula,
        criterion=criterion,
        tiers=(*done, *missing),
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
