"""All that follows from theta: fixed effects, random effects, their variances, the derivatives.

With h = ZᵀV⁻¹(y - Xβ̂), the spherical random effects are û = Λᵀh and the conditional modes b̂ = ΛΛᵀh,
as the normal equations of the penalized least squares problem say û = ΛᵀZᵀ(y - Xβ̂ - ZΛû) (Bates,
Mächler, Bolker & Walker 2015, equation 17). With the caller's X = X̃R and X̃ᵀV⁻¹X̃ = LLᵀ for
well-conditioned X̃,

    β̂ = R⁻¹(β̃ + β₀)      XᵀV⁻¹X = RᵀLLᵀR = R_XᵀR_X      Cov(β̂) = σ̂²(R_XᵀR_X)⁻¹

Everything here is in terms of the caller's columns and of lme4's theta.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.reference.problem.layout import gradient, hessian

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.model_matrix.random_term import RandomTerm
    from pylme.reference.criterion.likelihood import Evaluation
    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.problem.layout import Layout

__all__ = [
    "FixedEffectEstimates",
    "Solution",
    "along_free",
    "along_theta",
    "conditional_variances",
    "covariance_slopes",
    "fixed_effects",
    "free_slices",
    "in_the_callers_columns",
    "joint_inverse",
    "random_effects",
    "solution_at",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FixedEffectEstimates:
    """The fixed effects and the residual standard deviation.

    Attributes
    ----------
    beta : ndarray, shape (p,)
    vcov : ndarray, shape (p, p)
        σ̂²(XᵀV⁻¹X)⁻¹.
    RX : ndarray, shape (p, p)
        Upper triangular with a positive diagonal, R_XᵀR_X = XᵀV⁻¹X.
    rss, sigma : float
        r² and sqrt(r²/ν).
    """

    beta: NDArray[np.float64]
    vcov: NDArray[np.float64]
    RX: NDArray[np.float64]
    rss: float
    sigma: float


def fixed_effects(
    problem: Problem, evaluation: Evaluation, response: int = 0
) -> FixedEffectEstimates:
    """The fixed effects of one of the problem's responses, from its evaluation.

    Parameters
    ----------
    problem : Problem
    evaluation : Evaluation
        Of that response alone.
    response : int
    """
    columns = problem.columns
    back = np.linalg.inv(columns.RX)
    root = back @ np.linalg.inv(evaluation.RX[0]).T
    RX = np.asarray(np.linalg.qr(evaluation.RX[0].T @ columns.RX, mode="r"), dtype=np.float64)
    rss = float(evaluation.rss[0])
    variance = rss / problem.likelihood.nu
    return FixedEffectEstimates(
        beta=back @ (evaluation.beta[0] + columns.beta0[response]),
        vcov=variance * (root @ root.T),
        RX=RX * np.where(RX.diagonal() < 0, -1.0, 1.0)[:, None],
        rss=rss,
        sigma=float(np.sqrt(variance)),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """A model at one theta.

    Attributes
    ----------
    theta : ndarray, shape (m,)
        Relative covariance parameters in lme4's order.
    criterion : float
        The REML criterion or the deviance.
    rounding : float
        An estimate of the criterion's rounding error, as in `Evaluation`.
    rss, sigma : float
        r² and the residual standard deviation, sqrt(r²/ν).
    beta : ndarray, shape (p,)
    vcov : ndarray, shape (p, p)
        σ̂²(XᵀV⁻¹X)⁻¹.
    u, b : ndarray, shape (q,)
        Spherical random effects and conditional modes, in the order of Zᵀ's rows.
    gradient : ndarray, shape (m,)
    hessian : ndarray, shape (m, m)
        Derivatives of the profiled criterion by theta; by the free parameters where a term has a
        covariance structure.
    M : tuple of ndarray, shapes (k_t, k_t)
        ∂d/∂Σ_t for each term in lme4's order; ⪰ 0 with M_tT_t = 0 at an optimum.
    profiled : ndarray, shape (m,)
        ∂²D/∂θ∂s of the criterion before σ is profiled out, s = log σ²: what `hessian` lacks of the
        joint one.
    """

    theta: NDArray[np.float64]
    criterion: float
    rounding: float
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
    evaluation: Evaluation | None = None,
) -> Solution:
    """The model at lme4's theta for one of the problem's responses.

    Parameters
    ----------
    problem : Problem
    theta : ndarray, shape (m,)
    response : int
    evaluation : Evaluation, optional
        Of that response at theta, with exact second derivatives, if there is one.
    """
    layout = problem.layout
    T = problem.factors(theta[None])
    inner = layout.matrices(problem.conditioned(theta[None]))
    if evaluation is None:
        evaluation = problem.single(response).exactly().evaluate(inner)
    M, form, hh = in_the_callers_columns(problem, evaluation)
    slope, bend, profiled = (
        (gradient(layout, T, M)[0], hessian(layout, T, M, form)[0], along_theta(layout, T, hh))
        if not problem.structured
        else along_free(problem, theta, M, form, hh)
    )
    fixed = fixed_effects(problem, evaluation, response)
    u, b = _random_effects(problem, T, inner, response)
    return Solution(
        theta=theta,
        criterion=float(evaluation.criterion[0]),
        rounding=float(evaluation.rounding[0]),
        rss=fixed.rss,
        sigma=fixed.sigma,
        beta=fixed.beta,
        vcov=fixed.vcov,
        u=u,
        b=b,
        gradient=slope,
        hessian=bend,
        M=_by_term(problem, M),
        profiled=profiled / fixed.sigma**2,
    )


def in_the_callers_columns(
    problem: Problem, evaluation: Evaluation
) -> tuple[tuple[NDArray[np.float64], ...], NDArray[np.float64], NDArray[np.float64]]:
    inverses = [np.linalg.inv(C) for C in problem.columns.C]
    M = tuple(i.T @ m @ i for i, m in zip(inverses, evaluation.M, strict=True))
    change = problem.change_of_covariance()
    return M, change.T @ evaluation.form @ change, evaluation.hh @ change


def along_theta(
    layout: Layout, T: list[NDArray[np.float64]], hh: NDArray[np.float64]
) -> NDArray[np.float64]:
    """hᵀΣ_kh for each element of theta, shape (m,).

    Parameters
    ----------
    layout : Layout
    T : list of ndarray, shapes (1, K_f, K_f)
    hh : ndarray, shape (1, V)
        As in `Evaluation`.
    """
    made, start = [], 0
    for matrix in T:
        K = matrix.shape[1]
        made.append(2.0 * hh[:, start : start + K * K].reshape(-1, K, K) @ matrix)
        start += K * K
    along: NDArray[np.float64] = layout.theta(made)[0]
    return along


def along_free(
    problem: Problem,
    theta: NDArray[np.float64],
    M: tuple[NDArray[np.float64], ...],
    form: NDArray[np.float64],
    hh: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Gradient and Hessian of the criterion by the free parameters, and hᵀΣ_kh of each.

    By the chain rule, with σ_k = ∂Σ/∂p_k: ⟨M, σ_k⟩ and form(σ_k, σ_l) + ⟨M, ∂²Σ/∂p_k∂p_l⟩.

    Parameters
    ----------
    problem : Problem
    theta : ndarray, shape (m,)
        lme4's.
    M, form, hh
        As in `Evaluation`, of the caller's columns.
    """
    own = free_slices(problem.terms)
    first = covariance_slopes(problem, theta)
    bend = np.zeros((len(first), len(first)))
    for f, factor in enumerate(problem.layout.factors):
        for position, place in zip(factor.terms, factor.places, strict=True):
            term, at = problem.terms[position], own[position]
            free = term.structure.free_of(theta[term.thetas])
            twice = term.structure.covariance_derivatives(free)[1]
            bend[at, at] = np.einsum("ab,ijab->ij", M[f][0, place, place], twice)
    flat = np.concatenate([m[0].ravel() for m in M])
    return first @ flat, first @ form[0] @ first.T + bend, first @ hh[0]


def covariance_slopes(problem: Problem, theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """∂Σ_f by each free parameter, the matrices of all factors in a row, shape (n_free, V).

    Parameters
    ----------
    problem : Problem
    theta : ndarray, shape (m,)
        lme4's; of the caller's columns.
    """
    own = free_slices(problem.terms)
    starts = np.cumsum([0, *(factor.width**2 for factor in problem.layout.factors)])
    slopes = np.zeros((own[-1].stop, starts[-1]))
    for f, factor in enumerate(problem.layout.factors):
        for position, place in zip(factor.terms, factor.places, strict=True):
            term = problem.terms[position]
            by, _ = term.structure.covariance_derivatives(
                term.structure.free_of(theta[term.thetas])
            )
            block = np.zeros((len(by), factor.width, factor.width))
            block[:, place, place] = by
            slopes[own[position], starts[f] : starts[f + 1]] = block.reshape(len(by), -1)
    return slopes


def free_slices(terms: Sequence[RandomTerm]) -> list[slice]:
    """Where each term's free parameters stand among those of all terms."""
    stops = np.cumsum([term.structure.n_free for term in terms])
    return [
        slice(int(stop) - term.structure.n_free, int(stop))
        for term, stop in zip(terms, stops, strict=True)
    ]


def _by_term(
    problem: Problem, M: tuple[NDArray[np.float64], ...]
) -> tuple[NDArray[np.float64], ...]:
    found = {
        position: M[f][0, place, place]
        for f, factor in enumerate(problem.layout.factors)
        for position, place in zip(factor.terms, factor.places, strict=True)
    }
    return tuple(found[position] for position in range(len(found)))


def random_effects(
    problem: Problem, theta: NDArray[np.float64], *, response: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The u and b of one of the problem's responses, each of shape (q,), in the order of Zᵀ's rows.

    Parameters
    ----------
    problem : Problem
    theta : ndarray, shape (m,)
        lme4's.
    response : int
    """
    T = problem.factors(theta[None])
    inner = problem.layout.matrices(problem.conditioned(theta[None]))
    return _random_effects(problem, T, inner, response)


def _random_effects(
    problem: Problem,
    T: list[NDArray[np.float64]],
    inner: list[NDArray[np.float64]],
    response: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same from lme4's factors and those of the well-conditioned columns."""
    # ZᵀV⁻¹(y - Xβ̂) of the well-conditioned columns.
    effects = problem.single(response).working(inner).effects(inner)
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


def conditional_variances(
    problem: Problem, theta: NDArray[np.float64], sigma: float, group: str
) -> NDArray[np.float64]:
    """σ²ΛA⁻¹Λᵀ of one grouping factor's levels, shape (J, K, K), all its terms together."""
    layout = problem.layout
    f = next(f for f, factor in enumerate(layout.factors) if factor.group == group)
    inner = layout.matrices(problem.conditioned(theta[None]))
    C = problem.columns.C[f]
    spread = problem.single(0).working(inner).spread(inner, f)
    variances: NDArray[np.float64] = sigma**2 * (C @ spread @ C.T)
    return variances


def joint_inverse(
    hessian: NDArray[np.float64], mixed: NDArray[np.float64], nu: int
) -> NDArray[np.float64]:
    """The covariance matrix of (θ̂, s = log σ²): twice the inverse of the Hessian of the criterion.

    (Bates, Mächler, Bolker & Walker 2015, equations 30 and 39, before σ is profiled out.)

    Parameters
    ----------
    hessian : ndarray, shape (m, m)
    mixed : ndarray, shape (m,)
        ∂²D/∂θ∂s.
    nu : int
        ∂²D/∂s².

    Returns
    -------
    ndarray, shape (m + 1, m + 1)
        All NaN where the Hessian is not positive definite.
    """
    m = len(mixed)
    joint = np.empty((m + 1, m + 1))
    joint[:m, :m] = hessian + np.outer(mixed, mixed) / nu
    joint[:m, m] = joint[m, :m] = mixed
    joint[m, m] = nu
    scale = np.sqrt(np.abs(np.diag(joint)))
    if not (scale > 0).all():
        return np.full_like(joint, np.nan)
    scaled = joint / np.outer(scale, scale)
    if np.linalg.eigvalsh(scaled)[0] < 1e-10:
        return np.full_like(joint, np.nan)
    covariance: NDArray[np.float64] = 2.0 * np.linalg.inv(scaled) / np.outer(scale, scale)
    return covariance
