"""What is known of the criterion at one set of covariances: value, first and second derivatives.

The criterion is a function of the relative covariance matrices Σ_f = T_f T_fᵀ of the factors. All
derivatives are kept there, as M_f = ∂d/∂Σ_f and as the quadratic form of the second differential,
and are turned to theta by the chain rule: with σ_k = E_k Tᵀ + T E_kᵀ for element k of theta, which
stands in row i and column c,

    ∂d/∂θ_k = 2 (M T)_ic      ∂²d/∂θ_k∂θ_l = form(σ_k, σ_l) + 2 M_ii' [c = c']

(the second term is ⟨M, E_kE_lᵀ + E_lE_kᵀ⟩; derived in "The mathematics of the reference").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pylme.reference.terms import Layout

__all__ = ["Evaluation", "gradient", "hessian", "one_of", "stacked", "symmetric_form"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """The criterion of R responses, each at its own covariances.

    Attributes
    ----------
    criterion : ndarray, shape (R,)
        The REML criterion or the deviance, of the caller's columns.
    beta : ndarray, shape (R, p)
        Of the well-conditioned columns.
    rss : ndarray, shape (R,)
        r², the penalized residual sum of squares.
    RX : ndarray, shape (R, p, p)
        Lower triangular, RX RXᵀ = XᵀV⁻¹X of the well-conditioned columns.
    M : tuple of ndarray, shapes (R, K_f, K_f)
        ∂d/∂Σ_f, symmetric.
    form : ndarray, shape (R, V, V)
        The second differential of d on the stacked vec(Σ_f), V = ΣK_f²; symmetric in each pair of
        indices of one matrix.
    hh : ndarray, shape (R, V)
        vec of Σ_j h_j h_jᵀ of each factor, h = ZᵀV⁻¹(y - Xβ̂): profiling σ takes
        (ν/r⁴) hh hhᵀ from `form`.
    rounding : ndarray, shape (R,)
        An estimate, on the safe side, of what large variances and little noise make of rounding
        errors in the criterion. Weights and columns in bad condition may add 1e-10 of its value.
    """

    criterion: NDArray[np.float64]
    beta: NDArray[np.float64]
    rss: NDArray[np.float64]
    RX: NDArray[np.float64]
    M: tuple[NDArray[np.float64], ...]
    form: NDArray[np.float64]
    hh: NDArray[np.float64]
    rounding: NDArray[np.float64]


def gradient(
    layout: Layout, T: list[NDArray[np.float64]], M: tuple[NDArray[np.float64], ...]
) -> NDArray[np.float64]:
    """∂d/∂θ, shape (R, m)."""
    if len(T) == 1:
        product = M[0] @ T[0]
        return 2.0 * product[:, layout.row, layout.column]
    return 2.0 * layout.theta([m @ t for m, t in zip(M, T, strict=True)])


def hessian(
    layout: Layout,
    T: list[NDArray[np.float64]],
    M: tuple[NDArray[np.float64], ...],
    form: NDArray[np.float64],
) -> NDArray[np.float64]:
    """∂²d/∂θ², shape (R, m, m)."""
    R = len(form)
    widths = [t.shape[1] for t in T]
    starts = np.cumsum([0, *(k * k for k in widths)])
    if len(T) == 1:
        kept = _contracted(form, T[0], T[0])[:, layout.row, layout.column]
        result: NDArray[np.float64] = 4.0 * kept[..., layout.row, layout.column]
        result += np.where(layout.same_column, 2.0 * M[0][:, layout.row[:, None], layout.row], 0.0)
        return result
    m = len(layout.row)
    result = np.zeros((R, m, m))
    for f, left in enumerate(T):
        own = np.flatnonzero(layout.factor_of == f)
        for g, right in enumerate(T):
            other = np.flatnonzero(layout.factor_of == g)
            block = form[:, starts[f] : starts[f + 1], starts[g] : starts[g + 1]]
            kept = _contracted(block, left, right)
            kept = kept[:, layout.row[own], layout.column[own]]
            result[:, own[:, None], other] = (
                4.0 * kept[..., layout.row[other], layout.column[other]]
            )
        result[:, own[:, None], own] += np.where(
            layout.same_column[np.ix_(own, own)],
            2.0 * M[f][:, layout.row[own][:, None], layout.row[own]],
            0.0,
        )
    return result


def _contracted(
    form: NDArray[np.float64], left: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Σ_bd form[(i, b), (j, d)] left[b, c] right[d, e], shape (R, i, c, j, e)."""
    R, K, _ = left.shape
    L = right.shape[1]
    half = form.reshape(R, K, K, L * L).swapaxes(2, 3) @ left[:, None]
    half = half.reshape(R, K, L, L, K).transpose(0, 1, 4, 2, 3)
    return half @ right[:, None, None]


def symmetric_form(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """The quadratic form tr(B σ K τ) on symmetric σ and τ, made symmetric.

    Parameters
    ----------
    products : ndarray, shape (R, K, K, K, K)
        Σ B_ab K_cd for symmetric B and K.

    Returns
    -------
    ndarray, shape (R, K², K²)
    """
    R, K = products.shape[:2]
    form = (
        products.transpose(0, 2, 3, 4, 1)
        + products.transpose(0, 3, 2, 4, 1)
        + products.transpose(0, 2, 3, 1, 4)
        + products.transpose(0, 3, 2, 1, 4)
    ).reshape(R, K * K, K * K)
    return 0.125 * (form + form.swapaxes(1, 2))


_BY_RESPONSE: Final = ("criterion", "beta", "rss", "RX", "form", "hh", "rounding")


def stacked(evaluations: list[Evaluation]) -> Evaluation:
    """The evaluations of several responses as one."""
    parts = {n: np.concatenate([getattr(e, n) for e in evaluations]) for n in _BY_RESPONSE}
    M = tuple(
        np.concatenate(of_factor) for of_factor in zip(*(e.M for e in evaluations), strict=True)
    )
    return Evaluation(M=M, **parts)


def one_of(evaluation: Evaluation, response: int) -> Evaluation:
    """The evaluation of one of several responses."""
    row = slice(response, response + 1)
    parts = {n: getattr(evaluation, n)[row] for n in _BY_RESPONSE}
    return Evaluation(M=tuple(m[row] for m in evaluation.M), **parts)
