"""Arrays that cannot be written to, as frames, matrices and results hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["locked", "read_only"]

Scalar = TypeVar("Scalar", bound=np.generic)


def locked(array: NDArray[Scalar], *, order: Literal["C", "F"] = "C") -> NDArray[Scalar]:
    """A contiguous view of `array` that cannot be written to; the flags of `array` do not change.

    Parameters
    ----------
    array : ndarray
        Copied only where it is not contiguous in that order.
    order : {"C", "F"}
        "F" for matrices whose columns are read one by one.
    """
    view = np.asarray(array, order=order).view()
    view.flags.writeable = False
    return view


def read_only(values: ArrayLike) -> NDArray[np.float64]:
    """A copy of `values` as an array of doubles that cannot be written to."""
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array
