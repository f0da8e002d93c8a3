"""Options that take one of a few values, checked in one place.

What is allowed is written once, as a `Literal`: the type checker, the check at run time and the
error message all read it.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast, get_args

from pylme.errors import OptionError

__all__ = ["choice"]

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
