"""The criterion and its derivatives for a model with several grouping factors.

The factor with most random effects is eliminated level by level, as in
`pylme.reference.one_factor`; what is left of all others, the remainder, is one block of q₂ by q₂.
With B = Z₁ᵀZ₂ and the D_j of the first factor,

    S₂₂ = Z₂ᵀV₁⁻¹Z₂ = Z₂ᵀZ₂ - BᵀDB    A₂ = Λ₂ᵀS₂₂Λ₂ + I    D₂ = Λ₂A₂⁻¹Λ₂ᵀ
    K₁₁ = K₁ - B̃D₂B̃ᵀ    K₁₂ = B̃G    K₂₂ = S₂₂G    with B̃ = (I - CD)B and G = I - D₂S₂₂

are the blocks of ZᵀV⁻¹Z, and an evaluation costs nothing in n. Of the q by q matrix K only the
sums that the derivatives need are formed. The remainder is dense or sparse, as
`pylme.reference.storage` decides: memory is that of B and of a few matrices of q₂ by q₂, or of the
entries of a sparse factor.

The second derivatives are exact where they are cheap or asked for. For a large model the search
uses the average of observed and expected information instead, in which the dear terms cancel
(Gilmour, Thompson & Cullis 1995, Biometrics 51(4)): it needs no more than K times a few vectors.
Where the remainder is sparse, exact ones are differences of the exact first derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.errors import TooLargeError
from pylme.reference.batched import congruent, spread
from pylme.reference.cells import cells
from pylme.reference.dense_elimination import DenseEliminated, DenseElimination
from pylme.reference.differences import form_by_differences
from pylme.reference.elimination import Eliminated, Elimination
from pylme.reference.evaluation import stacked
from pylme.reference.groups import base_tables, fixed_products, response_tables, within_levels
from pylme.reference.likelihood import Likelihood
from pylme.reference.memory import available_bytes
from pylme.reference.remainder import Remainder
from pylme.reference.second_order import average_information, exact_form
from pylme.reference.storage import stored

if TYPE_CHECKING:
    from pylme.reference.columns import Columns
    from pylme.reference.evaluation import Evaluation
    from pylme.reference.likelihood import Solved
    from pylme.reference.storage import Storage
    from pylme.reference.terms import Layout

__all__ = ["Crossed", "State", "crossed"]

#: Multiplications that the exact second derivatives may take at every step of a search.
CHEAP: Final = 3e8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class State:
    """The blocks of ZᵀV⁻¹Z and ZᵀV⁻¹[X y] at one set of covariances.

    Attributes
    ----------
    D : ndarray, shape (K, K, J)
        Of the leading factor.
    F : ndarray, shape (K, K, J)
        I - C_jD_j.
    K1 : ndarray, shape (K, K, J)
        The blocks of Z₁ᵀV₁⁻¹Z₁.
    left : Eliminated
        The remainder.
    BDB : ndarray, shape (K, K, J)
        The blocks of BD₂Bᵀ.
    Y : ndarray, shape (K, K, J)
        The blocks of B̃D₂B̃ᵀ.
    W1 : ndarray, shape (p + 1, K, J)
    W2 : ndarray, shape (q₂, p + 1)
        ZᵀV⁻¹[X y], whitened: N and h.
    """

    D: NDArray[np.float64]
    F: NDArray[np.float64]
    K1: NDArray[np.float64]
    left: Eliminated
    BDB: NDArray[np.float64]
    Y: NDArray[np.float64]
    W1: NDArray[np.float64]
    W2: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crossed:
    """What the criterion needs of the data.

    Attributes
    ----------
    likelihood : Likelihood
    tables : ndarray, shape (K + p, K, J)
        Z_jᵀ[Z_j X] of the leading factor's levels.
    responses : ndarray, shape (R, K, J)
        Z_jᵀy.
    remainder : Remainder
        Where the other factors' effects stand.
    elimination : Elimination
        B and Z₂ᵀZ₂.
    fixed2 : ndarray, shape (q₂, p)
        Z₂ᵀX.
    responses2 : ndarray, shape (R, q₂)
        Z₂ᵀy.
    gram : ndarray, shape (R, p + 1, p + 1)
        [X y]ᵀ[X y].
    exact : bool
        Whether the second derivatives are exact.
    """

    likelihood: Likelihood
    tables: NDArray[np.float64]
    responses: NDArray[np.float64]
    remainder: Remainder
    elimination: Elimination
    fixed2: NDArray[np.float64]
    responses2: NDArray[np.float64]
    gram: NDArray[np.float64]
    exact: bool

    def subset(self, responses: NDArray[np.bool_ | np.intp]) -> Crossed:
        """The same for some of the responses, marked or by their positions."""
        return replace(
            self,
            responses=self.responses[responses],
            responses2=self.responses2[responses],
            gram=self.gram[responses],
        )

    def moments(
        self,
    ) -> tuple[list[NDArray[np.float64]], list[float], NDArray[np.float64]]:
        """The Σ_j h_jh_jᵀ at Σ = 0 and mean diagonal of Σ_j C_j² of each factor, and yᵀy."""
        K = self.tables.shape[1]
        C, h = self.tables[:K], self.responses
        squares, sizes = [h @ h.swapaxes(1, 2)], [float((C * C).sum()) / K]
        for f in self.others:
            h = np.stack([self.remainder.of_factor(f, y[:, None])[0] for y in self.responses2])
            squares.append(h @ h.swapaxes(1, 2))
            own = self.elimination.products(f)
            sizes.append(float((own * own).sum()) / own.shape[1])
        return squares, sizes, self.gram[:, -1, -1]

    def exactly(self) -> Crossed:
        """The same with exact second derivatives."""
        return self if self.exact else replace(self, exact=True)

    def evaluate(self, T: list[NDArray[np.float64]]) -> Evaluation:
        """The criterion and its derivatives, one response after the other."""
        try:
            found = [self._evaluate(r, [matrix[r] for matrix in T]) for r in range(len(T[0]))]
        except MemoryError as error:
            raise TooLargeError(
                asked="Evaluating the criterion",
                needed=self.elimination.bytes,
                available=available_bytes(),
            ) from error
        return found[0] if len(found) == 1 else stacked(found)

    def _evaluate(self, r: int, T: list[NDArray[np.float64]]) -> Evaluation:
        state, solved = self._state(r, T)
        M = self._first(state, solved)
        hh = np.concatenate([part.ravel() for part in self._sums(state)])
        if self.exact and not isinstance(state.left, DenseEliminated):
            form = form_by_differences(
                lambda near: self._first(*self._state(r, near)), T, M, self._sizes()
            )
        else:
            if self.exact and isinstance(state.left, DenseEliminated):
                form = exact_form(self, state, state.left, solved)
            else:
                form = average_information(self, state, solved)
            form -= solved.ratio[0] / solved.rss[0] * np.outer(hh, hh)
        return solved.evaluation(tuple(m[None] for m in M), form[None], hh[None])

    def state(self, T: list[NDArray[np.float64]]) -> State:
        """The blocks of a single response."""
        return self._state(0, [matrix[0] for matrix in T])[0]

    def _state(self, r: int, T: list[NDArray[np.float64]]) -> tuple[State, Solved]:
        K, J = self.tables.shape[1:]
        p = self.likelihood.p
        C = self.tables[:K]
        D, logdet = spread(T[0][None], C[None])
        D = D[0]
        E = np.concatenate([self.tables, self.responses[r][None]])
        DE = np.einsum("abj,cbj->caj", D, E)
        N1 = E - np.einsum("abj,cbj->caj", C, DE)
        F = -np.einsum("abj,bcj->acj", C, D)
        F[np.arange(K), np.arange(K)] += 1.0
        left = self.elimination.at(D, T[1:])
        U2 = np.column_stack([self.fixed2, self.responses2[r]])
        N2 = U2 - self.elimination.transposed_times(DE[K:].transpose(1, 2, 0))
        S = self.gram[r] - DE[K:].reshape(p + 1, K * J) @ E[K:].reshape(p + 1, K * J).T
        r2 = left.times_D2(N2)
        S -= N2.T @ r2
        solved = self.likelihood.solve(np.array([logdet.sum() + left.logdet]), S[None])
        W2 = (N2 - left.times_S22(r2)) @ solved.whitening[0].T
        N1 = N1[K:] - np.einsum("abj,bjc->caj", F, self.elimination.times(r2))
        W1 = (solved.whitening[0] @ N1.reshape(p + 1, K * J)).reshape(p + 1, K, J)
        BDB = left.coupled()
        Y = congruent(F, BDB)
        K1 = C - congruent(C, D)
        return State(D=D, F=F, K1=K1, left=left, BDB=BDB, Y=Y, W1=W1, W2=W2), solved

    def _sums(self, state: State) -> list[NDArray[np.float64]]:
        """The Σ_j h_jh_jᵀ of each factor."""
        h = [state.W1[-1], *(self.remainder.of_factor(f, state.W2)[-1] for f in self.others)]
        return [part @ part.T for part in h]

    def _sizes(self) -> list[float]:
        """The mean number of rows of a level of each factor."""
        levels = (self.tables.shape[2], *self.remainder.levels)
        return [self.likelihood.n / J for J in levels]

    def effects(self, T: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
        """The h = ZᵀV⁻¹(y - Xβ̂) of a single response, by factor: shapes (J_f, K_f)."""
        state = self.state(T)
        others = [self.remainder.of_factor(f, state.W2)[-1].T for f in self.others]
        return [state.W1[-1].T, *others]

    def spread(self, T: list[NDArray[np.float64]], f: int) -> NDArray[np.float64]:
        """The blocks of ΛA⁻¹Λᵀ of the levels of factor f, shape (J_f, K_f, K_f)."""
        state = self.state(T)
        if f > 0:
            return state.left.spread(f - 1)
        D = state.D + congruent(state.D, state.BDB)
        return np.moveaxis(D, -1, 0)

    @property
    def others(self) -> range:
        """The factors of the remainder."""
        return range(len(self.remainder.widths))

    def _first(self, state: State, solved: Solved) -> list[NDArray[np.float64]]:
        """M of each factor."""
        weights = np.full(len(state.W1), float(self.likelihood.rho))
        weights[-1] = solved.ratio[0]
        c, K, J = state.W1.shape
        flat = state.W1.swapaxes(0, 1).reshape(K, c * J)
        taken = (flat * np.repeat(weights, J)) @ flat.T
        M = [(state.K1 - state.Y).sum(axis=-1) - taken]
        weighted = state.W2 * weights
        for f, K22 in enumerate(state.left.sums()):
            own = self.remainder.rows(f)
            M.append(K22 - self.remainder.sum_of_blocks(f, weighted[own], state.W2[own]))
        return M


def crossed(
    likelihood: Likelihood,
    columns: Columns,
    layout: Layout,
    *,
    storage: Storage | None = None,
    available: float | None = None,
) -> Crossed:
    """What the criterion needs, from the columns.

    Parameters
    ----------
    likelihood : Likelihood
    columns : Columns
    layout : Layout
    storage : {"dense", "sparse"}, optional
        How the remainder is kept; None for the better way.
    available : float, optional
        The bytes that the remainder may take; None for those that there are.

    Raises
    ------
    TooLargeError
        If it does not fit.
    """
    leading, *others = layout.factors
    K, J = leading.width, leading.levels
    remainder = Remainder.of(others)
    G = len(layout.factors)
    elimination = stored(
        [cells(columns, layout, 0, g) for g in range(1, G)],
        {(f - 1, g - 1): cells(columns, layout, f, g) for f in range(1, G) for g in range(f, G)},
        remainder,
        shape=(K, J),
        storage=storage,
        available=available,
    )
    fixed2, responses2 = [], []
    for g, factor in enumerate(others, start=1):
        own = within_levels(columns, g, base_tables(columns, factor, g))[factor.width :]
        fixed2.append(own.transpose(2, 1, 0).reshape(factor.size, -1))
        responses = response_tables(columns, factor, g)
        responses2.append(responses.swapaxes(1, 2).reshape(len(responses), factor.size))
    q2 = float(remainder.size)
    work = K * (K + 1) / 2 * K * J * q2**2 + 10 * q2**3
    return Crossed(
        likelihood=likelihood,
        tables=within_levels(columns, 0, base_tables(columns, leading, 0)),
        responses=response_tables(columns, leading, 0),
        remainder=remainder,
        elimination=elimination,
        fixed2=np.concatenate(fixed2),
        responses2=np.concatenate(responses2, axis=1),
        gram=fixed_products(columns),
        exact=isinstance(elimination, DenseElimination) and work < CHEAP,
    )
