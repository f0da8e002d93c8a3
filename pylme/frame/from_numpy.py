"""NumPy arrays as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.frame.from_objects import from_objects
from pylme.frame.raw import Plain, plain_floats, plain_times
from pylme.frame.refusals import refusal

if TYPE_CHECKING:
    from pylme.frame.raw import Raw
    from pylme.frame.refusals import Misfit

__all__ = ["from_numpy"]

_MISFITS: dict[str, Misfit] = {"c": "complex", "m": "duration", "S": "bytes", "V": "nested"}


def from_numpy(column: str, array: np.ndarray[Any, Any]) -> Raw:
    """A one-dimensional array, masked or not.

    Raises
    ------
    ColumnTypeError
        If it has another shape, or a type that R has no place for.
    """
    if array.ndim != 1:
        raise refusal(column, f"array of shape {array.shape}", "table")
    missing = None
    if isinstance(array, np.ma.MaskedArray):
        missing = np.ma.getmaskarray(array)
        array = array.filled() if array.dtype.kind != "O" else array.filled(None)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    match array.dtype.kind:
        case "b" | "i" | "u":
            masked = missing is not None and missing.any()
            return Plain(array=array, missing=missing if masked else None)
        case "f":
            return plain_floats(array, missing)
        case "M":
            return plain_times(array, missing)
        case "U" | "T" | "O":
            objects = array.astype(object, copy=False)
            if missing is not None:
                objects[missing] = None
            return from_objects(column, objects)
        case kind:
            raise refusal(column, array.dtype, _MISFITS.get(kind, "unknown"))
