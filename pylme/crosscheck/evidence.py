"""The evidence on which a verdict is based, and that of fits that cannot be checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylme.crosscheck.comparison import Tier
from pylme.crosscheck.generalized.search import GeneralizedSearch
from pylme.crosscheck.search import Search
from pylme.crosscheck.sides import Sides
from pylme.crosscheck.tiers.registry import compare
from pylme.identifiability.report import Direction
from pylme.results.certificate import NO_FINITE_OPTIMUM, NOISELESS, Certificate

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Examination", "impossible", "without_minimum"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examination:
    """The tiers, and everything else that the verdict depends on.

    Attributes
    ----------
    formula : str
    criterion : float
        Of the fit.
    recomputed : float
        The criterion at the fit's theta, computed by the NumPy engine; NaN if not computed.
    tiers : tuple of Tier
    certificate : Certificate or None
        Of the theta that is checked.
    found : Search, GeneralizedSearch or None
        The best optimum.
    endless : tuple of str
        What has no finite estimate, in words.
    alarms : tuple of str
        The warnings of the engine; that the fit is singular counts only if it is not.
    directions : tuple of Direction
        What the data do not determine.
    searched : int
        The number of searches by the NumPy engine of which the fit itself is the best result.
    reason, remedy : str
        Why the fit could not be checked, and what to do; empty if it could be checked.
    """

    formula: str
    criterion: float
    tiers: tuple[Tier, ...]
    recomputed: float = math.nan
    certificate: Certificate | None = None
    found: Search | GeneralizedSearch | None = None
    endless: tuple[str, ...] = ()
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
        The tiers that could be checked nevertheless.
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
