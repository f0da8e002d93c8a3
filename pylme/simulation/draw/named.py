"""Numbers by name, or in the order of the names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pylme.errors import OptionError, UnknownNameError
from pylme.options import number_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["named_vector"]


def named_vector(
    option: str, given: ArrayLike | Mapping[str, float], names: Sequence[str]
) -> NDArray[np.float64]:
    """One finite number for each name.

    Parameters
    ----------
    option : str
        What to call it in an error.
    given : array_like, mapping or Series
        By name, or in the order of `names`; a number will do where there is one name.
    names : sequence of str

    Raises
    ------
    UnknownNameError
        If a name is none of these.
    OptionError
        If a number is missing, too much, or not finite.
    """
    by_name = given.to_dict() if isinstance(given, pd.Series) else given
    values: Any = given
    if isinstance(by_name, Mapping):
        for name in by_name:
            if name not in names:
                raise UnknownNameError(what=f"name in {option}", name=str(name), known=tuple(names))
        if missing := [name for name in names if name not in by_name]:
            raise OptionError(
                option=option, value=dict(by_name), allowed=f"a number for {missing[0]!r} too"
            )
        values = [by_name[name] for name in names]
    numbers = number_array(values)
    vector = np.atleast_1d(np.nan if numbers is None else numbers)
    if vector.shape != (len(names),) or not np.isfinite(vector).all():
        raise OptionError(
            option=option,
            value=given,
            allowed=f"{len(names)} finite number{'s' * (len(names) > 1)}, for {', '.join(names)}",
        )
    return vector
