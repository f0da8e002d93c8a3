"""The working Hessian of the criterion: what a search knows of its curvature at the first point.

With K = ZᵀWZ - ZᵀWZΛA⁻¹ΛᵀZᵀWZ, the precision of the working responses as the random effects see
it, and Σ_k = Λ̇_kΛᵀ + ΛΛ̇_kᵀ,

    H_θ = tr(KΣ_kKΣ_l)        H_β = 2(XᵀWX - XᵀWZΛA⁻¹ΛᵀZᵀWX)

and nothing between them. Where several factors cross, αᵀΣ_kKΣ_lα with α = Zᵀs is as good and needs
solutions only. Eigenvalues of H_w⁻¹H are from 0.4 to 1.7 at most optima.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.reference.generalized.extra_parameter import extra_curvature
from pylme.reference.generalized.mode import back, transformed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.generalized.criterion import GeneralizedCriterion, Point

__all__ = ["curvature_by_extra", "working_hessian"]

Arrays = list["NDArray[np.float64]"]


def working_hessian(criterion: GeneralizedCriterion, point: Point) -> NDArray[np.float64]:
    """The working Hessian at a point, positive definite, shape (m + p [+ 1], m + p [+ 1]).

    The element of ln ϑ or ln 1/φ is 1.

    Parameters
    ----------
    criterion : GeneralizedCriterion
        In well-conditioned columns.
    point : Point
        With a mode.
    """
    assert point.mode is not None  # noqa: S101  (asked for where there is one)
    m, p = criterion.m, criterion.p
    algebra = criterion.algebra
    d = point.mode.values.derivatives
    w = d.expected
    T = criterion.factors(point.x[:m])
    A = algebra.factor(T, w)
    score = criterion.objective.at(point.mode.eta, point.mode.values, point.mode.usq, 1.0).score
    kappa = 1.0
    if criterion.objective.dispersed and not criterion.objective.likelihood:
        square = float(d.score @ d.score)
        kappa = float(score @ d.score) / square if square > 0.0 else 1.0
    elif criterion.objective.likelihood:
        kappa = float(np.exp(point.x[-1]))
    H = np.eye(criterion.problem.n_parameters)
    if algebra.separable:
        H[:m, :m] = _within_levels(criterion, T, A)
    else:
        H[:m, :m] = _of_scores(criterion, T, A, d.score) * max(2.0 * kappa - 1.0, 1.0)
    P = back(T, algebra.gather(w * criterion.Xt))
    S = (w * criterion.Xt) @ criterion.Xt.T
    for left, right in zip(P, A.solve(P), strict=True):
        S = S - np.einsum("paj,raj->pr", left, right)
    H[m : m + p, m : m + p] = 2.0 * kappa * S
    return _positive(H, m)


def curvature_by_extra(criterion: GeneralizedCriterion, point: Point) -> float:
    """The second derivative by ln ϑ at a fixed mode, which is a little more than at the moving one.

    By ln 1/φ it is that of the criterion, as the mode does not depend on it.

    Parameters
    ----------
    criterion : GeneralizedCriterion
        With the one or the other among its parameters.
    point : Point
        With the gradient of a Laplace approximation.
    """
    assert point.mode is not None and point.slopes is not None  # noqa: S101, PT018  (it has a gradient)
    objective, k = criterion.objective_at(point.x)
    observed = criterion.problem.laplace == "observed"
    extra, at = extra_curvature(objective, point.mode, k, observed=observed), point.slopes.at
    if extra.rows is None or at is None:
        return extra.second
    return extra.second + float(
        at.h @ extra.rows.information_twice + at.along @ extra.rows.score_twice
    )


def _unit_directions(criterion: GeneralizedCriterion, T: Arrays) -> list[NDArray[np.float64]]:
    """The Σ_k of each factor, shapes (m_f, K_f, K_f)."""
    layout = criterion.layout
    directions = []
    for f, T_f in enumerate(T):
        own = layout.own[f]
        unit = np.zeros((len(own), *T_f.shape))
        unit[np.arange(len(own)), layout.row[own], layout.column[own]] = 1.0
        half = unit @ T_f.T
        directions.append(half + half.swapaxes(1, 2))
    return directions


def _within_levels(criterion: GeneralizedCriterion, T: Arrays, A: object) -> NDArray[np.float64]:
    K = criterion.algebra.precision(T, A, 0)  # type: ignore[arg-type]
    (sigma,) = _unit_directions(criterion, T)
    products = np.einsum("abj,kbc->kacj", K, sigma)
    return np.asarray(np.einsum("kacj,lcaj->kl", products, products))


def _of_scores(
    criterion: GeneralizedCriterion, T: Arrays, A: object, s: NDArray[np.float64]
) -> NDArray[np.float64]:
    algebra, layout, m = criterion.algebra, criterion.layout, criterion.m
    alpha = algebra.gather(s)
    v = [np.zeros((m, *part.shape)) for part in alpha]
    for f, sigma in enumerate(_unit_directions(criterion, T)):
        v[f][layout.own[f]] = np.einsum("kab,bj->kaj", sigma, alpha[f])
    w = A.w  # type: ignore[attr-defined]
    Cv = algebra.gather(w * algebra.expand(v))
    inner = transformed(T, A.solve(back(T, Cv)))  # type: ignore[attr-defined]
    Kv = [a - b for a, b in zip(Cv, algebra.gather(w * algebra.expand(inner)), strict=True)]
    return np.asarray(
        sum(np.einsum("kaj,laj->kl", left, right) for left, right in zip(v, Kv, strict=True))
    )


def _positive(H: NDArray[np.float64], m: int) -> NDArray[np.float64]:
    """The same with curvatures by θ of no less than a thousandth of the greatest."""
    values, vectors = np.linalg.eigh(0.5 * (H[:m, :m] + H[:m, :m].T))
    least = max(1e-3 * float(np.abs(values).max(initial=0.0)), 1e-2)
    H[:m, :m] = (vectors * np.maximum(values, least)) @ vectors.T
    return H
