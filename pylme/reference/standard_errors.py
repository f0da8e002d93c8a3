"""Standard errors of the variance components, from the joint Hessian by the delta method.

With s = log σ², D(θ, s) = log|A| + ρ log|S| + νs + r²/σ² is minus twice the log-likelihood before
σ² is profiled out, so that the covariance matrix of (θ̂, ŝ) is twice the inverse of its Hessian. The
covariance matrix of a term's effects is Σ_t = σ²T_tT_tᵀ, hence

    ∂Σ_t/∂θ_k = σ²(E_kT_tᵀ + T_tE_kᵀ)      ∂Σ_t/∂s = Σ_t

(Bates, Mächler, Bolker & Walker 2015, section 5; the delta method). Theta is that of well-
conditioned columns, so that the errors do not suffer from the scale of a covariate; a column of T
that is zero on the boundary stays there. Of ∂d/∂Σ_t only what does not vanish at an optimum is
taken, its part across the boundary: the rest is the error of the search, which small variances make
large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.reference.optimize.certificate import reduced
from pylme.reference.optimize.structured import certify_structured
from pylme.reference.problem.layout import hessian
from pylme.reference.solution import along_theta, free_slices, joint_inverse, solution_at
from pylme.results.varcorr import VarianceErrors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.model_matrix.random_term import RandomTerm
    from pylme.reference.criterion.likelihood import Evaluation
    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.problem.layout import GroupingFactor, Layout

__all__ = ["across", "errors_of_block", "standard_errors"]


def standard_errors(
    problem: Problem,
    terms: Sequence[RandomTerm],
    theta: NDArray[np.float64],
    evaluation: Evaluation | None = None,
) -> VarianceErrors:
    """Standard errors of all variance components at lme4's theta.

    Parameters
    ----------
    problem : Problem
        Of a single response.
    terms : sequence of RandomTerm
        Those that the problem was prepared from.
    theta : ndarray, shape (m,)
    evaluation : Evaluation, optional
        At theta, if there is one.
    """
    layout, nu = problem.layout, problem.likelihood.nu
    if problem.structured:
        return _structured_errors(problem, theta, evaluation)
    T = layout.matrices(problem.conditioned(theta[None]))
    if evaluation is None:
        evaluation = problem.criterion.evaluate(T)
    T, (free,) = reduced(layout, T)
    variance = float(evaluation.rss[0]) / nu
    M = tuple(map(across, layout.factors, T, evaluation.M))
    H = hessian(layout, T, M, evaluation.form)[0]
    mixed = along_theta(layout, T, evaluation.hh) / variance
    covariance = joint_inverse(H[np.ix_(free, free)], mixed[free], nu)
    cov: dict[int, NDArray[np.float64]] = {}
    sdcor: dict[int, NDArray[np.float64]] = {}
    for f, (factor, C) in enumerate(zip(layout.factors, problem.columns.C, strict=True)):
        own = np.flatnonzero(free & (layout.factor_of == f))
        block, slopes = _derivatives(layout, factor, C, T[f][0], own, variance=variance)
        chosen = np.append(np.searchsorted(np.flatnonzero(free), own), -1)
        spread = covariance[np.ix_(chosen, chosen)]
        for position, place in zip(factor.terms, factor.places, strict=True):
            whole = free[terms[position].thetas].all()
            cov[position], sdcor[position] = errors_of_block(
                block[place, place], slopes[:, place, place], spread if whole else spread * np.nan
            )
    order = range(len(terms))
    error = variance * float(np.sqrt(covariance[-1, -1]))
    return VarianceErrors(
        cov=tuple(cov[t] for t in order),
        sdcor=tuple(sdcor[t] for t in order),
        variance=error,
        sigma=error / (2.0 * float(np.sqrt(variance))),
    )


def _structured_errors(
    problem: Problem, theta: NDArray[np.float64], evaluation: Evaluation | None
) -> VarianceErrors:
    """The same by the free parameters; NaN for all where one of them is at its bound."""
    solution = solution_at(problem, theta, evaluation=evaluation)
    singular = bool(certify_structured(problem, theta, evaluation).singular)
    covariance = joint_inverse(solution.hessian, solution.profiled, problem.likelihood.nu)
    if singular:
        covariance = covariance * np.nan
    variance = solution.sigma**2
    cov, sdcor = [], []
    for term, own in zip(problem.terms, free_slices(problem.terms), strict=True):
        free = term.structure.free_of(theta[term.thetas])
        block = variance * term.structure.covariance(free)
        by = variance * term.structure.covariance_derivatives(free)[0]
        slopes = np.concatenate([by, block[None]])
        at = np.append(np.arange(own.start, own.stop), -1)
        errors = errors_of_block(block, slopes, covariance[np.ix_(at, at)])
        cov.append(errors[0])
        sdcor.append(errors[1])
    error = variance * float(np.sqrt(covariance[-1, -1]))
    return VarianceErrors(
        cov=tuple(cov), sdcor=tuple(sdcor), variance=error, sigma=error / (2.0 * solution.sigma)
    )


def across(
    factor: GroupingFactor, T: NDArray[np.float64], M: NDArray[np.float64]
) -> NDArray[np.float64]:
    """M of a factor's terms between the null vectors of their covariance matrices.

    Parameters
    ----------
    factor : GroupingFactor
    T, M : ndarray, shape (R, K, K)
    """
    kept = np.zeros_like(M)
    for place in factor.places:
        own = T[:, place, place]
        null = np.eye(own.shape[1]) - own @ np.linalg.pinv(own)
        kept[:, place, place] = null @ M[:, place, place] @ null
    return kept


def _derivatives(
    layout: Layout,
    factor: GroupingFactor,
    C: NDArray[np.float64],
    T: NDArray[np.float64],
    own: NDArray[np.intp],
    *,
    variance: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Σ of the caller's columns, shape (K, K), and its derivatives by `own` and s, (.., K, K)."""
    products = np.zeros((len(own), factor.width, factor.width))
    products[np.arange(len(own)), layout.row[own]] = T.T[layout.column[own]]
    slopes = variance * (C @ (products + products.swapaxes(1, 2)) @ C.T)
    half = C @ T
    block = variance * (half @ half.T)
    return block, np.concatenate([slopes, block[None]])


def errors_of_block(
    sigma: NDArray[np.float64], slopes: NDArray[np.float64], spread: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Standard errors of the elements of Σ_t, and of its standard deviations and correlations."""
    sd = np.sqrt(np.diag(sigma))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = sigma / np.outer(sd, sd)
        relative = slopes.diagonal(axis1=1, axis2=2) / (2.0 * sd**2)
        turned = slopes / np.outer(sd, sd) - correlation * (
            relative[:, :, None] + relative[:, None]
        )
        places = np.arange(len(sd))
        turned[:, places, places] = relative * sd
        return _lengths(slopes, spread), _lengths(turned, spread)


def _lengths(slopes: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    variances = np.einsum("kab,kl,lab->ab", slopes, spread, slopes)
    result: NDArray[np.float64] = np.sqrt(np.maximum(variances, 0.0))
    return result
