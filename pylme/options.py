"""Options that take one of a few values, checked in one place.

What is allowed is written once, as a `Literal`: the type checker, the check at run time and the
error message all read it.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any, TypeGuard, TypeVar, cast, get_args

from pylme.errors import OptionError

__all__ = ["choice", "is_number"]

T = TypeVar("T")


def choice(option: str, value: T, allowed: Any) -> T:
    """`value`, if it is one of the values of the `Literal` type `allowed`.

    Raises
    ------
    OptionError
        Listing what is allowed and the nearest match.
    """
    values = cast("tuple[T, ...]", get_args(allowed))
    if value not in values:
        raise OptionError(option=option, value=value, allowed=values)
    return value


def is_number(value: object) -> TypeGuard[float]:
    """Whether the value is a number: not a bool, not NaN; NumPy's numbers are."""
    if isinstance(value, bool):
        return False
    return isinstance(value, Real) and not math.isnan(value)
