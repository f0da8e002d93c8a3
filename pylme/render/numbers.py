"""Numbers as R's ``format`` writes them: one format for all numbers of a vector.

Every number is shown with the decimals that the most demanding one needs for `digits` significant
digits, in fixed notation unless scientific notation is narrower.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from pylme.render.significance import significance

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["format_numbers"]

_MOST_DIGITS: Final = 22
_MOST_DECIMALS: Final = 27


def format_numbers(values: Iterable[float | None], digits: int = 7, nsmall: int = 0) -> list[str]:
    """Format numbers alike and to one width, as R's ``format(x, digits=, nsmall=)``.

    Parameters
    ----------
    values : iterable of float or None
        None is R's NA.
    digits : int
        Significant digits wanted, from 1 to 22.
    nsmall : int
        Fewest decimals in fixed notation.

    Returns
    -------
    list of str
        All of one width, padded on the left.

    Raises
    ------
    ValueError
        If `digits` is not between 1 and 22.

    Examples
    --------
    >>> format_numbers([612.1, 35.07179, None], digits=4)
    ['612.10', ' 35.07', '    NA']
    >>> format_numbers([1e-10, 0.5])
    ['1e-10', '5e-01']
    """
    if not 1 <= digits <= _MOST_DIGITS:
        raise ValueError(f"digits must be from 1 to {_MOST_DIGITS}, not {digits}")
    numbers = [None if value is None else float(value) for value in values]
    finite = [x for x in numbers if x is not None and math.isfinite(x)]
    layout, width = _layout(finite, digits, nsmall) if finite else (".0f", 0)
    cells = [_cell(x, layout) for x in numbers]
    width = max([width, *map(len, cells)])
    return [cell.rjust(width) for cell in cells]


def _layout(numbers: Sequence[float], digits: int, nsmall: int) -> tuple[str, int]:
    """The format specification that suits all numbers, and the width that R reserves for it.

    The width may exceed that of every cell: R reserves a place for the sign and one for a third
    digit of the exponent even where no number needs both.
    """
    shapes = [significance(x, digits) for x in numbers]
    decimals = max(0, *(shape.digits - shape.exponent - 1 for shape in shapes))
    decimals = min(decimals, _MOST_DECIMALS)
    left = max(
        (x < 0) + max(1, shape.exponent + 1 - shape.widens)
        for x, shape in zip(numbers, shapes, strict=True)
    )
    fixed_width = left + decimals + (decimals > 0)
    mantissa = max(shape.digits for shape in shapes) - 1
    exponents = [shape.exponent for shape in shapes]
    long_exponent = max(exponents) >= 100 or min(exponents) <= -100
    negative = any(x < 0 for x in numbers)
    scientific_width = negative + (mantissa > 0) + mantissa + 5 + long_exponent
    if fixed_width <= scientific_width:
        decimals = max(decimals, nsmall)
        return f".{decimals}f", left + decimals + (decimals > 0)
    return f".{mantissa}e", scientific_width


def _cell(x: float | None, layout: str) -> str:
    if x is None:
        return "NA"
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "Inf" if x > 0 else "-Inf"
    return format(x + 0.0, layout)  # the sum makes a zero positive
