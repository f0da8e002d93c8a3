"""The Laplace approximation of -2 log-likelihood, and its exact gradient.

With W the expected information (lme4's) or the observed one at the mode û,

    A = ΛᵀZᵀWZΛ + I        F(θ, β) = 𝒜 + ûᵀû + log|A|

û depends on the parameters by û = ΛᵀZᵀs(û). Differentiating that with an adjoint λ, for s^A = -½
∂𝒜/∂η, h_i = z_iᵀΛA⁻¹Λᵀz_i and H = ΛᵀZᵀW_oZΛ + I,

    c_i = w_i′h_i    v = ΛᵀZᵀ(c - 2s^A) + 2û    λ = H⁻¹v    r = c - 2s^A - W_oZΛλ
    ∂F/∂β = Xᵀr      ∂F/∂θ_k = ⟨G, Λ̇_k⟩         G = Zᵀr ûᵀ + Zᵀs λᵀ + 2ZᵀWZΛA⁻¹

(blocks of one level of G only). Where β is a part of the mode, (λ, m) solve the joint equations.
ln ϑ and ln 1/φ have a file of their own, `extra_parameter`.

References
----------
Breslow & Clayton (1993), Journal of the American Statistical Association 88, 9-25.
Skaug & Fournier (2006), Computational Statistics & Data Analysis 51, 699-709.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylme.reference.generalized.extra_parameter import extra_slope
from pylme.reference.generalized.mode import back, transformed

if TYPE_CHECKING:
    from pylme.reference.generalized.mode import Mode, Penalised
    from pylme.reference.generalized.objective import Objective

__all__ = ["Adjoint", "Slopes", "laplace"]

Arrays = list[NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Adjoint:
    """What a gradient was made of.

    Attributes
    ----------
    A : object
        The factored A.
    h : ndarray, shape (n,)
    adjoint : list of ndarray, shapes (K_f, J_f)
        λ.
    along : ndarray, shape (n,)
        ZΛλ.
    """

    A: Any
    h: NDArray[np.float64]
    adjoint: Arrays
    along: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slopes:
    """The gradient of a criterion.

    Attributes
    ----------
    G : list of ndarray, shapes (K_f, K_f)
        By the elements of each T_f.
    beta : ndarray, shape (p,)
    extra : float
        By ln ϑ or ln 1/φ, where one of them is a parameter.
    r : ndarray, shape (n,)
    at : Adjoint, or None
        What second derivatives need too, of a Laplace approximation.
    """

    G: Arrays
    beta: NDArray[np.float64]
    extra: float
    r: NDArray[np.float64]
    at: Adjoint | None = None


def laplace(
    penalised: Penalised,
    objective: Objective,
    mode: Mode,
    *,
    observed: bool,
    k: float = 1.0,
    gradient: bool = True,
) -> tuple[float, Slopes | None]:
    """The criterion at a mode, and its gradient; infinite where A is not positive definite.

    Parameters
    ----------
    penalised : Penalised
    objective : Objective
    mode : Mode
        Of `penalised`.
    observed : bool
        Whether the determinant has the observed information.
    k : float
        1/φ, for the likelihood proper of a family with a dispersion.
    gradient : bool
    """
    algebra, T, Xt = penalised.algebra, penalised.T, penalised.Xt
    d = mode.values.derivatives
    w = d.observed if observed else d.expected
    same = observed or objective.rows.canonical
    A: Any = mode.H if same else algebra.factor(T, w)
    if not np.isfinite(A.logdet):
        return np.inf, None
    part = objective.at(mode.eta, mode.values, mode.usq, k)
    value = part.value + A.logdet
    if not np.isfinite(value):
        return np.inf, None
    if not gradient:
        return value, None
    h, blocks = algebra.leverage_and_blocks(T, A, w)
    c = (d.observed_slope if observed else d.expected_slope) * h
    first = c - 2.0 * part.score
    v = [
        x + 2.0 * part.penalty * u
        for x, u in zip(back(T, algebra.gather(first)), mode.u, strict=True)
    ]
    if mode.joint is None:
        along = algebra.expand(transformed(T, adjoint := mode.H.solve(v)))
    else:
        adjoint, m = mode.joint.solve(mode.H, v, Xt @ first)
        along = algebra.expand(transformed(T, adjoint)) + m @ Xt
    r = first - d.observed * along
    G = [
        np.einsum("aj,bj->ab", zr, u) + np.einsum("aj,bj->ab", zs, lam) + 2.0 * block
        for zr, u, zs, lam, block in zip(
            algebra.gather(r), mode.u, algebra.gather(d.score), adjoint, blocks, strict=True
        )
    ]
    extra = extra_slope(objective, mode, k, (h, along), observed=observed)
    at = Adjoint(A=A, h=h, adjoint=adjoint, along=along)
    return value, Slopes(G=G, beta=Xt @ r, extra=extra, r=r, at=at)
