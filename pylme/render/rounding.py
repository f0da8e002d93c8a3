"""Rounding to decimals as R has done since version 4.0.0.

Of the two neighbours of x with d decimals, ⌊x·10^d⌋/10^d and ⌈x·10^d⌉/10^d, computed in doubles,
the nearer one is taken; at equal distance the one whose last digit is even.
"""

from __future__ import annotations

import math
from typing import Final

__all__ = ["round_decimals"]

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
    beyond = _power_of_ten(max(0, decimals - _LARGEST_POWER))
    scale = _power_of_ten(min(abs(decimals), _LARGEST_POWER))
    if decimals < 0:
        scale = 1.0 / scale
    scaled = x * beyond * scale
    below = math.floor(scaled) / scale / beyond
    above = math.ceil(scaled) / scale / beyond
    down, up = x - below, above - x
    nearer_below = down < up or (down == up and math.floor(scaled) % 2 == 0)
    return below if nearer_below else above


def _power_of_ten(power: int) -> float:
    """By repeated squaring, whose error R's results show from the 23rd power on."""
    result, square = 1.0, 10.0
    while power:
        if power % 2:
            result *= square
        power //= 2
        square *= square
    return result
