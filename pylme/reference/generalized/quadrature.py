"""Adaptive Gauss-Hermite quadrature for one scalar random-effects term, and its exact gradient.

With x_k, ω_k the nodes and weights of the rule for the standard normal density, Σω = 1, z̃_i = z_iθ,
e_j = A_j^(-½) and q_j(t) = Σ_{i∈j} d_i(u_j = t) + t²,

    F_N = Σ_j [ log A_j - 2 log Σ_k ω_k exp(½x_k² - ½q_j(û_j + x_k e_j)) ]

on the scale of the deviance, as in lme4. With p_jk the terms of the sum, normalised, and
q′_jk = 2u_jk - 2 Σ_i z̃_i s_ik,

    E_j = Σ_k p_jk q′_jk    γ_j = 1 - ½e_j Σ_k p_jk x_k q′_jk    c_i = γ_j w_i′z̃_i²/A_j
    λ_j = (E_j + Σ_i z̃_i c_i)/H_j    r_i = c_i - w_oi z̃_i λ_j    ∂F/∂β = Xᵀ(r - 2 Σ_k p_k s_k)
    ∂F/∂θ = Σ_i z_i[r_i û_j + s_i λ_j - 2 Σ_k p_jk s_ik u_jk] + 2 Σ_j (γ_j/A_j) Σ_{i∈j} w_i z̃_i z_i

References
----------
Liu & Pierce (1994), Biometrika 81, 624-629.
Bates, Mächler, Bolker & Walker (2015), Journal of Statistical Software 67(1).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylme.reference.generalized.laplace import Slopes

if TYPE_CHECKING:
    from pylme.reference.generalized.mode import Mode, Penalised

__all__ = ["quadrature", "rule"]

Arrays = list[NDArray[np.float64]]


@cache
def rule(points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes, and logarithms of the weights, for the standard normal density."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    return nodes, np.log(weights / weights.sum())


def quadrature(
    penalised: Penalised,
    mode: Mode,
    *,
    points: int,
    observed: bool,
    gradient: bool = True,
) -> tuple[float, Slopes | None]:
    """The criterion at a mode, and its gradient; infinite where A is not positive.

    Parameters
    ----------
    penalised : Penalised
        With one term of one effect.
    mode : Mode
        Of `penalised`.
    points : int
    observed : bool
        Whether A has the observed information.
    gradient : bool
    """
    algebra, rows, T, Xt = penalised.algebra, penalised.rows, penalised.T, penalised.Xt
    d = mode.values.derivatives
    w = d.observed if observed else d.expected
    A: Any = mode.H if observed or rows.canonical else algebra.factor(T, w)
    A_j = 1.0 / A.inverse[0, 0]
    if not np.isfinite(A.logdet):
        return np.inf, None
    theta, u, codes = T[0][0, 0], mode.u[0][0], algebra.codes
    z = theta * algebra.z[0][0]
    e = 1.0 / np.sqrt(A_j)
    nodes, logs = rule(points)
    etas = [mode.eta + z * (x * e)[codes] for x in nodes]
    with np.errstate(over="ignore", invalid="ignore"):
        q = np.array([algebra.by_level(rows.deviance(eta)) for eta in etas])
    at = u + nodes[:, None] * e
    exponent = logs[:, None] + 0.5 * nodes[:, None] ** 2 - 0.5 * (q + at * at)
    exponent[np.isnan(exponent)] = -np.inf
    top = exponent.max(axis=0)
    terms = np.exp(exponent - top)
    total = terms.sum(axis=0)
    value = float((np.log(A_j) - 2.0 * (top + np.log(total))).sum())
    if not np.isfinite(value) or not gradient:
        return (value if np.isfinite(value) else np.inf), None
    p = terms / total
    E, F = np.zeros_like(u), np.zeros_like(u)
    weighted, crossed = np.zeros_like(z), np.zeros_like(z)
    for k, x in enumerate(nodes):
        s = rows.score(etas[k])
        slope = 2.0 * at[k] - 2.0 * algebra.by_level(z * s)
        E += p[k] * slope
        F += p[k] * x * slope
        part = p[k][codes] * s
        weighted += part
        crossed += part * at[k][codes]
    gamma = 1.0 - 0.5 * e * F
    slope_w = d.observed_slope if observed else d.expected_slope
    c = (gamma / A_j)[codes] * slope_w * z * z
    lam = (E + algebra.by_level(z * c)) * mode.H.inverse[0, 0]
    r = c - d.observed * z * lam[codes]
    inner = r * u[codes] + d.score * lam[codes] - 2.0 * crossed
    G = algebra.z[0][0] @ inner + 2.0 * float(
        (gamma / A_j) @ algebra.by_level(w * z * algebra.z[0][0])
    )
    slopes = Slopes(G=[np.array([[G]])], beta=Xt @ (r - 2.0 * weighted), extra=0.0, r=r)
    return value, slopes
