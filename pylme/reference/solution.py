"""All that follows from theta: fixed effects, random effects, their variances, the derivatives.

With h = ZᵀV⁻¹(y - Xβ̂), the spherical random effects are û = Λᵀh and the conditional modes b̂ = ΛΛᵀh,
as the normal equations of the penalized least squares problem say û = ΛᵀZᵀ(y - Xβ̂ - ZΛû) (Bates,
Mächler, Bolker & Walker 2015, equation 17). Everything here is in terms of the caller's columns and
of lme4's theta.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.reference.evaluation import gradient, hessian

if TYPE_CHECKING:
    from pylme.reference.evaluation import Evaluation
    from pylme.reference.problem import Problem

__all__ = ["Solution", "conditional_variances", "joint_covariance", "solution_at"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """A model at one theta.

    Attributes
    ----------
    theta : ndarray, shape (m,)
        Relative covariance parameters in lme4's order.
    criterion : float
        The REML criterion or the deviance.
    rss, sigma : float
        r² and the residual standard deviation, sqrt(r²/ν).
    beta : ndarray, shape (p,)
    vcov : ndarray, shape (p, p)
        σ̂²(XᵀV⁻¹X)⁻¹.
    u, b : ndarray, shape (q,)
        Spherical random effects and conditional modes, in the order of Zᵀ's rows.
    gradient : ndarray, shape (m,)
    hessian : ndarray, shape (m, m)
        Derivatives of the profiled criterion by theta.
    M : tuple of ndarray, shapes (k_t, k_t)
        ∂d/∂Σ_t for each term in lme4's order; ⪰ 0 with M_tT_t = 0 at an optimum.
    profiled : ndarray, shape (m,)
        ∂²D/∂θ∂s of the criterion before σ is profiled out, s = log σ²: what `hessian` lacks of the
        joint one.
    """

    theta: NDArray[np.float64]
    criterion: float
    rss: float
    sigma: float
    beta: NDArray[np.float64]
    vcov: NDArray[np.float64]
    u: NDArray[np.float64]
    b: NDArray[np.float64]
    gradient: NDArray[np.float64]
    hessian: NDArray[np.float64]
    M: tuple[NDArray[np.float64], ...]
    profiled: NDArray[np.float64]


def solution_at(
    problem: Problem,
    theta: NDArray[np.float64],
    *,
    response: int = 0,
) -> Solution:
    """The model at lme4's theta, of shape (m,), for one of the problem's responses."""
    layout, columns = problem.layout, problem.columns
    one = problem.single(response).exactly()
    T = layout.matrices(theta[None])
    inner = layout.matrices(problem.conditioned(theta[None]))
    evaluation = one.evaluate(inner)
    M, form, hh = _in_the_callers_columns(problem, evaluation)
    rss = float(evaluation.rss[0])
    sigma = float(np.sqrt(rss / problem.likelihood.nu))
    back = np.linalg.inv(columns.RX)
    root = back @ np.linalg.inv(evaluation.RX[0]).T
    u, b = _random_effects(problem, T, one.effects(inner))
    return Solution(
        theta=theta,
        criterion=float(evaluation.criterion[0]),
        rss=rss,
        sigma=sigma,
        beta=back @ (evaluation.beta[0] + columns.beta0[response]),
        vcov=sigma**2 * (root @ root.T),
        u=u,
        b=b,
        gradient=gradient(layout, T, M)[0],
        hessian=hessian(layout, T, M, form)[0],
        M=_by_term(problem, M),
        profiled=-_along_theta(problem, T, hh) / sigma**2,
    )


def _in_the_callers_columns(
    problem: Problem, evaluation: Evaluation
) -> tuple[tuple[NDArray[np.float64], ...], NDArray[np.float64], NDArray[np.float64]]:
    inverses = [np.linalg.inv(C) for C in problem.columns.C]
    M = tuple(i.T @ m @ i for i, m in zip(inverses, evaluation.M, strict=True))
    change = problem.change_of_covariance()
    return M, change.T @ evaluation.form @ change, evaluation.hh @ change


def _along_theta(
    problem: Problem, T: list[NDArray[np.float64]], hh: NDArray[np.float64]
) -> NDArray[np.float64]:
    """hᵀΣ_kh for each element of theta, shape (m,)."""
    made, start = [], 0
    for matrix in T:
        K = matrix.shape[1]
        made.append(2.0 * hh[:, start : start + K * K].reshape(-1, K, K) @ matrix)
        start += K * K
    along: NDArray[np.float64] = problem.layout.theta(made)[0]
    return along


def _by_term(
    problem: Problem, M: tuple[NDArray[np.float64], ...]
) -> tuple[NDArray[np.float64], ...]:
    found = {
        position: M[f][0, place, place]
        for f, factor in enumerate(problem.layout.factors)
        for position, place in zip(factor.terms, factor.places, strict=True)
    }
    return tuple(found[position] for position in range(len(found)))


def _random_effects(
    problem: Problem, T: list[NDArray[np.float64]], effects: list[NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The u and b in the order of Zᵀ's rows, from h of the well-conditioned columns by factor."""
    u: dict[int, NDArray[np.float64]] = {}
    b: dict[int, NDArray[np.float64]] = {}
    for f, factor in enumerate(problem.layout.factors):
        h = effects[f] @ np.linalg.inv(problem.columns.C[f])
        spherical = h @ T[f][0]
        modes = spherical @ T[f][0].T
        for position, place in zip(factor.terms, factor.places, strict=True):
            u[position] = spherical[:, place].ravel()
            b[position] = modes[:, place].ravel()
    order = range(len(u))
    return np.concatenate([u[t] for t in order]), np.concatenate([b[t] for t in order])


def conditional_variances(problem: Problem, solution: Solution, group: str) -> NDArray[np.float64]:
    """σ²ΛA⁻¹Λᵀ of one grouping factor's levels, shape (J, K, K), all its terms together."""
    layout = problem.layout
    f = next(f for f, factor in enumerate(layout.factors) if factor.group == group)
    inner = layout.matrices(problem.conditioned(solution.theta[None]))
    C = problem.columns.C[f]
    spread = problem.single(0).spread(inner, f)
    variances: NDArray[np.float64] = solution.sigma**2 * (C @ spread @ C.T)
    return variances


def joint_covariance(problem: Problem, solution: Solution) -> NDArray[np.float64]:
    """Covariance matrix of (θ̂, log σ̂²), shape (m + 1, m + 1).

    Twice the inverse of the Hessian of the criterion in (θ, s = log σ²) (Bates, Mächler, Bolker &
    Walker 2015, equations 30 and 39, before σ is profiled out). Where it is not positive definite,
    as on the boundary or where the data do not identify θ, all is NaN.
    """
    m, nu = len(solution.theta), problem.likelihood.nu
    joint = np.empty((m + 1, m + 1))
    joint[:m, :m] = solution.hessian + np.outer(solution.profiled, solution.profiled) / nu
    joint[:m, m] = joint[m, :m] = solution.profiled
    joint[m, m] = nu
    scale = np.sqrt(np.abs(np.diag(joint)))
    if not (scale > 0).all():
        return np.full_like(joint, np.nan)
    scaled = joint / np.outer(scale, scale)
    if np.linalg.eigvalsh(scaled)[0] < 1e-10:
        return np.full_like(joint, np.nan)
    covariance: NDArray[np.float64] = 2.0 * np.linalg.inv(scaled) / np.outer(scale, scale)
    return covariance
