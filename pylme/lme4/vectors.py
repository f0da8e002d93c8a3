"""R's vectors as Python has them, whatever their length: one value arrives as a scalar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.arrays import read_only

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["integers", "texts", "vector"]


def texts(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """A character vector as a tuple."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def vector(value: Any) -> NDArray[np.float64]:
    """A numeric vector as an array."""
    return read_only(np.atleast_1d(value))


def integers(value: Any) -> NDArray[np.int32]:
    """An integer vector as an array."""
    return np.atleast_1d(np.asarray(value, dtype=np.int32))
