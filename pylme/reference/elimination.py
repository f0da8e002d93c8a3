"""What eliminating the leading factor leaves of the others, whichever way it is kept in memory.

With the notation of `pylme.reference.crossed`, an `Elimination` does not depend on the covariances,
and an `Eliminated` is what it comes to at one set of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pylme.reference.remainder import Remainder

__all__ = ["Eliminated", "Elimination", "vector_bytes"]


class Eliminated(Protocol):
    """S₂₂, D₂ and A₂ at one set of covariances."""

    @property
    def logdet(self) -> float:
        """log|A₂|."""
        ...

    def times_S22(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """S₂₂ v, of v of shape (q₂, c)."""
        ...

    def times_D2(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """D₂ v, of v of shape (q₂, c)."""
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
    """B = Z₁ᵀZ₂ and Z₂ᵀZ₂."""

    @property
    def bytes(self) -> int:
        """How much memory an evaluation is estimated to take."""
        ...

    def at(self, D: NDArray[np.float64], T: Sequence[NDArray[np.float64]]) -> Eliminated:
        """What is left at the leading factor's D, shape (K, K, J), and the other factors' T."""
        ...

    def times(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """B v, shape (K, J, c), of v of shape (q₂, c)."""
        ...

    def transposed_times(self, w: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bᵀ w, shape (q₂, c), of w of shape (K, J, c)."""
        ...

    def products(self, f: int) -> NDArray[np.float64]:
        """The diagonal blocks of Z₂ᵀZ₂ of factor f, shape (J_f, K_f, K_f)."""
        ...


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
