"""Python values as R objects.

==================  =============================================
Python              R
==================  =============================================
None                NULL
bool                logical of length 1
int                 integer of length 1, or double beyond 2^31
float               double of length 1
NumPy's scalars     as Python's
str                 character of length 1
bytes               raw
list, tuple of str  character
mapping             named list
ndarray             double, integer or logical; with dim if 2-d
Frame               data.frame
Factor              factor, ordered where it is
CodedFactor         factor with the attribute "contrasts"
Coding              matrix, with the names of its columns
Date, Timestamp     Date, POSIXct
==================  =============================================

Arrays are copied as one block of memory. The rest is small.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any, Final

import numpy as np
from rpy2 import rinterface as ri
from rpy2.rinterface_lib import embedded, openrlib

from pylme.frame import Date, Factor, Frame, Integer, Logical, Numeric, Timestamp
from pylme.model_matrix.coding import Coding
from pylme.model_matrix.evaluation.values import CodedFactor

__all__ = ["bytes_of", "to_r"]

#: Separates the levels of a factor on their way to R; unusable only where a level contains it.
_SEPARATOR: Final = "\x1f"
_INT_MAX: Final = 2**31 - 1
#: Bytes of one text in R: its header, its place in a vector, and that in the table of all texts.
_TEXT: Final = 80


@singledispatch
def to_r(value: Any) -> Any:
    """`value` as an R object.

    Raises
    ------
    TypeError
        If the table above has no row for its type.
    """
    raise TypeError(f"no R object for {type(value).__name__}")


@to_r.register
def _(value: None) -> Any:  # noqa: ARG001  (singledispatch reads it)
    return ri.NULL


@to_r.register
def _(value: bool) -> Any:  # noqa: FBT001
    return ri.BoolSexpVector([value])


@to_r.register
def _(value: int) -> Any:
    return ri.IntSexpVector([value]) if abs(value) <= _INT_MAX else to_r(float(value))


@to_r.register
def _(value: float) -> Any:
    return ri.FloatSexpVector([value])


@to_r.register(np.generic)
def _(value: np.generic) -> Any:
    return to_r(value.item())


@to_r.register
def _(value: str) -> Any:
    return ri.StrSexpVector([value])


@to_r.register
def _(value: bytes) -> Any:
    return _vector("raw", np.frombuffer(value, dtype=np.uint8))


@to_r.register(list)
@to_r.register(tuple)
def _(value: list[str] | tuple[str, ...]) -> Any:
    return ri.StrSexpVector(value)


@to_r.register(Mapping)
def _(value: Mapping[str, Any]) -> Any:
    return _named_list({name: to_r(item) for name, item in value.items()})


@to_r.register
def _(value: np.ndarray) -> Any:
    flat = value.ravel(order="F")
    if flat.dtype == np.bool_:
        vector = _vector("logical", flat.astype(np.int32))
    elif flat.dtype == np.int32:
        vector = _vector("integer", flat)
    else:
        vector = _vector("double", flat.astype(np.float64, copy=False))
    if value.ndim == 2:
        vector.do_slot_assign("dim", ri.IntSexpVector(value.shape))
    return vector


@to_r.register(Numeric)
@to_r.register(Integer)
@to_r.register(Logical)
def _(column: Numeric | Integer | Logical) -> Any:
    return to_r(column.values)


@to_r.register
def _(column: Date) -> Any:
    vector = to_r(column.values)
    vector.rclass = ri.StrSexpVector(["Date"])
    return vector


@to_r.register
def _(column: Timestamp) -> Any:
    vector = to_r(column.values)
    vector.rclass = ri.StrSexpVector(["POSIXct", "POSIXt"])
    vector.do_slot_assign("tzone", ri.StrSexpVector([column.tz or "UTC"]))
    return vector


@to_r.register
def _(column: Factor) -> Any:
    codes = _vector("integer", column.codes + np.int32(1))
    codes.do_slot_assign("levels", _levels(column.levels))
    kind = ["ordered", "factor"] if column.ordered else ["factor"]
    codes.rclass = ri.StrSexpVector(kind)
    return codes


@to_r.register
def _(column: CodedFactor) -> Any:
    codes = to_r(column.factor)
    codes.do_slot_assign("contrasts", to_r(column.coding))
    return codes


@to_r.register
def _(coding: Coding) -> Any:
    matrix = to_r(coding.values)
    if coding.names is not None:
        # Rows need no names: R takes them in the order of the levels.
        names = ri.ListSexpVector([ri.NULL, to_r(coding.names)])
        matrix.do_slot_assign("dimnames", names)
    return matrix


@to_r.register
def _(frame: Frame) -> Any:
    table = _named_list({name: to_r(column) for name, column in frame.columns.items()})
    table.rclass = ri.StrSexpVector(["data.frame"])
    # R's compact form of the row names 1..n.
    table.do_slot_assign("row.names", ri.IntSexpVector([ri.NA_Integer, -frame.nrow]))
    return table


#: R's modes of vectors: rpy2's class, and the address of the data.
_MODES: Final[dict[str, tuple[Any, Any]]] = {
    "raw": (ri.ByteSexpVector, openrlib.rlib.RAW),
    "logical": (ri.BoolSexpVector, openrlib.rlib.LOGICAL),
    "integer": (ri.IntSexpVector, openrlib.rlib.INTEGER),
    "double": (ri.FloatSexpVector, openrlib.rlib.REAL),
}
#: Bytes from which a vector is allocated by a call of R's, which takes 0.1 ms. Below, the session
#: makes sure that there is memory.
_LARGE: Final = 2**20


def _vector(mode: str, values: np.ndarray[Any, Any]) -> Any:
    """An R vector with a copy of the values, which are contiguous.

    A failed allocation in R ends in a jump to its caller. A call of an R function can catch this
    jump; rpy2's own allocation cannot, and the process would end.

    Raises
    ------
    MemoryError
        If R cannot allocate the memory.
    """
    kind, address = _MODES[mode]
    if values.nbytes < _LARGE:
        return kind.from_memoryview(np.ascontiguousarray(values).data)
    try:
        vector = ri.baseenv["vector"](
            ri.StrSexpVector([mode]), ri.FloatSexpVector([float(values.size)])
        )
    except embedded.RRuntimeError:
        raise MemoryError from None
    ffi = openrlib.ffi
    source = ffi.from_buffer(np.ascontiguousarray(values).data)
    ffi.memmove(address(vector.__sexp__._cdata), source, values.nbytes)  # noqa: SLF001
    return vector


def _named_list(items: Mapping[str, Any]) -> Any:
    result = ri.ListSexpVector(list(items.values()))
    result.do_slot_assign("names", ri.StrSexpVector(list(items)))
    return result


def _levels(levels: tuple[str, ...]) -> Any:
    """Levels as a character vector: many of them in one text, which R divides faster than rpy2."""
    joined = _SEPARATOR.join(levels)
    # R's strsplit drops an empty piece at the end.
    if len(levels) < 100 or not levels[-1] or joined.count(_SEPARATOR) != len(levels) - 1:
        return ri.StrSexpVector(levels)
    split = ri.baseenv["strsplit"](
        ri.StrSexpVector([joined]), ri.StrSexpVector([_SEPARATOR]), fixed=ri.BoolSexpVector([True])
    )
    return split[0]


@singledispatch
def bytes_of(value: Any) -> int:
    """An upper bound of the memory that R needs for a copy of `value`; 0 for small values."""
    del value
    return 0


@bytes_of.register
def _(value: np.ndarray) -> int:
    return 8 * value.size


@bytes_of.register
def _(value: bytes) -> int:
    return len(value)


@bytes_of.register(Mapping)
def _(value: Mapping[str, Any]) -> int:
    return sum(bytes_of(item) for item in value.values())


@bytes_of.register
def _(value: tuple) -> int:  # type: ignore[type-arg]
    return sum(bytes_of(item) for item in value)


@bytes_of.register
def _(column: Factor) -> int:
    texts = sum(len(level) for level in column.levels) + _TEXT * len(column.levels)
    return 4 * len(column.codes) + 3 * texts


@bytes_of.register
def _(column: CodedFactor) -> int:
    return bytes_of(column.factor) + bytes_of(column.coding.values)


@bytes_of.register
def _(frame: Frame) -> int:
    return sum(
        bytes_of(column if isinstance(column, Factor | CodedFactor) else column.values)
        for column in frame.columns.values()
    )
