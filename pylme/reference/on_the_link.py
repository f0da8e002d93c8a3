"""The linear model of a response on the scale of the link, which tells whether there is any noise.

Where a dispersion is estimated (Gamma, inverse.gaussian, gaussian), the density of a row at its own
mean grows without bound as the dispersion goes to zero. So a generalized model has no finite
optimum where fixed and random effects can make each value its own mean: where g(y) less the offset
lies in the span of their columns, as y itself does for a linear model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.families.link import link_of
from pylme.families.support import has_dispersion
from pylme.reference.criterion.prepare import prepare

if TYPE_CHECKING:
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.reference.criterion.prepare import Problem

__all__ = ["problem_on_the_link"]


def problem_on_the_link(design: ModelMatrices) -> Problem | None:
    """The model with g(y) as the response of a linear one, by ML as generalized models are.

    None where that says nothing: of a family without a dispersion, and of values that are no mean.

    Parameters
    ----------
    design : ModelMatrices
        Of a generalized model.
    """
    family = design.family
    if family is None or not has_dispersion(family) or design.y.ndim > 1:
        return None
    with np.errstate(all="ignore"):
        eta = link_of(family.link).eta(design.y) - design.offset
    if not np.isfinite(eta).all():
        return None
    weights = None if bool((design.weights == 1.0).all()) else design.weights
    return prepare(design.X, eta[None], design.terms, weights=weights, reml=False)
