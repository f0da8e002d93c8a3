"""Arrays as they stand in results: doubles that nobody can write to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["read_only"]


def read_only(values: ArrayLike) -> NDArray[np.float64]:
    """`values` as an array of doubles that cannot be written to."""
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array
