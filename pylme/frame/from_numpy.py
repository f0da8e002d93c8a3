"""NumPy arrays as columns; of Python objects, all must be of one kind."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from pylme.errors import ColumnTypeError, ColumnValueError
from pylme.frame.labels import zone_name
from pylme.frame.raw import Plain, misfit_of, plain_floats, plain_times, refusal
from pylme.frame.typed import sorted_strings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.frame.raw import Misfit, Raw

__all__ = ["from_numpy", "from_objects"]


Kind = Literal["truth values", "integers", "numbers", "strings", "timestamps", "dates"]

#: The first that fits decides: a timestamp is a date to Python, a duration an integer to NumPy.
_KINDS: Final[tuple[tuple[tuple[type, ...], Kind | None], ...]] = (
    ((np.timedelta64,), None),
    ((bool, np.bool_), "truth values"),
    ((int, np.integer), "integers"),
    ((float, np.floating, Decimal), "numbers"),
    ((str,), "strings"),
    ((dt.datetime, np.datetime64), "timestamps"),
    ((dt.date,), "dates"),
)
_EXACT: Final = 2**53


def from_objects(column: str, objects: NDArray[np.object_]) -> Raw:
    """A column of Python objects.

    Missing are None, NaN, NaT, pandas' NA, and rpy2's NAs of any type.

    Raises
    ------
    ColumnTypeError
        If there is a value of a type that cannot be converted to R, or values of several kinds.
    ColumnValueError
        If an integer is beyond the range in which it can be carried over exactly.
    """
    missing = _missing(objects)
    present = np.flatnonzero(~missing)
    values = objects[present].tolist()
    if not values:
        return Plain(array=np.zeros(len(objects)), missing=missing)
    kinds = {kind: _kind(kind) for kind in set(map(type, values))}
    found = set(kinds.values())
    if found == {"integers", "numbers"}:
        found = {"numbers"}
    if None in found:
        raise _misfit(column, values, present, kinds)
    if len(found) > 1:
        raise _mixture(column, values, present, kinds)
    absent = missing if len(values) < len(objects) else None
    match found.pop():
        case "truth values":
            return Plain(array=_spread(values, absent, bool), missing=absent)
        case "integers":
            return Plain(array=_spread(_bounded(column, values), absent, np.int64), missing=absent)
        case "numbers":
            _bounded(column, values, exact=_EXACT)
            return plain_floats(_spread(values, absent, np.float64), absent)
        case "dates":
            return plain_times(_spread(values, absent, "M8[D]"), absent)
        case "timestamps":
            return _timestamps(column, values, absent)
        case _:
            return _strings(values, absent)


def _missing(objects: NDArray[np.object_]) -> NDArray[np.bool_]:
    missing = pd.isna(objects)
    foreign = {
        kind for kind in set(map(type, objects.tolist())) if kind.__module__.startswith("rpy2.")
    }
    if foreign:
        missing |= np.fromiter(
            (type(v) in foreign and type(v).__name__.startswith("NA") for v in objects),
            dtype=bool,
            count=len(objects),
        )
    return missing


def _kind(kind: type) -> Kind | None:
    return next((name for types, name in _KINDS if issubclass(kind, types)), None)


def _spread(values: Sequence[Any], missing: NDArray[np.bool_] | None, dtype: Any) -> NDArray[Any]:
    """The values as an array, set into the rows where they are not missing."""
    array = np.array(values, dtype=dtype)
    if missing is None:
        return array
    spread = np.zeros(len(missing), dtype=dtype)
    spread[~missing] = array
    return spread


def _bounded(column: str, values: list[Any], *, exact: int = 2**63 - 1) -> list[Any]:
    """The values, if every integer among them is within bounds."""
    for value in values:
        if isinstance(value, (int, np.integer)) and not -exact <= value <= exact:
            raise ColumnValueError(
                column=column,
                found=f"the integer {value} is too large to be carried over exactly",
                remedy="Turn the column into strings if it names something, else into floats.",
            )
    return values


def _strings(values: list[str], missing: NDArray[np.bool_] | None) -> Raw:
    codes, uniques = pd.factorize(np.array(values, dtype=object))
    if missing is not None:
        spread = np.full(len(missing), -1)
        spread[~missing] = codes
        codes = spread
    return sorted_strings(codes, uniques.tolist())


def _timestamps(column: str, values: list[Any], missing: NDArray[np.bool_] | None) -> Raw:
    zones = {getattr(value, "tzinfo", None) for value in values}
    if zones != {None}:
        if None in zones:
            raise ColumnTypeError(
                column=column,
                dtype="object",
                found="some of its timestamps have a time zone and some have none",
                remedy="Give all of them one, in pandas with .dt.tz_localize().",
            )
        values = [value.astimezone(dt.UTC).replace(tzinfo=None) for value in values]
    names = {zone_name(zone) for zone in zones}
    return plain_times(
        _spread(values, missing, "M8[us]"), missing, names.pop() if len(names) == 1 else "UTC"
    )


def _misfit(
    column: str, values: list[Any], rows: NDArray[np.intp], kinds: dict[type, Kind | None]
) -> ColumnTypeError:
    row, kind = _first(values, rows, {kind for kind, name in kinds.items() if name is None})
    return refusal(
        column, "object", misfit_of(kind), where=f" ({kind.__name__} in row {row}, counted from 0)"
    )


def _mixture(
    column: str, values: list[Any], rows: NDArray[np.intp], kinds: dict[type, Kind | None]
) -> ColumnTypeError:
    firsts = sorted(
        _first(values, rows, {kind for kind in kinds if kinds[kind] == name})
        for name in set(kinds.values())
    )
    found = ", ".join(f"{kind.__name__} (first in row {row})" for row, kind in firsts)
    return ColumnTypeError(
        column=column,
        dtype="object",
        found=f"its values are of several kinds: {found}, counted from 0",
        remedy="Make them all of one kind, in pandas with .astype(str) or pandas.to_numeric().",
    )


def _first(values: list[Any], rows: NDArray[np.intp], kinds: set[type]) -> tuple[int, type]:
    return next(
        (int(row), type(value))
        for row, value in zip(rows, values, strict=True)
        if type(value) in kinds
    )


_MISFITS: dict[str, Misfit] = {"c": "complex", "m": "duration", "S": "bytes", "V": "nested"}


def from_numpy(column: str, array: np.ndarray[Any, Any]) -> Raw:
    """A one-dimensional array, masked or not.

    Raises
    ------
    ColumnTypeError
        If it has another shape, or a type that cannot be converted to R.
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
