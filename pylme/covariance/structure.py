"""Covariance structures: how parameters θ make the relative covariance factor T of a term.

The effects of one level have the covariance matrix Σ = σ²TTᵀ. A structure says which matrices T are
possible: it maps θ to T, knows ∂T/∂θ_k, and names, bounds and starts its parameters.

    unstructured   T any lower triangular matrix, θ its cells column by column    lme4's (x | g)
    diagonal       T = diag(θ)                                                    lme4's (x || g)

(Bates, Mächler, Bolker & Walker 2015, sections 2.2 and 2.3.) A diagonal element of θ below zero
gives the same Σ as its absolute value, hence bounds of zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pylme.covariance.names import lower_triangle_places, theta_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Diagonal", "Structure", "Unstructured", "factors_of"]


class Structure(Protocol):
    """A family of relative covariance factors of k effects, with m parameters."""

    @property
    def size(self) -> int:
        """The number of effects, k."""
        ...

    @property
    def n_parameters(self) -> int:
        """The number of parameters, m."""
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

    def names(self, group: str, effects: Sequence[str]) -> tuple[str, ...]:
        """The names of the parameters."""
        ...

    def lower_bounds(self) -> NDArray[np.float64]:
        """The least values of the parameters, -inf where there is no bound, shape (m,)."""
        ...

    def start(self) -> NDArray[np.float64]:
        """The θ of T = I, shape (m,)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Unstructured:
    """All covariance matrices: T is lower triangular, θ its cells column by column.

    Attributes
    ----------
    size : int
        The number of effects, k.
    """

    size: int

    @property
    def n_parameters(self) -> int:
        """k(k + 1)/2."""
        return self.size * (self.size + 1) // 2

    def factor(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """T, shape (..., k, k), of θ of shape (..., m)."""
        T = np.zeros((*np.shape(theta)[:-1], self.size, self.size))
        rows, columns = lower_triangle_places(self.size)
        T[..., rows, columns] = theta
        return T

    def parameters(self, factor: NDArray[np.float64]) -> NDArray[np.float64]:
        """θ, shape (..., m), of a lower triangular T of shape (..., k, k)."""
        rows, columns = lower_triangle_places(self.size)
        return np.asarray(factor[..., rows, columns])

    def derivatives(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """∂T/∂θ_i, shape (m, k, k): 1 in the cell of θ_i."""
        del theta
        return self.factor(np.eye(self.n_parameters))

    def names(self, group: str, effects: Sequence[str]) -> tuple[str, ...]:
        """lme4's names of the parameters."""
        return theta_names([(group, effects)])

    def lower_bounds(self) -> NDArray[np.float64]:
        """Zero on the diagonal of T, none below it, shape (m,)."""
        return np.where(self.start() > 0, 0.0, -np.inf)

    def start(self) -> NDArray[np.float64]:
        """The θ of T = I, shape (m,)."""
        return self.parameters(np.eye(self.size))


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagonal:
    """Independent effects: T = diag(θ).

    Attributes
    ----------
    size : int
        The number of effects, k.
    """

    size: int

    @property
    def n_parameters(self) -> int:
        """K."""
        return self.size

    def factor(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """T, shape (..., k, k), of θ of shape (..., k)."""
        made: NDArray[np.float64] = np.asarray(theta)[..., None] * np.eye(self.size)
        return made

    def parameters(self, factor: NDArray[np.float64]) -> NDArray[np.float64]:
        """θ, shape (..., k), of a diagonal T of shape (..., k, k)."""
        return np.array(factor.diagonal(axis1=-2, axis2=-1))

    def derivatives(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """∂T/∂θ_i, shape (k, k, k): 1 in place i of the diagonal."""
        del theta
        return self.factor(np.eye(self.size))

    def names(self, group: str, effects: Sequence[str]) -> tuple[str, ...]:
        """lme4's names of the parameters of terms of one effect each."""
        return tuple(f"{group}.{effect}" for effect in effects)

    def lower_bounds(self) -> NDArray[np.float64]:
        """Zero, shape (k,)."""
        return np.zeros(self.size)

    def start(self) -> NDArray[np.float64]:
        """The θ of T = I, shape (k,)."""
        return np.ones(self.size)


def factors_of(theta: NDArray[np.float64], sizes: Sequence[int]) -> list[NDArray[np.float64]]:
    """The factor T of each unstructured term, shapes (k_t, k_t), of all terms' θ, shape (m,)."""
    made, start = [], 0
    for structure in (Unstructured(size=size) for size in sizes):
        stop = start + structure.n_parameters
        made.append(structure.factor(theta[start:stop]))
        start = stop
    return made
