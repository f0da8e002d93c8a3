"""Which means a family has, and whether its link keeps to them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pylme.families.link import link_of

if TYPE_CHECKING:
    from pylme.families.family import Family

__all__ = ["confined", "has_dispersion", "means_of"]


def means_of(family: Family) -> tuple[float, float]:
    """The open interval of the means that a family and its link allow."""
    if family.name == "binomial":
        return 0.0, 1.0
    if family.name == "gaussian" and family.link != "log":
        return -math.inf, math.inf
    return 0.0, math.inf


def confined(family: Family) -> bool:
    """Whether every value of the linear predictor gives a mean that the family has."""
    if family.name == "binomial":
        return family.link != "log"
    return family.name == "gaussian" or not link_of(family.link).positive


def has_dispersion(family: Family | None) -> bool:
    """Whether the variance of a row has a parameter of its own, sigma²; None is a linear model."""
    return family is None or family.name in ("Gamma", "inverse.gaussian", "gaussian")
