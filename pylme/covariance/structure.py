"""Covariance structures: how a term's parameters θ make its relative covariance factor T.

The effects of one level have the covariance matrix Σ = σ²TTᵀ. A structure says which matrices T are
possible: it maps θ to T with first and second derivatives, and names, bounds and starts its
parameters.

    "us"     unstructured   T any lower triangular matrix, θ its cells by columns    lme4's (x | g)
    "diag"   diagonal       T = diag(θ)                                              lme4's (x || g)

(Bates, Mächler, Bolker & Walker 2015, sections 2.2 and 2.3.) A diagonal element of θ below zero
gives the same Σ as its absolute value, hence bounds of zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal, Protocol, TypeAlias

import numpy as np

from pylme.covariance.names import lower_triangle_places, theta_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Diagonal", "Kind", "Structure", "Unstructured", "structure_of"]

#: The structures by the functions that formulas write them with.
Kind: TypeAlias = Literal["us", "diag"]


class Structure(Protocol):
    """A family of relative covariance factors of k effects, with m parameters."""

    @property
    def kind(self) -> Kind:
        """The name of the structure in a formula."""
        ...

    @property
    def size(self) -> int:
        """The number of effects, k."""
        ...

    @property
    def n_parameters(self) -> int:
        """The number of parameters, m."""
        ...

    @property
    def cells(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the cells of T where the elements of θ stand, each of shape (m,)."""
        ...

    def factor(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """T, shape (..., k, k), of θ of shape (..., m)."""
        ...

    def parameters(self, factor: NDArray[np.float64]) -> NDArray[np.float64]:
        """θ, shape (..., m), of a T of this structure of shape (..., k, k)."""
        ...

    def derivatives(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """∂T/∂θ_i at θ of shape (m,), shape (m, k, k)."""
        ...

    def second_derivatives(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """∂²T/∂θ_i∂θ_j at θ of shape (m,), shape (m, m, k, k)."""
        ...

    def names(self, group: str, effects: Sequence[str]) -> tuple[str, ...]:
        """The names of the parameters."""
        ...

    def lower_bounds(self) -> NDArray[np.float64]:
        """The least values of the parameters, -inf where there is no bound, shape (m,)."""
        ...

    def upper_bounds(self) -> NDArray[np.float64]:
        """The largest values of the parameters, inf where there is no bound, shape (m,)."""
        ...

    def start(self) -> NDArray[np.float64]:
        """The θ of T = I, shape (m,)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """A structure whose parameters are cells of T; all its other cells are zero.

    Attributes
    ----------
    size : int
        The number of effects, k.
    """

    size: int

    @property
    def cells(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the cells of T where the elements of θ stand, each of shape (m,)."""
        raise NotImplementedError

    @property
    def n_parameters(self) -> int:
        """The number of cells, m."""
        return len(self.cells[0])

    def factor(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """T, shape (..., k, k), of θ of shape (..., m)."""
        T = np.zeros((*np.shape(theta)[:-1], self.size, self.size))
        rows, columns = self.cells
        T[..., rows, columns] = theta
        return T

    def parameters(self, factor: NDArray[np.float64]) -> NDArray[np.float64]:
        """θ, shape (..., m), of a T of this structure of shape (..., k, k)."""
        rows, columns = self.cells
        return np.asarray(factor[..., rows, columns])

    def derivatives(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """∂T/∂θ_i, shape (m, k, k): 1 in the cell of θ_i."""
        return self.factor(np.eye(len(theta)))

    def second_derivatives(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Zero, shape (m, m, k, k)."""
        m = len(theta)
        return np.zeros((m, m, self.size, self.size))

    def names(self, group: str, effects: Sequence[str]) -> tuple[str, ...]:
        """lme4's names of the parameters."""
        cells = zip(*(places.tolist() for places in self.cells), strict=True)
        return tuple([theta_name(group, effects[row], effects[column]) for row, column in cells])

    def lower_bounds(self) -> NDArray[np.float64]:
        """Zero on the diagonal of T, none below it, shape (m,)."""
        rows, columns = self.cells
        return np.where(rows == columns, 0.0, -np.inf)

    def upper_bounds(self) -> NDArray[np.float64]:
        """None, shape (m,)."""
        return np.full(self.n_parameters, np.inf)

    def start(self) -> NDArray[np.float64]:
        """The θ of T = I, shape (m,)."""
        rows, columns = self.cells
        return np.where(rows == columns, 1.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unstructured(_Cells):
    """All covariance matrices: T is lower triangular, θ its k(k + 1)/2 cells column by column.

    Attributes
    ----------
    size : int
        The number of effects, k.
    """

    kind: ClassVar[Kind] = "us"

    @property
    def cells(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the lower triangle."""
        return lower_triangle_places(self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagonal(_Cells):
    """Independent effects: T = diag(θ).

    Attributes
    ----------
    size : int
        The number of effects, k.
    """

    kind: ClassVar[Kind] = "diag"

    @property
    def cells(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the diagonal."""
        places = np.arange(self.size)
        return places, places


_STRUCTURES: Final[Mapping[Kind, type[Unstructured | Diagonal]]] = {
    "us": Unstructured,
    "diag": Diagonal,
}


def structure_of(kind: Kind, size: int) -> Structure:
    """The structure of a term by its name in a formula.

    Parameters
    ----------
    kind : {"us", "diag"}
        A plain ``(effects | group)`` is "us".
    size : int
        The number of effects.

    Examples
    --------
    >>> structure_of("us", 3).n_parameters, structure_of("diag", 3).n_parameters
    (6, 3)
    """
    return _STRUCTURES[kind](size=size)
