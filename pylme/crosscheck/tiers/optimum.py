"""The fourth tier: all reported numbers at the optimum of the fit and at the best one found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.covariance.names import cells, parameter_name
from pylme.crosscheck.comparison import Comparison, Pair
from pylme.crosscheck.tolerances import ANOTHER_MINIMUM, HUNDREDTH, NEGLIGIBLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.crosscheck.search import Search
    from pylme.crosscheck.sides import Estimated, Sides
    from pylme.model_matrix.random_term import RandomTerm
    from pylme.reference.solution import Solution

__all__ = ["pairs"]


def pairs(sides: Sides) -> list[Pair | Comparison] | str:
    """Criterion, theta, fixed effects, covariances and conditional modes at both optima.

    The criterion at the theta of the fit is that of `Sides.solution`, so that lme4's rounding
    errors, which can be larger than the difference, do not enter.
    """
    fit, solution, found, best = sides.fit, sides.solution, sides.found, sides.best
    if fit is None or solution is None or found is None or best is None:
        return sides.why_without("found")
    at = int(np.argmax(np.abs(fit.theta - found.theta)))
    least = float(found.evaluation.criterion[0])
    return [
        Comparison(
            quantity="criterion",
            fit=solution.criterion,
            independent=least,
            difference=solution.criterion - least,
            tolerance=NEGLIGIBLE,
        ),
        Comparison(
            quantity=f"theta [{at + 1}], ½ δ'Hδ",
            fit=float(fit.theta[at]),
            independent=float(found.theta[at]),
            difference=found.distance,
            tolerance=NEGLIGIBLE,
        ),
        *_fixed_effects(fit, best),
        *_covariances(fit, sides.terms, best),
        _modes(fit, sides.terms, best),
        *_other_minima(solution.criterion, found),
    ]


def _other_minima(criterion: float, found: Search) -> list[Comparison]:
    return [
        Comparison(
            quantity=f"minimum {number}, theta = {', '.join(f'{t:.4g}' for t in other.theta)}",
            fit=criterion,
            independent=other.criterion,
            difference=other.criterion - criterion,
            tolerance=ANOTHER_MINIMUM,
            decides=False,
        )
        for number, other in enumerate(found.others, start=2)
    ]


def _pair(quantity: str, fit: float, independent: float, scale: float) -> Pair:
    return Pair(
        quantity=quantity, fit=fit, independent=independent, tolerance=HUNDREDTH, scale=scale
    )


def _fixed_effects(fit: Estimated, best: Solution) -> list[Pair]:
    errors = np.sqrt(np.diag(best.vcov))
    values = zip(fit.x_names, fit.beta, best.beta, errors, strict=True)
    return [_pair(f"beta {name}", theirs, ours, error) for name, theirs, ours, error in values]


def _covariances(fit: Estimated, terms: Sequence[RandomTerm], best: Solution) -> list[Pair]:
    made = [_pair("sigma", fit.sigma, best.sigma, best.sigma)]
    for term in terms:
        theirs, ours = (_covariance(term, one.theta, one.sigma) for one in (fit, best))
        sizes = _sizes(term, fit.weights)
        # What one can tell from zero: the residual's size, or the effect's own.
        unit = np.maximum(best.sigma / sizes, np.sqrt(np.diag(ours)))
        for i, j in cells(len(term.names), "cov.last"):
            name = parameter_name(term.names[i], term.names[j], label=term.group, style="sdcov")
            its, own, scale = theirs[i, j], ours[i, j], unit[i] * unit[j]
            if i == j:
                its, own, scale = np.sqrt(its), np.sqrt(own), unit[i]
            made.append(_pair(name, its, own, scale))
    return made


def _covariance(term: RandomTerm, theta: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    T = term.factor(theta)
    return np.asarray(sigma**2 * (T @ T.T))


def _sizes(term: RandomTerm, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The root mean square of each column."""
    sizes = np.sqrt(np.einsum("n,nk,nk->k", weights, term.columns, term.columns) / len(weights))
    sizes[sizes == 0.0] = 1.0
    return np.asarray(sizes)


def _modes(fit: Estimated, terms: Sequence[RandomTerm], best: Solution) -> Pair:
    scale = np.empty_like(best.b)
    for term in terms:
        unit = best.sigma / _sizes(term, fit.weights)
        scale[term.rows] = np.tile(unit, len(term.levels))
    return Pair(
        quantity="b, conditional modes",
        fit=fit.b,
        independent=best.b,
        tolerance=HUNDREDTH,
        scale=np.maximum(scale, np.abs(best.b)),
        names=(None,),
    )
