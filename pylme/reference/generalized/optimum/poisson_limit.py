"""Whether the shape ϑ of a negative binomial has no finite estimate, by a derivative at ϑ = ∞.

In ln ϑ the criterion is flat towards its limit, the Poisson model, and its derivatives there are
rounding errors. By κ = 1/ϑ it is smooth at κ = 0 (ϑ = ∞): with a Poisson model's h, λ, w and s at
the same θ and β, and unit prior weights,

    ∂𝒜/∂κ = -Σ[(y - μ)² - y]      ∂w/∂κ = -wμ      ∂s/∂κ = -sμ
    ∂F/∂κ = ∂𝒜/∂κ - Σ h w μ - (ZΛλ)ᵀ s μ

and for the observed information of the log link ∂w_o/∂κ = μ(y - 2μ). Where it is positive the
criterion rises as soon as counts are overdispersed: the estimate is the Poisson model.

References
----------
Lawless (1987), Canadian Journal of Statistics 15(3), 209-225.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.families.rows import RowFunction
from pylme.reference.generalized.objective import objective_of

if TYPE_CHECKING:
    from pylme.reference.generalized.criterion import GeneralizedCriterion, Point

__all__ = ["has_poisson_limit", "slope_at_poisson"]

#: Variances that exceed the means by less than this part of them, on average.
HARDLY: Final = 1e-3


def has_poisson_limit(criterion: GeneralizedCriterion, point: Point) -> bool:
    """Whether a search that ended at a large ϑ was on its way to ϑ = ∞.

    Parameters
    ----------
    criterion : GeneralizedCriterion
        In any columns.
    point : Point
        The end of the search.
    """
    if not criterion.problem.shape_free or point.mode is None:
        return False
    mean = criterion.rows.mean(point.mode.eta)
    if float((mean**2).sum()) > HARDLY * float(np.exp(point.x[-1])) * float(mean.sum()):
        return False
    slope = slope_at_poisson(criterion, point)
    return slope is not None and slope >= 0.0


def slope_at_poisson(criterion: GeneralizedCriterion, point: Point) -> float | None:
    """∂F/∂(1/ϑ) at ϑ = ∞ and the θ and β of a point; None where there is no such formula.

    lme4's criterion with prior weights has no limit, as it multiplies one of its terms by them.
    """
    problem = criterion.problem
    log = problem.family.link == "log"
    if (problem.weights != 1.0).any() or (problem.laplace == "observed" and not log):
        return None
    family = replace(problem.family, name="poisson", shape=None)
    poisson = replace(problem, family=family, shape_free=False)
    rows = RowFunction.of(family, criterion.rows.y, criterion.rows.weights)
    limit = replace(criterion, problem=poisson, objective=objective_of(poisson, rows, None))
    at = limit.exactly(point.x[:-1], None if point.mode is None else point.mode.u)
    if at.mode is None or at.slopes is None or at.slopes.at is None:
        return None
    y, mean, d = rows.y, rows.mean(at.mode.eta), at.mode.values.derivatives
    observed = problem.laplace == "observed"
    of_weights = mean * (y - 2.0 * mean) if observed else -d.expected * mean
    slope = -((y - mean) ** 2 - y).sum() + at.slopes.at.h @ of_weights
    return float(slope - at.slopes.at.along @ (d.score * mean))
