"""Numbers as R writes them: one format for a vector, significant digits, rounding to decimals.

In R's ``format``, every number is shown with the decimals that the most demanding one needs for
`digits` significant digits, in fixed notation unless scientific notation is narrower.

The significant digits that a number needs are counted as R does. It writes |x| = α·10^e with 1 ≤ α
< 10, rounds α to the digits asked for, and drops its trailing zeros. It scales in the 64-bit
significand of the x86 ``long double``, so a decimal tie such as 0.00015 may round otherwise than by
the exact value of the double. That arithmetic is done here in integers: the same answer on every
platform, whether or not it has such a type.

Beyond 10^27 R leaves the power to the C library, which is taken to be rounded correctly.

Rounding to decimals is R's since version 4.0.0. Of the two neighbours of x with d decimals,
⌊x·10^d⌋/10^d and ⌈x·10^d⌉/10^d, computed in doubles, the nearer one is taken; at equal distance the
one whose last digit is even.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Significance", "format_numbers", "round_decimals", "significance"]

_DOUBLE_DIGITS: Final = 15
_LARGEST_POWER: Final = 308


def round_decimals(x: float, decimals: int) -> float:
    """Round to `decimals` places, as R's ``round``.

    Parameters
    ----------
    x : float
        NaN and the infinities stay what they are.
    decimals : int
        Negative to round to tens, hundreds, and so on.

    Examples
    --------
    >>> round_decimals(0.15, 1), round_decimals(2.5, 0), round_decimals(0.285, 2)
    (0.1, 2.0, 0.28)
    """
    if not math.isfinite(x) or x == 0.0 or decimals > _LARGEST_POWER + _DOUBLE_DIGITS:
        return x
    if decimals < -_LARGEST_POWER:
        return 0.0
    if decimals == 0:
        return float(math.copysign(round(abs(x)), x))
    # Where the double holds no digit beyond those asked for, there is nothing to round.
    if decimals + (math.frexp(x)[1] - 1 + 0.5) * math.log10(2.0) > _DOUBLE_DIGITS:
        return x
    return math.copysign(_nearer_neighbour(abs(x), decimals), x)


def _nearer_neighbour(x: float, decimals: int) -> float:
    # Powers beyond the largest double go in two steps; a negative one is a quotient, as in R.
    beyond = _double_power_of_ten(max(0, decimals - _LARGEST_POWER))
    scale = _double_power_of_ten(min(abs(decimals), _LARGEST_POWER))
    if decimals < 0:
        scale = 1.0 / scale
    scaled = x * beyond * scale
    below = math.floor(scaled) / scale / beyond
    above = math.ceil(scaled) / scale / beyond
    down, up = x - below, above - x
    nearer_below = down < up or (down == up and math.floor(scaled) % 2 == 0)
    return below if nearer_below else above


def _double_power_of_ten(power: int) -> float:
    """By repeated squaring, whose error R's results show from the 23rd power on."""
    result, square = 1.0, 10.0
    while power:
        if power % 2:
            result *= square
        power //= 2
        square *= square
    return result


_PRECISION: Final = 64
_LARGEST_TABLED_POWER: Final = 27


@dataclass(frozen=True, slots=True, kw_only=True)
class Significance:
    """The decimal shape of a number.

    Attributes
    ----------
    exponent : int
        Of ten, after rounding.
    digits : int
        Significant digits needed, at least 1 and at most those asked for.
    widens : bool
        Whether rounding to significant digits brought the number to the next power of ten, while
        in fixed notation, which shows more of its digits, it stays below.
    """

    exponent: int
    digits: int
    widens: bool


def significance(x: float, digits: int) -> Significance:
    """The decimal shape of a finite number at `digits` significant digits.

    Parameters
    ----------
    x : float
        Finite.
    digits : int
        From 1 to 22.
    """
    r = abs(x)
    if r == 0.0:
        return Significance(exponent=0, digits=1, widens=False)
    if digits > _DOUBLE_DIGITS:
        mantissa, power_text = f"{r:.{digits - 1}e}".split("e")
        shown = mantissa.replace(".", "").rstrip("0")
        return Significance(exponent=int(power_text), digits=max(1, len(shown)), widens=False)
    power = math.floor(math.log10(r)) - digits + 1
    scaled = _scaled(r, power)
    if scaled < 10 ** (digits - 1):
        scaled = _extended(scaled * 10)
        power -= 1
    alpha = str(round(scaled))
    exponent = power + len(alpha) - 1
    # R compares with a margin of half a unit of the last decimal that fixed notation shows.
    decimals = max(0, digits - exponent)
    return Significance(
        exponent=exponent,
        digits=len(alpha.rstrip("0")),
        widens=exponent > 0 and Fraction(r) + Fraction(1, 2 * 10**decimals) < 10**exponent,
    )


def _scaled(r: float, power: int) -> Fraction:
    """The value r / 10^power, to the precision of a long double."""
    ten = _power_of_ten(abs(power) if abs(power) <= _LARGEST_TABLED_POWER else power)
    if -_LARGEST_TABLED_POWER <= power <= 0:
        return _extended(Fraction(r) * ten)
    return _extended(Fraction(r) / ten)


@cache
def _power_of_ten(power: int) -> Fraction:
    if abs(power) <= _LARGEST_TABLED_POWER:
        # R's table is of double literals: from 1e23 on they are not exact.
        return Fraction(float(f"1e{power}"))
    return _extended(Fraction(10) ** power)


def _extended(value: Fraction) -> Fraction:
    """Round a positive number to a significand of 64 bits, ties to even."""
    unit = value.numerator.bit_length() - value.denominator.bit_length() - _PRECISION
    ulp = Fraction(2) ** unit
    if value / ulp >= 1 << _PRECISION:
        ulp *= 2
    return round(value / ulp) * ulp


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
