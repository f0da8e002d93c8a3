"""A line through θ̂, along which one thing changes and all else is held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = ["FAR", "Combination", "Line"]

#: How far a line goes at most, in sizes of what changes.
FAR: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line through θ̂.

    Attributes
    ----------
    label : str
        What changes.
    at : float
        Its value at θ̂.
    low, high : float
        Where the line ends.
    theta : callable
        θ of shape (m,) at a value of what changes.
    """

    label: str
    at: float
    low: float
    high: float
    theta: Callable[[float], NDArray[np.float64]]


@runtime_checkable
class Combination(Protocol):
    """Covariance parameters that change together, as ``identifiability().directions`` has them."""

    @property
    def names(self) -> tuple[str, ...]:
        """As ``var(ses | sch.id)``, ``cov((Intercept), ses | sch.id)``."""
        ...

    @property
    def weights(self) -> tuple[float, ...]:
        """How much each changes."""
        ...
