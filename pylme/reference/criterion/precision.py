"""ZᵀV⁻¹Z, ZᵀV⁻¹X and ΛA⁻¹Λᵀ at one θ, as operators: no matrix of q by q is formed.

A vector over the random effects is a tuple with an array of shape (K_f, J_f, c) for each grouping
factor: c vectors side by side, in the well-conditioned columns of the problem. With S = XᵀV⁻¹X and
N = ZᵀV⁻¹X, the whitened N is that of columns of X for which S is the identity, so that

    P_Z = K - NNᵀ      K = ZᵀV⁻¹Z = ZᵀZ - ZᵀZ(ΛA⁻¹Λᵀ)ZᵀZ

(Bates, Mächler, Bolker & Walker 2015, section 3.4, for V⁻¹ = I - ZΛA⁻¹ΛᵀZᵀ).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pylme.reference.criterion.crossed import Crossed
from pylme.reference.criterion.crossed_derivatives import State, applied
from pylme.reference.criterion.one_factor import OneFactor
from pylme.reference.criterion.own_weights import OwnWeights

if TYPE_CHECKING:
    from pylme.reference.criterion.prepare import Problem

__all__ = [
    "Blocks",
    "CrossedPrecision",
    "LevelsPrecision",
    "Precision",
    "fixed_crosses",
    "precision_at",
]

#: A vector over the random effects: an array of shape (K_f, J_f, c) for each factor.
Blocks: TypeAlias = tuple[NDArray[np.float64], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelsPrecision:
    """Of a model with one grouping factor.

    Attributes
    ----------
    N : tuple of one ndarray, shape (K, J, p)
        ZᵀV⁻¹X, whitened.
    h : tuple of one ndarray, shape (K, J, 1)
        ZᵀV⁻¹(y - Xβ̂).
    K : ndarray, shape (K, K, J)
        The blocks of ZᵀV⁻¹Z.
    D : ndarray, shape (K, K, J)
        Those of ΛA⁻¹Λᵀ.
    """

    N: Blocks
    h: Blocks
    K: NDArray[np.float64]
    D: NDArray[np.float64]

    def times(self, w: Blocks) -> Blocks:
        """ZᵀV⁻¹Z w."""
        return (np.einsum("abj,bjc->ajc", self.K, w[0]),)

    def spread(self, w: Blocks) -> Blocks:
        """ΛA⁻¹Λᵀ w, the conditional variance of the random effects over σ²."""
        return (np.einsum("abj,bjc->ajc", self.D, w[0]),)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossedPrecision:
    """Of a model with several grouping factors.

    Attributes
    ----------
    N : tuple of ndarray, shapes (K_f, J_f, p)
        ZᵀV⁻¹X, whitened.
    h : tuple of ndarray, shapes (K_f, J_f, 1)
        ZᵀV⁻¹(y - Xβ̂).
    state : State
        The blocks of ZᵀV⁻¹Z.
    """

    N: Blocks
    h: Blocks
    state: State

    def times(self, w: Blocks) -> Blocks:
        """ZᵀV⁻¹Z w."""
        return self._parts(*applied(self.state, w[0], self._joined(w)))

    def spread(self, w: Blocks) -> Blocks:
        """ΛA⁻¹Λᵀ w, the conditional variance of the random effects over σ²."""
        state = self.state
        leading, elimination = state.leading, state.elimination
        of_first = np.einsum("baj,bjc->ajc", leading.DR, w[0])
        rest = state.left.times_D2(self._joined(w) - elimination.transposed_times(of_first))
        first = np.einsum("abj,bjc->ajc", leading.D, w[0])
        first -= np.einsum("abj,bjc->ajc", leading.DR, elimination.times(rest))
        return self._parts(first, rest)

    def _joined(self, w: Blocks) -> NDArray[np.float64]:
        """All factors but the leading one, shape (q₂, c)."""
        return np.concatenate([part.swapaxes(0, 1).reshape(-1, part.shape[2]) for part in w[1:]])

    def _parts(self, first: NDArray[np.float64], rest: NDArray[np.float64]) -> Blocks:
        remainder = self.state.remainder
        others = [
            rest[remainder.rows(f)]
            .reshape(remainder.levels[f], remainder.widths[f], -1)
            .swapaxes(0, 1)
            for f in remainder.factors
        ]
        return (first, *others)


Precision: TypeAlias = LevelsPrecision | CrossedPrecision


def precision_at(
    problem: Problem, T: list[NDArray[np.float64]], RX: NDArray[np.float64]
) -> Precision:
    """The operators of a problem of one response.

    Parameters
    ----------
    problem : Problem
    T : list of ndarray, shapes (1, K_f, K_f)
        Of the well-conditioned columns.
    RX : ndarray, shape (p, p)
        Lower triangular, RX RXᵀ = XᵀV⁻¹X.
    """
    criterion = problem.criterion
    if isinstance(criterion, OneFactor):
        K, N = criterion.by_level(T)
        return LevelsPrecision(
            N=(N @ np.linalg.inv(RX).T,),
            h=(criterion.effects(T)[0].T[:, :, None],),
            K=K,
            D=np.moveaxis(criterion.spread(T, 0), 0, -1),
        )
    if not isinstance(criterion, Crossed):
        raise TypeError(criterion)
    state = criterion.state(T)
    whole = [
        state.W1.transpose(1, 2, 0),
        *(
            state.remainder.of_factor(f, state.W2).transpose(1, 2, 0)
            for f in state.remainder.factors
        ),
    ]
    return CrossedPrecision(
        N=tuple(part[:, :, :-1] for part in whole),
        h=tuple(part[:, :, -1:] for part in whole),
        state=state,
    )


def fixed_crosses(
    problem: Problem, T: list[NDArray[np.float64]], RX: NDArray[np.float64]
) -> Blocks | None:
    """Σ_j N_ja N_jbᵀ of the levels for whitened N, levels of the same pattern taken together.

    Parameters
    ----------
    problem : Problem
    T : list of ndarray, shapes (R, K_f, K_f)
        Of the well-conditioned columns, for each of its responses.
    RX : ndarray, shape (R, p, p)
        Lower triangular, RX RXᵀ = XᵀV⁻¹X.

    Returns
    -------
    tuple of one ndarray, shape (R, p, p, K, K), or None
        None with several factors, of which levels have no patterns.
    """
    criterion = problem.criterion
    if not isinstance(criterion, OneFactor | OwnWeights):
        return None
    scores = criterion.fixed_scores(T)
    R, p, K, P = scores.shape
    flat = (np.linalg.inv(RX) @ scores.reshape(R, p, K * P)).reshape(R, p * K, P)
    products = (flat @ flat.swapaxes(1, 2)).reshape(R, p, K, p, K)
    return (products.transpose(0, 1, 3, 2, 4),)
