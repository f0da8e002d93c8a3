"""Tier 4: the reference's own optimum against lme4's, in all that one reads of a fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.covariance.structure import Unstructured
from pylme.crosscheck.comparison import Comparison, Tier, worst
from pylme.crosscheck.tolerances import ANOTHER_MINIMUM, HUNDREDTH, NEGLIGIBLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pylme.crosscheck.estimated import Estimated
    from pylme.crosscheck.search import Search
    from pylme.model_matrix.random_term import RandomTerm
    from pylme.reference.solution import Solution

__all__ = ["TITLE", "compare_optima"]

TITLE: Final = "Optimum, that of the fit and the best that the reference finds"


def compare_optima(
    fit: Estimated,
    criterion: float,
    terms: Sequence[RandomTerm],
    found: Search,
    solution: Solution,
) -> Tier:
    """Criterion, theta, fixed effects, covariances and conditional modes at both optima.

    Parameters
    ----------
    fit : Estimated
    criterion : float
        At the fit's theta, as the reference computes it: so rounding errors of lme4's, which can be
        larger than the difference, do not enter.
    terms : sequence of RandomTerm
    found : Search
    solution : Solution
        At the theta found.
    """
    at = int(np.argmax(np.abs(fit.theta - found.theta)))
    comparisons = (
        Comparison(
            quantity="criterion",
            lme4=criterion,
            reference=found.criterion,
            difference=criterion - found.criterion,
            tolerance=NEGLIGIBLE,
        ),
        Comparison(
            quantity=f"theta [{at + 1}], ½ δ'Hδ",
            lme4=float(fit.theta[at]),
            reference=float(found.theta[at]),
            difference=found.distance,
            tolerance=NEGLIGIBLE,
        ),
        *_fixed_effects(fit, solution),
        *_covariances(fit, terms, solution),
        _modes(fit, terms, solution),
        *_other_minima(criterion, found),
    )
    return Tier(number=4, title=TITLE, comparisons=comparisons)


def _other_minima(criterion: float, found: Search) -> Iterator[Comparison]:
    for number, other in enumerate(found.others, start=2):
        yield Comparison(
            quantity=f"minimum {number}, theta = {', '.join(f'{t:.4g}' for t in other.theta)}",
            lme4=criterion,
            reference=other.criterion,
            difference=other.criterion - criterion,
            tolerance=ANOTHER_MINIMUM,
            decides=False,
        )


def _fixed_effects(fit: Estimated, solution: Solution) -> Iterator[Comparison]:
    errors = np.sqrt(np.diag(solution.vcov))
    for i, name in enumerate(fit.x_names):
        yield worst(f"beta {name}", fit.beta[i], solution.beta[i], HUNDREDTH, scale=errors[i])


def _covariances(
    fit: Estimated, terms: Sequence[RandomTerm], solution: Solution
) -> Iterator[Comparison]:
    yield worst("sigma", fit.sigma, solution.sigma, HUNDREDTH, scale=solution.sigma)
    for term in terms:
        theirs = _covariance(fit.theta[term.thetas], fit.sigma, len(term.names))
        ours = _covariance(solution.theta[term.thetas], solution.sigma, len(term.names))
        sizes = _sizes(term, fit.weights)
        # What one can tell from zero: the residual's size, or the effect's own.
        unit = np.maximum(solution.sigma / sizes, np.sqrt(np.diag(ours)))
        for i, name in enumerate(term.names):
            pair = (np.sqrt(theirs[i, i]), np.sqrt(ours[i, i]))
            yield worst(f"sd {name} | {term.group}", *pair, HUNDREDTH, scale=unit[i])
        for i, j in np.argwhere(np.tril(np.ones_like(ours), -1)).tolist():
            yield worst(
                f"cov {term.names[j]}, {term.names[i]} | {term.group}",
                theirs[i, j],
                ours[i, j],
                HUNDREDTH,
                scale=unit[i] * unit[j],
            )


def _covariance(theta: NDArray[np.float64], sigma: float, k: int) -> NDArray[np.float64]:
    T = Unstructured(size=k).factor(theta)
    return np.asarray(sigma**2 * (T @ T.T))


def _sizes(term: RandomTerm, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The root mean square of each column."""
    sizes = np.sqrt(np.einsum("n,nk,nk->k", weights, term.columns, term.columns) / len(weights))
    sizes[sizes == 0.0] = 1.0
    return np.asarray(sizes)


def _modes(fit: Estimated, terms: Sequence[RandomTerm], solution: Solution) -> Comparison:
    scale = np.empty_like(solution.b)
    for term in terms:
        unit = solution.sigma / _sizes(term, fit.weights)
        scale[term.rows] = np.tile(unit, len(term.levels))
    return worst(
        "b, conditional modes",
        fit.b,
        solution.b,
        HUNDREDTH,
        scale=np.maximum(scale, np.abs(solution.b)),
        names=lambda at: f"[{at + 1}]",
    )
