"""The criterion and its derivatives for a model with several grouping factors.

The factor with most random effects is eliminated level by level, as in
`pylme.reference.one_factor`; what is left of all others is one dense block. With B = Z₁ᵀZ₂ and the
D_j of the first factor,

    S₂₂ = Z₂ᵀV₁⁻¹Z₂ = Z₂ᵀZ₂ - BᵀDB        D₂ = Λ₂(Λ₂ᵀS₂₂Λ₂ + I)⁻¹Λ₂ᵀ
    K₁₁ = K₁ - B̃D₂B̃ᵀ    K₁₂ = B̃G    K₂₂ = S₂₂G    with B̃ = (I - CD)B and G = I - D₂S₂₂

are the blocks of ZᵀV⁻¹Z, and an evaluation costs nothing in n. Of the q by q matrix K only the
sums that the derivatives need are formed, so memory is that of B and of a few q₂ by q₂ matrices.

The second derivatives are exact where they are cheap or asked for. For a large model the search
uses the average of observed and expected information instead, in which the dear terms cancel
(Gilmour, Thompson & Cullis 1995, Biometrics 51(4)): it needs no more than K times a few vectors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from pylme.reference.batched import congruent, spread
from pylme.reference.cells import cells
from pylme.reference.coupling import Coupling, coupling
from pylme.reference.evaluation import stacked
from pylme.reference.groups import base_tables, fixed_products, response_tables, within_levels
from pylme.reference.likelihood import Likelihood
from pylme.reference.remainder import Remainder
from pylme.reference.second_order import average_information, exact_form

if TYPE_CHECKING:
    from pylme.reference.columns import Columns
    from pylme.reference.evaluation import Evaluation
    from pylme.reference.likelihood import Solved
    from pylme.reference.terms import Layout

__all__ = ["Crossed", "State", "crossed"]

#: Multiplications that the exact second derivatives may take at every step of a search.
CHEAP: Final = 3e8
#: T_f is divided by where its condition number is below this; else M_f is computed without.
WELL_CONDITIONED: Final = 1e4


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
    S22, D2, inverse : ndarray, shape (q₂, q₂)
        The last is A₂⁻¹.
    Y : ndarray, shape (K, K, J)
        The blocks of B̃D₂B̃ᵀ.
    W1 : ndarray, shape (p + 1, K, J)
    W2 : ndarray, shape (q₂, p + 1)
        ZᵀV⁻¹[X y], whitened: N and h.
    """

    D: NDArray[np.float64]
    F: NDArray[np.float64]
    K1: NDArray[np.float64]
    S22: NDArray[np.float64]
    D2: NDArray[np.float64]
    inverse: NDArray[np.float64]
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
    coupling : Coupling
        B = Z₁ᵀZ₂.
    remainder : Remainder
    C22 : ndarray, shape (q₂, q₂)
        Z₂ᵀZ₂.
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
    coupling: Coupling
    remainder: Remainder
    C22: NDArray[np.float64]
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
            own = self.remainder.blocks(f, self.C22)
            sizes.append(float((own * own).sum()) / own.shape[1])
        return squares, sizes, self.gram[:, -1, -1]

    def exactly(self) -> Crossed:
        """The same with exact second derivatives."""
        return self if self.exact else replace(self, exact=True)

    def evaluate(self, T: list[NDArray[np.float64]]) -> Evaluation:
        """The criterion and its derivatives, one response after the other."""
        found = [self._evaluate(r, [matrix[r] for matrix in T]) for r in range(len(T[0]))]
        return found[0] if len(found) == 1 else stacked(found)

    def _evaluate(self, r: int, T: list[NDArray[np.float64]]) -> Evaluation:
        state, solved = self._state(r, T)
        M = self._first(state, solved, T)
        hh = np.concatenate([part.ravel() for part in self._sums(state)])
        second = exact_form if self.exact else average_information
        form = second(self, state, solved)
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
        S22 = self.C22 - self.coupling.eliminate(D)
        U2 = np.column_stack([self.fixed2, self.responses2[r]])
        N2 = U2 - self.coupling.transposed_times(DE[K:].transpose(1, 2, 0))
        S = self.gram[r] - DE[K:].reshape(p + 1, K * J) @ E[K:].reshape(p + 1, K * J).T
        inverse, logdet2 = self._remaining(S22, T[1:])
        D2 = self.remainder.congruent(inverse, [factor.T for factor in T[1:]])
        r2 = D2 @ N2
        S -= N2.T @ r2
        solved = self.likelihood.solve(np.array([logdet.sum() + logdet2]), S[None])
        W2 = (N2 - S22 @ r2) @ solved.whitening[0].T
        N1 = N1[K:] - np.einsum("abj,bjc->caj", F, self.coupling.times(r2))
        W1 = (solved.whitening[0] @ N1.reshape(p + 1, K * J)).reshape(p + 1, K, J)
        Y = congruent(F, self.coupling.blocks(D2))
        K1 = C - congruent(C, D)
        return State(D=D, F=F, K1=K1, S22=S22, D2=D2, inverse=inverse, Y=Y, W1=W1, W2=W2), solved

    def _remaining(
        self, S22: NDArray[np.float64], T: list[NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], float]:
        """A₂⁻¹ and log|A₂|."""
        A = self.remainder.congruent(S22, T)
        A.flat[:: len(A) + 1] += 1.0
        # The transpose of an array in rows is the same matrix in columns, as LAPACK wants it.
        factor, failed = lapack.dpotrf(A.T, lower=1, overwrite_a=1, clean=0)
        if failed:
            raise np.linalg.LinAlgError
        logdet = 2.0 * float(np.log(factor.diagonal()).sum())
        inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
        lower = np.tril(inverse)
        return lower + np.tril(lower, -1).T, logdet

    def _sums(self, state: State) -> list[NDArray[np.float64]]:
        """The Σ_j h_jh_jᵀ of each factor."""
        h = [state.W1[-1], *(self.remainder.of_factor(f, state.W2)[-1] for f in self.others)]
        return [part @ part.T for part in h]

    def effects(self, T: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
        """The h = ZᵀV⁻¹(y - Xβ̂) of a single response, by factor: shapes (J_f, K_f)."""
        state = self.state(T)
        others = [self.remainder.of_factor(f, state.W2)[-1].T for f in self.others]
        return [state.W1[-1].T, *others]

    def spread(self, T: list[NDArray[np.float64]], f: int) -> NDArray[np.float64]:
        """The blocks of ΛA⁻¹Λᵀ of the levels of factor f, shape (J_f, K_f, K_f)."""
        state = self.state(T)
        if f > 0:
            return self.remainder.blocks(f - 1, state.D2)
        BDB = self.coupling.blocks(state.D2)
        D = state.D + congruent(state.D, BDB)
        return np.moveaxis(D, -1, 0)

    @property
    def others(self) -> range:
        """The factors of the remainder."""
        return range(len(self.remainder.widths))

    def _first(
        self, state: State, solved: Solved, T: list[NDArray[np.float64]]
    ) -> list[NDArray[np.float64]]:
        """M of each factor."""
        weights = np.full(len(state.W1), float(self.likelihood.rho))
        weights[-1] = solved.ratio[0]
        c, K, J = state.W1.shape
        flat = state.W1.swapaxes(0, 1).reshape(K, c * J)
        taken = (flat * np.repeat(weights, J)) @ flat.T
        M = [(state.K1 - state.Y).sum(axis=-1) - taken]
        weighted = state.W2 * weights
        SL = self.remainder.right(state.S22, T[1:])
        for f, factor in enumerate(T[1:]):
            own = self.remainder.rows(f)
            if np.linalg.cond(factor) < WELL_CONDITIONED:
                # K₂₂Λ₂ = S₂₂Λ₂A₂⁻¹
                product = self.remainder.sum_of_blocks(f, SL[own], state.inverse[own])
                K22 = np.linalg.solve(factor.T, product.T).T
            else:
                K22 = self.remainder.diagonal_blocks(f, state.S22)
                K22 -= self.remainder.sum_of_blocks(f, state.S22[own] @ state.D2, state.S22[own])
            K22 = 0.5 * (K22 + K22.T)
            M.append(K22 - self.remainder.sum_of_blocks(f, weighted[own], state.W2[own]))
        return M


def crossed(likelihood: Likelihood, columns: Columns, layout: Layout) -> Crossed:
    """What the criterion needs, from the columns."""
    leading, *others = layout.factors
    K, J = leading.width, leading.levels
    widths = tuple(factor.width for factor in others)
    levels = tuple(factor.levels for factor in others)
    starts = tuple(np.cumsum([0, *(factor.size for factor in others)]).tolist())
    remainder = Remainder(widths=widths, levels=levels, starts=starts[:-1], size=starts[-1])
    q2 = remainder.size
    tables = within_levels(columns, 0, base_tables(columns, leading, 0))
    parts = [cells(columns, layout, 0, g) for g in range(1, len(layout.factors))]
    fixed2, responses2 = [], []
    for g, factor in enumerate(others, start=1):
        own = within_levels(columns, g, base_tables(columns, factor, g))[factor.width :]
        fixed2.append(own.transpose(2, 1, 0).reshape(factor.size, -1))
        responses = response_tables(columns, factor, g)
        responses2.append(responses.swapaxes(1, 2).reshape(len(responses), factor.size))
    work = K * (K + 1) / 2 * K * J * float(q2) ** 2 + 10 * float(q2) ** 3
    return Crossed(
        likelihood=likelihood,
        tables=tables,
        responses=response_tables(columns, leading, 0),
        coupling=coupling(parts, widths, starts[:-1], shape=(K, J, q2)),
        remainder=remainder,
        C22=_dense_products(columns, layout, remainder),
        fixed2=np.concatenate(fixed2),
        responses2=np.concatenate(responses2, axis=1),
        gram=fixed_products(columns),
        exact=work < CHEAP,
    )


def _dense_products(columns: Columns, layout: Layout, remainder: Remainder) -> NDArray[np.float64]:
    """Z₂ᵀZ₂."""
    C22 = np.zeros((remainder.size, remainder.size))
    for f, (start, k) in enumerate(zip(remainder.starts, remainder.widths, strict=True)):
        for g in range(f, len(remainder.widths)):
            begin, m = remainder.starts[g], remainder.widths[g]
            found = cells(columns, layout, f + 1, g + 1)
            for a in range(k):
                for b in range(m):
                    rows, at = start + found.rows * k + a, begin + found.columns * m + b
                    C22[rows, at] = found.values[a, b]
                    C22[at, rows] = found.values[a, b]
    return C22
