"""What intervals and curves need of the minima along a parameter, whatever the model is.

Points have a value, a gradient and a curvature by some coordinates, of which one is fixed. A path
evaluates them, settles at the minimum over the coordinates that are free, and says where variance
that is added leads further down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["CurvedPoint", "Minima", "Optimum", "P"]


class CurvedPoint(Protocol):
    """The deviance at one set of coordinates, with its first and second derivatives."""

    @property
    def value(self) -> float:
        """The deviance; infinite where it cannot be computed."""
        ...

    @property
    def gradient(self) -> NDArray[np.float64]:
        """By the coordinates, shape (d,)."""
        ...

    @property
    def hessian(self) -> NDArray[np.float64]:
        """By the coordinates, shape (d, d); exact, or what the points before it have shown."""
        ...


P = TypeVar("P", bound=CurvedPoint)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Optimum(Generic[P]):
    """Where the deviance is least.

    Attributes
    ----------
    x : ndarray, shape (d,)
    point : CurvedPoint
    """

    x: NDArray[np.float64]
    point: P


class Minima(Protocol[P]):
    """The minima of the deviance along one coordinate."""

    @property
    def fixed(self) -> int:
        """The place of the coordinate that is fixed."""
        ...

    @property
    def evaluations(self) -> int:
        """How often the deviance has been evaluated."""
        ...

    @property
    def negligible(self) -> float:
        """What a Newton step may promise where it is taken without evaluating its end."""
        ...

    def evaluate(self, x: NDArray[np.float64]) -> P:
        """The deviance at some coordinates; infinite where it cannot be computed."""
        ...

    def free(self, x: NDArray[np.float64], point: P) -> NDArray[np.bool_]:
        """The coordinates that may change."""
        ...

    def settle(
        self, x: NDArray[np.float64], *, within: float = ...
    ) -> tuple[NDArray[np.float64], P]:
        """The coordinates at which the deviance is least, from a start."""
        ...

    def leave(
        self, x: NDArray[np.float64], point: P, worth: float = ...
    ) -> tuple[NDArray[np.float64], P] | None:
        """A lower point with variance added in one direction; None where there is none."""
        ...

    def scale(self, x: NDArray[np.float64]) -> float:
        """How far the fixed coordinate may go before the shape of the deviance changes."""
        ...
