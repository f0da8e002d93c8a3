"""All factors but the leading one, as one block of q₂ random effects.

The rows of the block are numbered factor by factor, level by level, column by column. Λ₂ is block
diagonal with T_f repeated for each level of f.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.reference.problem.terms import Factor

__all__ = ["Remainder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """Where the factors' random effects stand in the block.

    Attributes
    ----------
    widths, levels, starts : tuple of int
        Of each factor: K_f, J_f, and its first row.
    size : int
        q₂.
    """

    widths: tuple[int, ...]
    levels: tuple[int, ...]
    starts: tuple[int, ...]
    size: int

    @classmethod
    def of(cls, factors: Sequence[Factor]) -> Remainder:
        """The block of these factors."""
        *starts, size = np.cumsum([0, *(factor.size for factor in factors)]).tolist()
        return cls(
            widths=tuple(factor.width for factor in factors),
            levels=tuple(factor.levels for factor in factors),
            starts=tuple(starts),
            size=size,
        )

    def rows(self, f: int) -> slice:
        """The rows of factor f."""
        return slice(self.starts[f], self.starts[f] + self.widths[f] * self.levels[f])

    def right(
        self, S: NDArray[np.float64], T: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """S Λ₂, shape (rows, q₂)."""
        made = np.empty_like(S)
        for f, (K, J) in enumerate(zip(self.widths, self.levels, strict=True)):
            own = self.rows(f)
            if K == 1:
                np.multiply(S[:, own], T[f][0, 0], out=made[:, own])
            else:
                made[:, own] = (S[:, own].reshape(-1, J, K) @ T[f]).reshape(-1, J * K)
        return made

    def congruent(
        self, S: NDArray[np.float64], T: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Λ₂ᵀ S Λ₂ of a symmetric S."""
        if max(self.widths) > 1:
            return self.right(self.right(S, T).T, T)
        scale = np.repeat([matrix[0, 0] for matrix in T], self.levels)
        made: NDArray[np.float64] = S * scale
        made *= scale[:, None]
        return made

    def times(
        self, T: Sequence[NDArray[np.float64]], v: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Λ₂ v, of v of shape (q₂, c)."""
        made = np.empty_like(v)
        for f, (K, J) in enumerate(zip(self.widths, self.levels, strict=True)):
            own = self.rows(f)
            made[own] = (T[f] @ v[own].reshape(J, K, -1)).reshape(J * K, -1)
        return made

    def sum_of_blocks(
        self, f: int, left: NDArray[np.float64], right: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The sum of the diagonal blocks of left @ rightᵀ, both rows of factor f: (K_f, K_f)."""
        K = self.widths[f]
        return np.array([[np.vdot(left[a::K], right[b::K]) for b in range(K)] for a in range(K)])

    def blocks(self, f: int, S: NDArray[np.float64]) -> NDArray[np.float64]:
        """The diagonal blocks of S of factor f, shape (J_f, K_f, K_f)."""
        K, J = self.widths[f], self.levels[f]
        own = S[self.rows(f), self.rows(f)].reshape(J, K, J, K)
        return own[np.arange(J), :, np.arange(J)]

    def diagonal_blocks(self, f: int, S: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum of the diagonal blocks of S of factor f, shape (K_f, K_f)."""
        K, own = self.widths[f], S[self.rows(f), self.rows(f)]
        return np.array([[own[a::K, b::K].trace() for b in range(K)] for a in range(K)])

    def of_factor(self, f: int, W: NDArray[np.float64]) -> NDArray[np.float64]:
        """The rows of factor f of W, shape (q₂, c), as (c, K_f, J_f)."""
        return W[self.rows(f)].reshape(self.levels[f], self.widths[f], -1).transpose(2, 1, 0)
