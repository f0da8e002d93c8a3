"""What eliminating the leading factor leaves of the others, whichever way it is kept in memory.

With the notation of `crossed`, an `Elimination` does not depend on the covariances,
and an `Eliminated` is what it comes to at one set of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pylme.reference.linalg.small_matrices import LEAST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from pylme.reference.problem.remainder import Remainder

__all__ = ["Eliminated", "Elimination", "Roots", "amplification", "vector_bytes"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Roots:
    """Factors T with orthogonal columns, TTᵀ being the same.

    Attributes
    ----------
    plain : list of ndarray, shapes (..., K_f, K_f)
        With columns of zero where T is singular.
    regular, inverse : list of ndarray, shapes (..., K_f, K_f)
        With columns of length `LEAST` at least, and their inverses: the Λ₂ of A₂.
    """

    plain: list[NDArray[np.float64]]
    regular: list[NDArray[np.float64]]
    inverse: list[NDArray[np.float64]]

    @classmethod
    def of(cls, T: Sequence[NDArray[np.float64]]) -> Roots:
        """See `pylme.reference.linalg.small_matrices.orthogonal`."""
        plain, regular, inverse = [], [], []
        for matrix in T:
            U, lengths, _ = np.linalg.svd(matrix)
            floored = np.maximum(lengths, LEAST)
            plain.append(U * lengths[..., None, :])
            regular.append(U * floored[..., None, :])
            inverse.append((U / floored[..., None, :]).swapaxes(-2, -1))
        return cls(plain=plain, regular=regular, inverse=inverse)


class Eliminated(Protocol):
    """S₂₂, D₂ and A₂ at one set of covariances."""

    @property
    def logdet(self) -> float:
        """log|A₂|."""
        ...

    @property
    def amplified(self) -> float:
        """See `amplification`."""
        ...

    def times_S22(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """S₂₂ v, of v of shape (q₂, c)."""
        ...

    def times_D2(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """D₂ v, of v of shape (q₂, c)."""
        ...

    def solve(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """A₂⁻¹Λ₂ᵀ v = u, of v of shape (q₂, c)."""
        ...

    def effects(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Λ₂ u."""
        ...

    def scores(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Λ₂⁻ᵀ u, which is Z₂ᵀV⁻¹ of what u was solved for."""
        ...

    def times_G(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """(I - D₂S₂₂) v = Λ₂A₂⁻¹Λ₂⁻¹ v, of v of shape (q₂, c)."""
        ...

    def coupled(self) -> NDArray[np.float64]:
        """The blocks of B D₂ Bᵀ, shape (K, K, J)."""
        ...

    def sums(self) -> list[NDArray[np.float64]]:
        """The sum of the diagonal blocks of K₂₂ of each factor, shapes (K_f, K_f)."""
        ...

    def spread(self, f: int) -> NDArray[np.float64]:
        """The diagonal blocks of D₂ of factor f, shape (J_f, K_f, K_f)."""
        ...

    def between(
        self, i: NDArray[np.integer[Any]], j: NDArray[np.integer[Any]]
    ) -> NDArray[np.float64]:
        """The entries (i, j) of D₂, for effects of levels that occur in one row of the data."""
        ...

    def towards(
        self, levels: NDArray[np.int32], i: NDArray[np.integer[Any]]
    ) -> NDArray[np.float64]:
        """The entries (a, j; i) of B D₂, shape (K, entries).

        The levels j of the leading factor and those that the effects i belong to occur together.
        """
        ...


class Elimination(Protocol):
    """B = Q₁ᵀZ₂ and W₂₂ = Z₂ᵀZ₂ - BᵀGB, G the inverse of Q₁ᵀQ₁."""

    @property
    def bytes(self) -> int:
        """How much memory an evaluation is estimated to take."""
        ...

    def less(self, G: NDArray[np.float64]) -> Self:
        """With Bᵀ G B taken away from Z₂ᵀZ₂."""
        ...

    def at(self, E: NDArray[np.float64], T: Sequence[NDArray[np.float64]]) -> Eliminated:
        """What is left at S₂₂ = W₂₂ + BᵀEB, E of shape (K, K, J), and the other factors' T."""
        ...

    def solution(
        self, E: NDArray[np.float64], T: Sequence[NDArray[np.float64]], v: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """D₂ v alone, of v of shape (q₂, c)."""
        ...

    def times_W22(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """W₂₂ v, of v of shape (q₂, c)."""
        ...

    def times(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """B v, shape (K, J, c), of v of shape (q₂, c)."""
        ...

    def transposed_times(self, w: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bᵀ w, shape (q₂, c), of w of shape (K, J, c)."""
        ...

    def products(self, f: int) -> NDArray[np.float64]:
        """The diagonal blocks of W₂₂ of factor f, shape (J_f, K_f, K_f)."""
        ...


def amplification(
    whole: Sequence[NDArray[np.float64]],
    roots: Sequence[NDArray[np.float64]],
    inverse: Sequence[NDArray[np.float64]],
) -> float:
    """How many rounding errors of Z₂ᵀZ₂, in proportion, log|A₂| has at most.

    Σ A_ii(A₂⁻¹)_ii with A = Λ₂ᵀZ₂ᵀZ₂Λ₂ + I before the leading factor's part is taken away.

    Parameters
    ----------
    whole : sequence of ndarray, shapes (J_f, K_f, K_f)
        The diagonal blocks of Z₂ᵀZ₂.
    roots : sequence of ndarray, shapes (K_f, K_f)
    inverse : sequence of ndarray, shapes (J_f, K_f)
        The diagonal of A₂⁻¹.
    """
    total = 0.0
    for blocks, root, diagonal in zip(whole, roots, inverse, strict=True):
        squares = np.einsum("ca,jcd,da->ja", root, blocks, root) + 1.0
        total += float((squares * diagonal).sum())
    return total


def vector_bytes(remainder: Remainder, shape: tuple[int, int]) -> float:
    """The bytes of what an evaluation has for each random effect, whichever way it goes.

    Parameters
    ----------
    remainder : Remainder
    shape : tuple of int
        K and J of the leading factor.
    """
    K, J = shape
    V = K * K + sum(k * k for k in remainder.widths)
    # Five times the vectors of the average information, and the blocks of the leading factor.
    return 8.0 * (5 * V * (K * J + remainder.size) + 8 * K * K * J)
