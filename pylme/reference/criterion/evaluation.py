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
    from pylme.reference.problem.terms import Layout

__all__ = ["UNIT", "Evaluation", "gradient", "hessian", "one_of", "stacked", "symmetric_form"]

#: The rounding error of a sum, in proportion: several units in the last place.
UNIT: Final = 16.0 * float(np.finfo(np.float64).eps)


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
    total : ndarray, shape (R,)
        yᵀy of the responses that residuals were computed from.
    amplified : ndarray, shape (R,)
        Σ A_ii(A⁻¹)_ii of a matrix in log|A| that has the rounding errors of differences; 0 where
        there is none.
    rho, nu : int
        Of the likelihood.
    """

    criterion: NDArray[np.float64]
    beta: NDArray[np.float64]
    rss: NDArray[np.float64]
    RX: NDArray[np.float64]
    M: tuple[NDArray[np.float64], ...]
    form: NDArray[np.float64]
    hh: NDArray[np.float64]
    total: NDArray[np.float64]
    amplified: NDArray[np.float64]
    rho: int
    nu: int

    @property
    def rounding(self) -> NDArray[np.float64]:
        """An estimate, on the safe side, of the rounding error of the criterion, shape (R,).

        It is what large variances and little noise make of rounding errors; weights and columns in
        bad condition may add 1e-10 of the criterion's value. To first order, rounding errors of a
        matrix change its log determinant by no more than their own size times Σ A_ii(A⁻¹)_ii; r² is
        right as S_yy is, in proportion, and as residuals are that are differences of numbers of the
        size of y.
        """
        known = np.isfinite(self.criterion)
        rss = np.where(known, self.rss, 1.0)
        w = (self.beta[:, None] @ self.RX)[:, 0]
        S_yy = rss + (w * w).sum(axis=1)
        # Sums over rows and levels, weights and changes of theta have errors of their own.
        errors = self.amplified + 8.0 * np.abs(np.where(known, self.criterion, 0.0))
        errors += self.nu * (S_yy / rss + np.sqrt(self.total / rss))
        if self.rho:
            inverse = np.linalg.inv(self.RX)
            squares = (self.RX * self.RX).sum(axis=2)
            errors += ((inverse * inverse).sum(axis=1) * squares).sum(axis=1)
        return np.where(known, UNIT * errors, np.inf)


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
    if K == 1:
        return products.reshape(R, 1, 1)
    form = products.transpose(0, 2, 3, 4, 1)
    form = form + form.swapaxes(1, 2)
    form = (form + form.swapaxes(3, 4)).reshape(R, K * K, K * K)
    return 0.125 * (form + form.swapaxes(1, 2))


_BY_RESPONSE: Final = ("criterion", "beta", "rss", "RX", "form", "hh", "total", "amplified")


def stacked(evaluations: list[Evaluation]) -> Evaluation:
    """The evaluations of several responses as one."""
    parts = {n: np.concatenate([getattr(e, n) for e in evaluations]) for n in _BY_RESPONSE}
    M = tuple(
        np.concatenate(of_factor) for of_factor in zip(*(e.M for e in evaluations), strict=True)
    )
    return Evaluation(M=M, rho=evaluations[0].rho, nu=evaluations[0].nu, **parts)


def one_of(evaluation: Evaluation, response: int) -> Evaluation:
    """The evaluation of one of several responses."""
    row = slice(response, response + 1)
    parts = {n: getattr(evaluation, n)[row] for n in _BY_RESPONSE}
    M = tuple(m[row] for m in evaluation.M)
    return Evaluation(M=M, rho=evaluation.rho, nu=evaluation.nu, **parts)
