"""The null distribution of a likelihood ratio by parametric bootstrap, in batches of responses.

Responses are drawn from the fit of the smaller model, and both models are fitted to each of them
(Davison & Hinkley 1997, Bootstrap Methods and their Application, section 4.2.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.draws.from_model import DrawnEffects, ResponseModel, draw_from_model
from pylme.draws.seeds import seeds_of
from pylme.inference.likelihood_ratio_tests.linear_criterion import linear_criteria
from pylme.reference.criterion.prepare import prepare, problem_of
from pylme.reference.optimize.newton import minimise
from pylme.reference.optimize.structured import minimise_structured
from pylme.reference.solution import fixed_effects
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.draws.seeds import Seed
    from pylme.results.linear_problem import LinearProblem

__all__ = ["criteria_of", "null_statistics"]

#: Numbers of responses and tables that a batch may hold.
_MOST_NUMBERS: Final = 10_000_000


def null_statistics(
    larger: LinearProblem, smaller: LinearProblem, n: int, *, seed: Seed
) -> NDArray[np.float64]:
    """Likelihood ratios of responses drawn from the smaller model, shape (n,).

    Parameters
    ----------
    larger : LinearProblem
    smaller : LinearProblem
        With the theta of its fit; it may have no random effects. Both by the same criterion.
    n : int
    seed : int, SeedSequence or None
    """
    model = _response_model(smaller)
    seeds = seeds_of(seed, rng="numpy", n=n)
    q = sum(len(term.levels) * len(term.names) for term in larger.terms)
    batch = max(1, _MOST_NUMBERS // (len(larger.y) + q * larger.X.shape[1] + 1))
    found = []
    with one_thread():
        for first in range(0, n, batch):
            stop = min(first + batch, n)
            Y = draw_from_model(model, [seeds.generator(i) for i in range(first, stop)])
            Y = Y - smaller.offset
            found.append(criteria_of(smaller, Y) - criteria_of(larger, Y))
    # Negative differences are errors of the searches.
    return np.maximum(np.concatenate(found), 0.0)


def criteria_of(linear: LinearProblem, Y: NDArray[np.float64]) -> NDArray[np.float64]:
    """The least criteria of a model for each response less the offset, shape (R,).

    The search of each response starts at its moments, and from theta where there is one: that is
    the truth that the responses were drawn from.
    """
    linear.require_rows("Fitting a model to drawn responses")
    if not linear.terms:
        return linear_criteria(linear.X, Y, linear.weights, reml=linear.reml)
    if any(term.structure.kind != "us" for term in linear.terms):
        return np.array([_structured(linear, y) for y in Y])
    problem = prepare(linear.X, Y, linear.terms, weights=linear.weights, reml=linear.reml)
    starts = [problem.start()]
    if linear.theta is not None:
        starts.append(np.tile(problem.conditioned(linear.theta[None]), (len(Y), 1)))
    ends = [minimise(problem.criterion, problem.layout, start) for start in starts]
    return np.asarray(np.min([end.evaluation.criterion for end in ends], axis=0))


def _structured(linear: LinearProblem, y: NDArray[np.float64]) -> float:
    """The least criterion of a model with covariance structures, whose fits are one by one."""
    problem = prepare(linear.X, y[None], linear.terms, weights=linear.weights, reml=linear.reml)
    found = minimise_structured(problem, linear.theta, more=True)
    return float(found.evaluation.criterion[0])


def _response_model(linear: LinearProblem) -> ResponseModel:
    n = len(linear.y)
    weights = np.ones(n) if linear.weights is None else linear.weights
    if linear.terms and linear.theta is not None:
        problem = problem_of(linear)
        T = problem.layout.matrices(problem.conditioned(linear.theta[None]))
        with one_thread():
            estimates = fixed_effects(problem, problem.criterion.evaluate(T))
        beta, sigma = estimates.beta, estimates.sigma
    else:
        roots = np.sqrt(weights)
        y = linear.y_less_offset * roots
        solved = np.linalg.lstsq(linear.X * roots[:, None], y, rcond=None)[0]
        beta = np.asarray(solved, dtype=np.float64)
        left = y - (linear.X * roots[:, None]) @ beta
        nu = n - linear.reml * linear.X.shape[1]
        sigma = float(np.sqrt(left @ left / nu))
    drawn = []
    for term in linear.terms:
        T_t = term.factor(np.zeros(0) if linear.theta is None else linear.theta)
        drawn.append(
            DrawnEffects(
                levels=len(term.levels),
                codes=term.codes,
                columns=term.columns,
                covariance=sigma**2 * (T_t @ T_t.T),
            )
        )
    return ResponseModel(
        eta=linear.X @ beta + linear.offset,
        drawn=tuple(drawn),
        family=None,
        sigma=sigma,
        weights=weights,
        trials=None,
    )
