"""Options that take one of a few values, checked in one place.

What is allowed is written once, as a `Literal`: the type checker, the check at run time and the
error message all read it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Final, Literal, TypeGuard, TypeVar, cast, get_args

from pylme.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Engine",
    "EngineName",
    "Rng",
    "choice",
    "finite_numbers",
    "headings",
    "is_number",
    "is_whole",
    "mapping",
    "number_array",
    "optional_text",
    "quadrature_points",
    "text",
    "true_or_false",
    "whole_number",
    "workers",
]

#: The engines that fit models.
EngineName = Literal["lme4", "numpy"]
#: What a caller may ask for: "auto" is the first engine that can start and can fit the model.
Engine = Literal["auto", EngineName]
#: Whose random numbers are drawn.
Rng = Literal["numpy", "R"]
T = TypeVar("T")
#: lme4's own limit of quadrature points.
MOST_POINTS: Final = 100
#: More is never meant, and what counts to it would not come back.
_MOST: Final = 2**31 - 1


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
    """Whether the value is a number that a double holds: not a bool, not NaN; NumPy's are."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    if isinstance(value, Integral):
        return abs(int(value)) <= sys.float_info.max
    return not math.isnan(value)


def is_whole(value: object) -> bool:
    """Whether the value is a whole number: not a bool; NumPy's are."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def finite_numbers(option: str, values: ArrayLike) -> NDArray[np.float64]:
    """`values` as an array of finite numbers, of one dimension.

    Raises
    ------
    OptionError
        If they are anything else.
    """
    import numpy as np

    array = number_array(values)
    if array is None or array.ndim > 1 or not np.isfinite(array).all():
        raise OptionError(option=option, value=values, allowed="a sequence of finite numbers")
    return np.atleast_1d(array)


def number_array(values: object) -> NDArray[np.float64] | None:
    """`values` as an array of doubles of any shape; None where they are no real numbers."""
    import numpy as np

    try:
        array = np.asarray(values)
        # What NumPy would make numbers of too: texts, truth values, complex numbers, times.
        if array.size and array.dtype.kind not in "iufO":
            return None
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return None


def headings(option: str, value: object, n: int) -> list[str]:
    """`n` different names: those of `value`, or where that is None (1), (2), ….

    Raises
    ------
    OptionError
        If it is anything else.
    """
    if value is None:
        return [f"({i + 1})" for i in range(n)]
    names = list(value) if isinstance(value, list | tuple) else []
    if len(names) != n or not all(isinstance(name, str) for name in names) or len({*names}) < n:
        allowed = f"{n} different names, one for each fit"
        raise OptionError(option=option, value=value, allowed=allowed)
    return names


def text(option: str, value: object) -> str:
    """`value`, if it is a text.

    Raises
    ------
    OptionError
        If it is anything else.
    """
    if not isinstance(value, str):
        raise OptionError(option=option, value=value, allowed="a string")
    return value


def optional_text(option: str, value: object) -> str | None:
    """`value`, if it is a string or None.

    Raises
    ------
    OptionError
        If it is anything else.
    """
    if value is not None and not isinstance(value, str):
        raise OptionError(option=option, value=value, allowed="a string or None")
    return value


def mapping(option: str, value: object, *, allowed: str) -> Mapping[Any, Any]:
    """`value`, if it is a mapping; `allowed` says of what.

    Raises
    ------
    OptionError
        If it is anything else.
    """
    if not isinstance(value, Mapping):
        raise OptionError(option=option, value=value, allowed=allowed)
    return value


def true_or_false(option: str, value: object) -> bool:
    """`value`, if it is True or False; NumPy's are.

    Raises
    ------
    OptionError
        If it is anything else.
    """
    import numpy as np

    if not isinstance(value, bool | np.bool_):
        raise OptionError(option=option, value=value, allowed=(True, False))
    return bool(value)


def workers(option: str, value: object) -> int | None:
    """A number of worker processes, as joblib has it.

    Raises
    ------
    OptionError
        If it is neither None nor a whole number other than 0.
    """
    if value is None:
        return None
    if not is_whole(value) or not 0 < abs(int(cast("int", value))) <= _MOST:
        allowed = "a whole number of processes from 1, -1 for one per processor, or None"
        raise OptionError(option=option, value=value, allowed=allowed)
    return int(cast("int", value))


def quadrature_points(option: str, value: object) -> int:
    """`value`, if it is a number of points of a quadrature: from 2 to 100.

    Raises
    ------
    OptionError
        If it is anything else.
    """
    if not is_whole(value) or not 2 <= int(cast("int", value)) <= MOST_POINTS:
        raise OptionError(
            option=option, value=value, allowed=f"a whole number from 2 to {MOST_POINTS}"
        )
    return int(cast("int", value))


def whole_number(option: str, value: object, *, least: int) -> int:
    """`value`, if it is a whole number of at least `least`; NumPy's are.

    Raises
    ------
    OptionError
        If it is anything else.
    """
    number = int(cast("int", value)) if is_whole(value) else least - 1
    if not least <= number <= _MOST:
        raise OptionError(option=option, value=value, allowed=f"a whole number from {least}")
    return number
