"""The criterion and its derivatives for a model with several grouping factors.

The factor with most random effects is eliminated level by level, as in
`one_factor`; what is left of all others, the remainder, is one block of q₂ by q₂.
With an orthonormal basis Q₁ of the first factor's columns, Z₁ = Q₁R, B = Q₁ᵀZ₂, and of each level
E = Q₁ᵀV₁⁻¹Q₁ (`level_basis`),

    S₂₂ = Z₂ᵀV₁⁻¹Z₂ = W₂₂ + BᵀEB    W₂₂ = Z₂ᵀZ₂ - BᵀB
    A₂ = Λ₂ᵀS₂₂Λ₂ + I    D₂ = Λ₂A₂⁻¹Λ₂ᵀ
    K₁₁ = K - B̃D₂B̃ᵀ    K₁₂ = B̃G    K₂₂ = S₂₂G    with B̃ = FB, F = RᵀE and G = I - D₂S₂₂

are the blocks of ZᵀV⁻¹Z, and an evaluation costs nothing in n. Of the q by q matrix K only the
sums that the derivatives need are formed. The remainder is dense or sparse, as
`storage` decides: memory is that of B and of a few matrices of q₂ by q₂, or of the
entries of a sparse factor. Differences that lose all digits where variances are large are not
formed: G is Λ₂A₂⁻¹Λ₂⁻¹, and [X y]ᵀV⁻¹[X y] is summed at the solution u = A₂⁻¹Λ₂ᵀZ₂ᵀV₁⁻¹[X y]
(`outset`).

The second derivatives are exact where they are cheap or required. For a large model the search
uses the average of observed and expected information instead, in which the expensive terms cancel
(Gilmour, Thompson & Cullis 1995, Biometrics 51(4)): it needs no more than K times a few vectors.
Where the remainder is sparse, exact ones are differences of the exact first derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.errors import TooLargeError
from pylme.reference.criterion.crossed_derivatives import (
    State,
    average_information,
    exact_form,
    form_by_differences,
)
from pylme.reference.criterion.dense_elimination import DenseEliminated
from pylme.reference.criterion.elimination import Elimination
from pylme.reference.criterion.likelihood import UNIT, Likelihood, stacked
from pylme.reference.criterion.storage import available_bytes
from pylme.reference.linalg.small_matrices import congruent
from pylme.reference.problem.level_basis import LevelBasis
from pylme.reference.problem.remainder import Remainder

if TYPE_CHECKING:
    from typing import Self

    from pylme.reference.criterion.likelihood import Evaluation, ProfiledCriterion

__all__ = ["Crossed", "Outset"]

#: A relative rounding error of A₂ that leaves its determinant no digit.
LOST: Final = 0.1
_NOTHING_LEFT: Final = "double precision cannot hold the criterion at variances that large"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outset:
    """Of several columns.

    Attributes
    ----------
    leading : ndarray, shape (c, K, J)
        Q₁ᵀv.
    b, g : ndarray, shape (c, q₂)
    """

    leading: NDArray[np.float64]
    b: NDArray[np.float64]
    g: NDArray[np.float64]

    def subset(self, columns: NDArray[np.bool_ | np.intp]) -> Self:
        """Of some of them."""
        return type(self)(leading=self.leading[columns], b=self.b[columns], g=self.g[columns])

    def then(self, other: Outset, row: int) -> Outset:
        """These columns and one of the others."""
        return Outset(
            leading=np.concatenate([self.leading, other.leading[row, None]]),
            b=np.concatenate([self.b, other.b[row, None]]),
            g=np.concatenate([self.g, other.g[row, None]]),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crossed:
    """What the criterion needs of the data.

    Attributes
    ----------
    likelihood : Likelihood
    basis : LevelBasis
        Of the leading factor.
    remainder : Remainder
        Where the other factors' effects stand.
    elimination : Elimination
        B = Q₁ᵀZ₂ and W₂₂.
    of_x, of_y : Outset
        Of the columns of X, and of the responses.
    within : ndarray, shape (R, p + 1, p + 1)
        What the leading factor leaves of products of [X y], at their outsets.
    squares : tuple of ndarray, shapes (R, K_f, K_f)
        Σ_j Z_jᵀy yᵀZ_j of each factor.
    sizes : tuple of float
        The mean diagonal of Σ_j C_j² of each factor.
    gram : ndarray, shape (R, p + 1, p + 1)
        [X y]ᵀ[X y].
    far : ndarray, shape (R, p + 1, p + 1)
        [X y]ᵀV⁻¹[X y] where all variances are large.
    exact : bool
        Whether the second derivatives are exact.
    """

    likelihood: Likelihood
    basis: LevelBasis
    remainder: Remainder
    elimination: Elimination
    of_x: Outset
    of_y: Outset
    within: NDArray[np.float64]
    squares: tuple[NDArray[np.float64], ...]
    sizes: tuple[float, ...]
    gram: NDArray[np.float64]
    far: NDArray[np.float64]
    exact: bool

    @property
    def batch_numbers(self) -> None:
        """None: responses follow one another."""
        return

    def information(self, row: NDArray[np.intp], column: NDArray[np.intp]) -> None:
        """None: the analysis of the design is far quicker here than the search."""
        del row, column

    def working(self, T: list[NDArray[np.float64]]) -> Crossed:
        """Itself, whatever T is: the model is linear."""
        del T
        return self

    def subset(self, responses: NDArray[np.bool_ | np.intp]) -> Crossed:
        """The same for some of the responses, marked or by their positions."""
        return replace(
            self,
            of_y=self.of_y.subset(responses),
            within=self.within[responses],
            squares=tuple(square[responses] for square in self.squares),
            gram=self.gram[responses],
            far=self.far[responses],
        )

    def moments(
        self,
    ) -> tuple[list[NDArray[np.float64]], list[float], NDArray[np.float64]]:
        """The Σ_j h_jh_jᵀ at Σ = 0 and mean diagonal of Σ_j C_j² of each factor, and yᵀy."""
        return list(self.squares), list(self.sizes), self.gram[:, -1, -1]

    def far_out(self) -> NDArray[np.float64]:
        """[X y]ᵀV⁻¹[X y] where all variances are large: shape (R, p + 1, p + 1)."""
        return self.far

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
                form = exact_form(state, state.left, solved)
            else:
                form = average_information(state, solved)
            form -= solved.ratio[0] ** 2 / solved.nu * np.outer(hh, hh)
        return solved.evaluation(tuple(m[None] for m in M), form[None], hh[None])

    def state(self, T: list[NDArray[np.float64]]) -> State:
        """The blocks of a single response."""
        return self._state(0, [matrix[0] for matrix in T])[0]

    def _state(self, r: int, T: list[NDArray[np.float64]]) -> tuple[State, ProfiledCriterion]:
        leading = self.basis.at(T[0])
        left = self.elimination.at(leading.E, T[1:])
        if not left.amplified * UNIT < LOST:
            raise np.linalg.LinAlgError(_NOTHING_LEFT)
        own = self.of_x.then(self.of_y, r)
        x2 = self.scores(own, leading.E) + left.times_S22(own.b.T)
        u = left.solve(x2)
        delta = left.effects(u) - own.b.T
        x1 = own.leading - self.elimination.times(delta).transpose(2, 0, 1)
        S = self.products(r, own, leading.E, x1, delta) + u.T @ u
        logdet = np.array([leading.logdet + left.logdet])
        solved = self.likelihood.solve(
            logdet, S[None], total=self.gram[r : r + 1, -1, -1], amplified=left.amplified
        )
        W2 = left.scores(u) @ solved.whitening[0].T
        N1 = np.einsum("abj,cbj->caj", leading.F, x1)
        W1 = (solved.whitening[0] @ N1.reshape(len(x1), -1)).reshape(N1.shape)
        BDB = left.coupled()
        state = State(
            likelihood=self.likelihood,
            remainder=self.remainder,
            elimination=self.elimination,
            leading=leading,
            left=left,
            BDB=BDB,
            Y=congruent(leading.F, BDB),
            W1=W1,
            W2=W2,
        )
        return state, solved

    def scores(self, own: Outset, E: NDArray[np.float64]) -> NDArray[np.float64]:
        """Z₂ᵀV₁⁻¹v of columns at their outset, shape (q₂, c)."""
        weighted = np.einsum("abj,cbj->ajc", E, own.leading)
        return own.g.T + self.elimination.transposed_times(weighted)

    def products(
        self,
        r: int,
        own: Outset,
        E: NDArray[np.float64],
        x1: NDArray[np.float64],
        delta: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """[X y]ᵀV₁⁻¹[X y] with Z₂(b + δ) taken away, shape (p + 1, p + 1).

        Parameters
        ----------
        r : int
        own : Outset
            Of [X y].
        E : ndarray, shape (K, K, J)
        x1 : ndarray, shape (p + 1, K, J)
            Q₁ᵀ of what is left.
        delta : ndarray, shape (q₂, p + 1)
        """
        crossed = own.g @ delta
        weighted = np.einsum("abj,cbj->caj", E, x1)
        c = len(x1)
        made: NDArray[np.float64] = self.within[r] - crossed - crossed.T
        made += delta.T @ self.elimination.times_W22(delta)
        made += x1.reshape(c, -1) @ weighted.reshape(c, -1).T
        return made

    def _sums(self, state: State) -> list[NDArray[np.float64]]:
        """The Σ_j h_jh_jᵀ of each factor."""
        h = [
            state.W1[-1],
            *(self.remainder.of_factor(f, state.W2)[-1] for f in self.remainder.factors),
        ]
        return [part @ part.T for part in h]

    def _sizes(self) -> list[float]:
        """The mean number of rows of a level of each factor."""
        levels = (self.basis.factor.levels, *self.remainder.levels)
        return [self.likelihood.n / J for J in levels]

    def effects(self, T: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
        """The h = ZᵀV⁻¹(y - Xβ̂) of a single response, by factor: shapes (J_f, K_f)."""
        state = self.state(T)
        others = [self.remainder.of_factor(f, state.W2)[-1].T for f in self.remainder.factors]
        return [state.W1[-1].T, *others]

    def spread(self, T: list[NDArray[np.float64]], f: int) -> NDArray[np.float64]:
        """The blocks of ΛA⁻¹Λᵀ of the levels of factor f, shape (J_f, K_f, K_f)."""
        state = self.state(T)
        if f > 0:
            return state.left.spread(f - 1)
        D = state.leading.D + congruent(state.leading.DR, state.BDB)
        return np.moveaxis(D, -1, 0)

    def _first(self, state: State, solved: ProfiledCriterion) -> list[NDArray[np.float64]]:
        """M of each factor."""
        weights = np.full(len(state.W1), float(self.likelihood.rho))
        weights[-1] = solved.ratio[0]
        c, K, J = state.W1.shape
        flat = state.W1.swapaxes(0, 1).reshape(K, c * J)
        taken = (flat * np.repeat(weights, J)) @ flat.T
        M = [(state.leading.K1 - state.Y).sum(axis=-1) - taken]
        weighted = state.W2 * weights
        for f, K22 in enumerate(state.left.sums()):
            own = self.remainder.rows(f)
            M.append(K22 - self.remainder.sum_of_blocks(f, weighted[own], state.W2[own]))
        return M
