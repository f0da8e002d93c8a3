"""Structures whose parameters θ are entries of the factor T, each in one cell or in several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Entries"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """A structure whose factor T has elements of θ in its cells, and zeros elsewhere.

    Attributes
    ----------
    size : int
        The number of effects, k.
    """

    size: int

    @property
    def pattern(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the cells of T that may differ from zero, and each one's θ."""
        raise NotImplementedError

    @property
    def cells(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the first cell of T of each element of θ, each of shape (m,)."""
        raise NotImplementedError

    @property
    def n_parameters(self) -> int:
        """The number of elements of θ, m."""
        return len(self.cells[0])

    def factor(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """T, shape (..., k, k), of θ of shape (..., m)."""
        T = np.zeros((*np.shape(theta)[:-1], self.size, self.size))
        rows, columns, index = self.pattern
        T[..., rows, columns] = np.asarray(theta)[..., index]
        return T

    def parameters(self, factor: NDArray[np.float64]) -> NDArray[np.float64]:
        """θ, shape (..., m), of a T of this structure of shape (..., k, k)."""
        rows, columns = self.cells
        return np.asarray(factor[..., rows, columns])

    def derivatives(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """∂T/∂θ_i, shape (m, k, k): 1 in the cells of θ_i."""
        return self.factor(np.eye(len(theta)))

    def second_derivatives(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Zero, shape (m, m, k, k)."""
        m = len(theta)
        return np.zeros((m, m, self.size, self.size))

    def lower_bounds(self) -> NDArray[np.float64]:
        """Zero for elements on the diagonal of T, none for others, shape (m,)."""
        rows, columns = self.cells
        return np.where(rows == columns, 0.0, -np.inf)

    def upper_bounds(self) -> NDArray[np.float64]:
        """None, shape (m,)."""
        return np.full(self.n_parameters, np.inf)

    def start(self) -> NDArray[np.float64]:
        """The θ of T = I, shape (m,)."""
        rows, columns = self.cells
        return np.where(rows == columns, 1.0, 0.0)
