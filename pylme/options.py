"""Options that take one of a few values, checked in one place.

What is allowed is written once, as a `Literal`: the type checker, the check at run time and the
error message all read it.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar, cast, get_args

from pylme.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["choice", "finite_numbers", "is_number", "whole_number"]

T = TypeVar("T")


def choice(option: str, value: T, allowed: Any) -> T:
    """`value`, if it is one of the values of the `Literal` type `allowed`.

    Raises
    ------
    OptionError
        Listing what is allowed and the nearest match.
    """
    values = cast("tuple[T, ...]", get_args(allowed))
    # By type first: an array compares with each, and True is 1.
    if not any(type(value) is type(known) and value == known for known in values):
        raise OptionError(option=option, value=value, allowed=values)
    return value


def is_number(value: object) -> TypeGuard[float]:
    """Whether the value is a number: not a bool, not NaN; NumPy's numbers are."""
    if isinstance(value, bool):
        return False
    return isinstance(value, Real) and not math.isnan(value)


def finite_numbers(option: str, values: ArrayLike) -> NDArray[np.float64]:
    """`values` as an array of finite numbers, of one dimension.

    Raises
    ------
    OptionError
        If they are anything else.
    """
    import numpy as np

    try:
        array = np.atleast_1d(np.asarray(values, np.float64))
    except (TypeError, ValueError):
        array = np.array([np.nan])
    if array.ndim != 1 or not np.isfinite(array).all():
        raise OptionError(option=option, value=values, allowed="a sequence of finite numbers")
    return array


def whole_number(option: str, value: object, *, least: int) -> int:
    """`value`, if it is a whole number of at least `least`; NumPy's are.

    Raises
    ------
    OptionError
        If it is anything else.
    """
    truth = isinstance(value, bool)
    number = int(value) if isinstance(value, Integral) else least - 1
    if truth or number < least:
        raise OptionError(option=option, value=value, allowed=f"a whole number from {least}")
    return number
