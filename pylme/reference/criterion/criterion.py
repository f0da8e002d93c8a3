"""The protocol between a criterion and the optimiser, whichever model the criterion belongs to.

A search needs a function of the relative covariance factors T, its derivatives by Σ = TTᵀ, and no
more (`Searched`). A linear mixed model fulfils it by profiling β and σ out in closed form; a
generalized one can by penalized iteratively reweighted least squares, which solves a sequence of
linear problems with weights and a working response (Bates, Mächler, Bolker & Walker 2015, section
3.6; Bates 2012, section 4): the last of them is its `working` problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

    from pylme.reference.criterion.likelihood import Evaluation

__all__ = ["Criterion", "Searched"]


class Searched(Protocol):
    """The criterion of R responses as a function of their relative covariance factors."""

    @property
    def batch_numbers(self) -> int | None:
        """How many numbers the tables of one response have, where all are evaluated together.

        None where responses are evaluated one after the other.
        """
        ...

    def evaluate(self, T: list[NDArray[np.float64]]) -> Evaluation:
        """The criterion and its derivatives at T, shapes (R, K_f, K_f)."""
        ...

    def subset(self, responses: NDArray[np.bool_ | np.intp]) -> Self:
        """The same for some of the responses, marked or by their positions."""
        ...


class Criterion(Searched, Protocol):
    """What a model's own criterion offers beyond that."""

    def moments(
        self,
    ) -> tuple[list[NDArray[np.float64]], list[float], NDArray[np.float64]]:
        """What a search begins with: see `pylme.reference.criterion.prepare`; and yᵀy."""
        ...

    def exactly(self) -> Self:
        """The same with exact second derivatives, where those of a search are not."""
        ...

    def information(
        self, row: NDArray[np.intp], column: NDArray[np.intp]
    ) -> NDArray[np.float64] | None:
        """The information on some cells of Σ and on σ² at V = I; None where it is not at hand."""
        ...

    def working(self, T: list[NDArray[np.float64]]) -> Criterion:
        """The linear problem whose solution at T is the model's: a linear model's own."""
        ...

    def effects(self, T: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
        """The h = ZᵀV⁻¹(y - Xβ̂) of a single response, by factor: shapes (J_f, K_f)."""
        ...

    def spread(self, T: list[NDArray[np.float64]], f: int) -> NDArray[np.float64]:
        """The blocks of ΛA⁻¹Λᵀ of the levels of factor f, shape (J_f, K_f, K_f)."""
        ...
