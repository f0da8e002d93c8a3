"""Conditional distributions of the response: links, variance functions, densities, derivatives.

A generalized linear mixed model needs a family only through functions of one row: the mean as a
function of the linear predictor η, the deviance, the log-density, and the derivatives of the
log-density in η up to the third. They take and return arrays, and none of them knows a model.
"""

from pylme.families.density import deviance, log_density
from pylme.families.derivatives import RowDerivatives, row_derivatives
from pylme.families.family import (
    LINKS,
    Family,
    FamilyName,
    Variance,
    family,
    family_of_name,
    negative_binomial,
    variance_of,
)
from pylme.families.link import Link, link_of

__all__ = [
    "LINKS",
    "Family",
    "FamilyName",
    "Link",
    "RowDerivatives",
    "Variance",
    "deviance",
    "family",
    "family_of_name",
    "link_of",
    "log_density",
    "negative_binomial",
    "row_derivatives",
    "variance_of",
]
