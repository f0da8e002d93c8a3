"""A column that was read, over the rows that stay, as one of R's types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.arrays import locked
from pylme.errors import ColumnValueError
from pylme.frame.columns import Date, Integer, Logical, Numeric, Timestamp
from pylme.frame.factors import factor_of_codes, factor_of_values
from pylme.frame.raw import Coded
from pylme.frame.times import is_days, seconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.frame.columns import Column
    from pylme.frame.raw import Raw

__all__ = ["typed"]

#: The largest integer of R's, whose negative is the smallest: -2^31 is R's NA.
_INT_MAX: Final = 2**31 - 1
#: Up to here every integer is a double.
_EXACT: Final = 2**53


def typed(column: str, raw: Raw, *, as_factor: bool) -> Column:
    """A column of R's types.

    Parameters
    ----------
    column : str
        Its name, for messages.
    raw : Plain or Coded
        Without missing values.
    as_factor : bool
        Whether numbers, truth values and times shall be levels of a factor.

    Raises
    ------
    ColumnValueError
        If a value cannot be carried over exactly.
    """
    if isinstance(raw, Coded):
        return factor_of_codes(column, raw)
    if as_factor:
        return factor_of_values(raw)
    values = raw.array
    match values.dtype.kind:
        case "b":
            return Logical(values=locked(values))
        case "f":
            return Numeric(values=locked(values))
        case "M" if is_days(values):
            return Date(values=locked(values.astype(np.int64).astype(np.float64)))
        case "M":
            return Timestamp(values=locked(seconds(values)), tz=raw.tz)
        case _:
            return _integers(column, values)


def _integers(column: str, values: NDArray[Any]) -> Integer | Numeric:
    low, high = int(values.min()), int(values.max())
    if low >= -_INT_MAX and high <= _INT_MAX:
        return Integer(values=locked(values.astype(np.int32, copy=False)))
    if low >= -_EXACT and high <= _EXACT:
        return Numeric(values=locked(values.astype(np.float64)))
    first = next(value for value in values.tolist() if abs(value) > _EXACT)
    raise ColumnValueError(
        column=column,
        found=f"the integer {first} is beyond 2^53, up to which a double in R is exact",
        remedy="Turn it into strings if it names something, else into floats.",
    )
