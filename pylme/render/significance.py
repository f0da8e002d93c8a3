"""How many significant digits a number needs, as R counts them.

R writes |x| = α·10^e with 1 ≤ α < 10, rounds α to the digits asked for, and drops its trailing
zeros. It scales in the 64-bit significand of the x86 ``long double``, so a decimal tie such as
0.00015 may round otherwise than by the exact value of the double. That arithmetic is done here in
integers: the same answer on every platform, whether or not it has such a type.

Beyond 10^27 R leaves the power to the C library, which is taken to be rounded correctly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Final

__all__ = ["Significance", "significance"]

_PRECISION: Final = 64
_LARGEST_TABLED_POWER: Final = 27
_DOUBLE_DIGITS: Final = 15


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
