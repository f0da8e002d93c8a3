"""R objects as Python values.

=======================  ===========================================
R                        Python
=======================  ===========================================
NULL                     None
one number, text, truth  float, int, str, bool; None for NA
double, integer          ndarray; 2-d or 3-d (column-major) with dim
logical, character       tuple; None for NA
factor                   pandas.Categorical
named list               dict
unnamed list             tuple
dgCMatrix and relatives  scipy.sparse.csc_array
any other S4 matrix      ndarray, by R's as.matrix
function                 unchanged
=======================  ===========================================

A double NA is NaN. An integer vector with an NA in it becomes doubles with NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from rpy2 import rinterface as ri
from rpy2.rinterface_lib import openrlib
from scipy.sparse import csc_array

__all__ = ["from_r"]

_NA_INTEGER = -(2**31)


def from_r(sexp: Any) -> Any:
    """`sexp` as a Python value that shares no memory with R.

    Raises
    ------
    TypeError
        If the table above has no row for it.
    """
    if isinstance(sexp, type(ri.NULL)):
        return None
    if isinstance(sexp, ri.ListSexpVector):
        return _from_list(sexp)
    if isinstance(sexp, ri.FloatSexpVector):
        return _from_numbers(sexp, _copied(sexp, np.float64))
    if isinstance(sexp, ri.IntSexpVector):
        return _from_integers(sexp)
    if isinstance(sexp, ri.BoolSexpVector):
        return _scalar_or_tuple([None if v is ri.NA_Logical else bool(v) for v in sexp])
    if isinstance(sexp, ri.StrSexpVector):
        return _scalar_or_tuple([None if v is ri.NA_Character else str(v) for v in sexp])
    if isinstance(sexp, ri.ByteSexpVector):
        return bytes(openrlib.ffi.buffer(openrlib.rlib.RAW(_cdata(sexp)), len(sexp)))
    if isinstance(sexp, ri.SexpS4):
        return _from_s4(sexp)
    if isinstance(sexp, ri.SexpClosure):
        return sexp
    raise TypeError(f"no Python value for an R object of type {type(sexp).__name__}")


def _copied(sexp: Any, dtype: Any) -> Any:
    """The values in the shape that they have in R.

    They are read from their address: rpy2's own ``memoryview`` loses a reference to None at each
    call, and a Python before 3.12 that has lost the last of them aborts.
    """
    address = openrlib.rlib.REAL if dtype is np.float64 else openrlib.rlib.INTEGER
    size = len(sexp) * np.dtype(dtype).itemsize
    # R's address of an empty vector points nowhere.
    block = openrlib.ffi.buffer(address(_cdata(sexp)), size) if size else b""
    flat = np.frombuffer(block, dtype=dtype).copy()
    shape = _dim(sexp)
    return flat if shape is None else flat.reshape(shape, order="F")


def _cdata(sexp: Any) -> Any:
    return sexp.__sexp__._cdata  # noqa: SLF001


def _dim(sexp: Any) -> tuple[int, ...] | None:
    """The dimensions, or None of a plain vector."""
    rlib = openrlib.rlib
    dim = rlib.Rf_getAttrib(_cdata(sexp), rlib.R_DimSymbol)
    if dim == rlib.R_NilValue:
        return None
    return tuple(openrlib.ffi.unpack(rlib.INTEGER(dim), rlib.Rf_xlength(dim)))


def _attribute(sexp: Any, name: str) -> Any:
    """An attribute, or None where the object has none of that name."""
    try:
        return from_r(sexp.do_slot(name))
    except LookupError:
        return None


def _scalar_or_tuple(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else tuple(values)


def _from_numbers(sexp: Any, array: Any) -> Any:
    if array.size == 1 and _dim(sexp) is None:
        return array.item()
    return array


def _from_integers(sexp: Any) -> Any:
    codes = _copied(sexp, np.int32)
    levels = _attribute(sexp, "levels")
    if levels is not None:
        labels = [levels] if isinstance(levels, str) else list(levels)
        places = np.where(codes == _NA_INTEGER, -1, codes - 1).astype(np.int32)
        kind = pd.CategoricalDtype(labels, ordered="ordered" in tuple(sexp.rclass))
        return pd.Categorical.from_codes(places, dtype=kind)
    missing = codes == _NA_INTEGER
    if missing.any():
        if codes.size == 1:
            return None
        return _from_numbers(sexp, np.where(missing, np.nan, codes))
    return _from_numbers(sexp, codes)


def _from_list(sexp: Any) -> Any:
    names = _attribute(sexp, "names")
    items = [from_r(item) for item in sexp]
    if names is None:
        return tuple(items)
    return dict(zip((names,) if isinstance(names, str) else names, items, strict=True))


def _from_s4(sexp: Any) -> Any:
    (kind, *_) = sexp.rclass
    if kind == "dgCMatrix":
        rows, columns = (int(d) for d in from_r(sexp.do_slot("Dim")))
        x, i, p = (np.atleast_1d(from_r(sexp.do_slot(name))) for name in ("x", "i", "p"))
        return csc_array((x, i, p), shape=(rows, columns))
    return from_r(ri.baseenv["as.matrix"](sexp))
