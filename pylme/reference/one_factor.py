"""The criterion and its derivatives for a model with one grouping factor, many responses at once.

With one factor A = ΛᵀZᵀZΛ + I is block diagonal, and everything is a sum over levels j of small
matrices. With C_j = Z_jᵀZ_j and D_j = T(TᵀC_jT + I)⁻¹Tᵀ,

    Z_jᵀV⁻¹[Z_j X y] = (I - C_jD_j) Z_jᵀ[Z_j X y]
    [X y]ᵀV⁻¹[X y] = [X y]ᵀ[X y] - Σ_j [X y]ᵀZ_jD_jZ_jᵀ[X y]

and with K_j, N_j, h_j the columns of the first that belong to Z, to X times R_X⁻¹, and to y - Xβ̂,

    M = Σ_j K_j - ρ N_jN_jᵀ - (ν/r²) h_jh_jᵀ
    form(σ, τ) = Σ_j tr((-K_j + 2ρN_jN_jᵀ + 2(ν/r²)h_jh_jᵀ) σ K_j τ) - ρ‖Σ_j N_jᵀσN_j ∘ ..‖
                 - 2(ν/r²) (Σ_j N_jᵀσh_j)ᵀ(Σ_j N_jᵀτh_j) - (ν/r⁴)(Σ_j h_jᵀσh_j)(Σ_j h_jᵀτh_j)

(Bates & DebRoy 2004, Journal of Multivariate Analysis 91, for the gradient; the second differential
is derived in the documents, "The mathematics of the reference").

Levels with the same C_j and Z_jᵀX_j form a *pattern*: of their responses only the sum and the
second moments enter, so a balanced design costs the same for 40 levels and for 40 million.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.reference.batched import applied, outer_sums, spread
from pylme.reference.evaluation import symmetric_form
from pylme.reference.groups import base_tables, fixed_products, response_tables, within_levels
from pylme.reference.likelihood import Likelihood
from pylme.reference.patterns import merged, patterns

if TYPE_CHECKING:
    from pylme.reference.columns import Columns
    from pylme.reference.evaluation import Evaluation
    from pylme.reference.likelihood import Solved
    from pylme.reference.terms import Factor

__all__ = ["OneFactor", "one_factor"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OneFactor:
    """What the criterion needs of the data.

    Attributes
    ----------
    likelihood : Likelihood
    counts : ndarray, shape (P,)
        Levels of each pattern.
    tables : ndarray, shape (R, K + p + 1 + e, K, P)
        Z_jᵀ[Z_j X y] of each pattern: of X times the root of its count, of y the sum over its
        levels over that root. Where patterns have several levels e is K, and the last columns are
        a root of Σ_j (Z_jᵀy - mean)(Z_jᵀy - mean)ᵀ; else e is 0.
    gram : ndarray, shape (R, p + 1, p + 1)
        [X y]ᵀ[X y].
    levels : ndarray, shape (K + p, K, J)
        Z_jᵀ[Z_j X] of each level.
    responses : ndarray, shape (R, K, J)
        Z_jᵀy of each level.
    """

    likelihood: Likelihood
    counts: NDArray[np.float64]
    tables: NDArray[np.float64]
    gram: NDArray[np.float64]
    levels: NDArray[np.float64]
    responses: NDArray[np.float64]

    def subset(self, responses: NDArray[np.bool_ | np.intp]) -> OneFactor:
        """The same for some of the responses, marked or by their positions."""
        return OneFactor(
            likelihood=self.likelihood,
            counts=self.counts,
            tables=self.tables[responses],
            gram=self.gram[responses],
            levels=self.levels,
            responses=self.responses[responses],
        )

    def moments(
        self,
    ) -> tuple[list[NDArray[np.float64]], list[float], NDArray[np.float64]]:
        """The Σ_j h_jh_jᵀ at Σ = 0, the mean diagonal of Σ_j C_j², and yᵀy."""
        K = self.tables.shape[2]
        h = self.tables[:, K + self.likelihood.p :]
        squares = np.einsum("rcag,rcbg->rab", h, h)
        C = self.tables[0, :K]
        return [squares], [float((C * C).sum(axis=(0, 1)) @ self.counts) / K], self.gram[:, -1, -1]

    def exactly(self) -> OneFactor:
        """Itself: its second derivatives are exact."""
        return self

    def effects(self, T: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
        """The h = ZᵀV⁻¹(y - Xβ̂) of a single response, by factor: shape (J, K)."""
        beta = self.evaluate(T).beta[0]
        K = T[0].shape[1]
        D = spread(T[0], self.levels[None, :K])[0][0]
        Ze = self.responses[0] - np.tensordot(beta, self.levels[K:], axes=1)
        h = Ze - np.einsum("abj,bj->aj", self.levels[:K], np.einsum("bcj,cj->bj", D, Ze))
        return [h.T]

    def spread(self, T: list[NDArray[np.float64]], f: int) -> NDArray[np.float64]:
        """The blocks of ΛA⁻¹Λᵀ of the levels of factor f, shape (J, K, K)."""
        del f
        D = spread(T[0], self.levels[None, : T[0].shape[1]])[0][0]
        return np.moveaxis(D, -1, 0)

    def evaluate(self, T: list[NDArray[np.float64]]) -> Evaluation:
        """The criterion and its derivatives.

        Parameters
        ----------
        T : list of one ndarray, shape (R, K, K)
            The relative covariance factor for each response.
        """
        (factor,) = T
        E = self.tables
        R, c, K, P = len(factor), *E.shape[1:]
        used = self.likelihood.p + 1
        C = E[:, :K]
        D, logdet = spread(factor, C)
        DE = applied(D, E)
        N = E - applied(C, DE)
        U = E[:, K:].reshape(len(E), c - K, K * P)
        taken = DE[:, K:].reshape(R, c - K, K * P) @ U.swapaxes(1, 2)
        S = self.gram - taken[:, :used, :used]
        if c > K + used:
            S[:, -1, -1] -= np.einsum("rcc->r", taken[:, used:, used:])
        solved = self.likelihood.solve(logdet @ self.counts, S)
        whole = N[:, K : K + used].reshape(R, used, K * P)
        W = (solved.whitening @ whole).reshape(R, used, K, P)
        h = W[:, -1:] if c == K + used else np.concatenate([W[:, -1:], N[:, K + used :]], axis=1)
        return self._derivatives(solved, N[:, :K], W, h)

    def _derivatives(
        self,
        solved: Solved,
        KK: NDArray[np.float64],
        W: NDArray[np.float64],
        h: NDArray[np.float64],
    ) -> Evaluation:
        R, used, K, P = W.shape
        hh = outer_sums(h)
        weighted = KK * self.counts
        rest = solved.ratio[:, None, None, None] * hh
        if self.likelihood.reml:
            rest += outer_sums(W[:, :-1])
        M = (weighted - rest).sum(axis=-1)
        total = hh.sum(axis=-1).reshape(R, K * K)
        left = (2.0 * rest - weighted).reshape(R, K * K, P)
        outer = left @ KK.reshape(R, K * K, P).swapaxes(1, 2)
        form = symmetric_form(outer.reshape(R, K, K, K, K))
        flat = W.reshape(R, used * K, P)
        cross = (flat @ flat.swapaxes(1, 2)).reshape(R, used, K, used, K)
        form -= self.likelihood.through_fixed_effects([cross], solved.ratio)
        form -= (solved.ratio / solved.rss)[:, None, None] * (total[:, :, None] * total[:, None])
        return solved.evaluation((M,), form, total)


def one_factor(likelihood: Likelihood, columns: Columns, factor: Factor) -> OneFactor:
    """What the criterion needs, from the columns."""
    within = within_levels(columns, 0, base_tables(columns, factor, 0))
    responses = response_tables(columns, factor, 0)
    kinds = patterns(within)
    counts = np.ones(factor.levels)
    columns_of_x, columns_of_y = within, responses[:, None]
    if kinds is not None:
        counts, columns_of_x, columns_of_y = merged(kinds, within, responses)
    shared = np.broadcast_to(columns_of_x, (len(responses), *columns_of_x.shape))
    return OneFactor(
        likelihood=likelihood,
        counts=counts,
        tables=np.concatenate([shared, columns_of_y], axis=1),
        gram=fixed_products(columns),
        levels=within,
        responses=responses,
    )
