"""Standard errors of the variance components of a generalized model, by the delta method.

The covariance matrix of all estimates is 2H⁻¹ for the Hessian H of the criterion. A term's effects
have Σ_t = φT_tT_tᵀ, φ = 1 for a family without a dispersion, hence

    ∂Σ_t/∂θ_k = φ(E_kT_tᵀ + T_tE_kᵀ)      ∂Σ_t/∂ln(1/φ) = -Σ_t

(Bates, Mächler, Bolker & Walker 2015, section 5; the delta method). lme4's criterion of a family
with a dispersion is the likelihood of no model, and gives none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.families.family import has_dispersion
from pylme.reference.generalized.criterion import criterion_of
from pylme.reference.generalized.evaluate import hessian_of, parameters_of
from pylme.reference.generalized.optimum.boundary import free_on_face
from pylme.reference.standard_errors import errors_of_block
from pylme.reference.threads import one_thread
from pylme.results.varcorr import VarianceErrors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.results.generalized_problem import GeneralizedProblem

__all__ = ["variance_errors", "variance_errors_at"]


def variance_errors_at(problem: GeneralizedProblem) -> VarianceErrors | None:
    """Standard errors at the parameters of a problem; None where the criterion gives none."""
    if not _is_likelihood(problem):
        return None
    with one_thread():
        criterion = criterion_of(problem)
        point = criterion.exactly(parameters_of(problem))
        if point.mode is None:
            return None
        H = hessian_of(criterion, point)
        return variance_errors(problem, H, free_on_face(criterion, point.x))


def variance_errors(
    problem: GeneralizedProblem, hessian: NDArray[np.float64], free: NDArray[np.intp]
) -> VarianceErrors | None:
    """Standard errors of all variance components; None where the criterion gives none.

    Parameters
    ----------
    problem : GeneralizedProblem
        With its parameters.
    hessian : ndarray, shape (m + p [+ 1], m + p [+ 1])
        There.
    free : ndarray of int
        The parameters that do not stay on the boundary.
    """
    theta = problem.theta
    if theta is None or not _is_likelihood(problem):
        return None
    part = hessian[np.ix_(free, free)]
    size = len(hessian)
    covariance = np.full((size, size), np.nan)
    if np.isfinite(part).all() and (np.linalg.eigvalsh(part) > 0.0).all():
        covariance[np.ix_(free, free)] = 2.0 * np.linalg.inv(part)
    dispersed = problem.criterion == "likelihood"
    phi = float(np.exp(-(problem.log_extra or 0.0))) if dispersed else 1.0
    cov, sdcor = [], []
    for term in problem.terms:
        T, own = term.factor(theta), np.arange(term.thetas.start, term.thetas.stop)
        K = len(T)
        column, row = np.triu_indices(K)
        half = np.zeros((len(own), K, K))
        half[np.arange(len(own)), row] = T.T[column]
        slopes = phi * (half + half.swapaxes(1, 2))
        block = phi * T @ T.T
        if dispersed:
            slopes, own = np.concatenate([slopes, -block[None]]), np.append(own, size - 1)
        errors = errors_of_block(block, slopes, covariance[np.ix_(own, own)])
        cov.append(errors[0])
        sdcor.append(errors[1])
    relative = float(np.sqrt(covariance[-1, -1])) if dispersed else np.nan
    return VarianceErrors(
        cov=tuple(cov), sdcor=tuple(sdcor), variance=phi * relative,
        sigma=0.5 * float(np.sqrt(phi)) * relative,
    )  # fmt: skip


def _is_likelihood(problem: GeneralizedProblem) -> bool:
    return problem.criterion == "likelihood" or not has_dispersion(problem.family)
