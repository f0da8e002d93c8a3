"""Random numbers of the kinds that bring out how a formatter decides."""

from __future__ import annotations

import math
from random import Random

__all__ = ["number", "seeded", "vector"]

EDGES = (0.0, -0.0, 1.0, -1.0, 0.1, 0.5, 10.0, 1e5, 123456.0, 99999.5, 1e15, 1e-5)
LONG_EXPONENTS = (1e-99, 1e99, 1e-100, 1e100, 5e-324, 1.7e308)


def seeded(seed: int) -> Random:
    """Draws that are the same in every run."""
    return Random(seed)  # noqa: S311, chance and no secret


def number(rng: Random) -> float | None:
    """One number: missing, infinite, at an edge, whole, a decimal, a tie, nines, anything."""
    sign = rng.choice((1.0, -1.0))
    kind = rng.randrange(20)
    if kind == 0:
        return rng.choice((None, math.nan, math.inf, -math.inf))
    if kind == 1:
        return rng.choice(EDGES + LONG_EXPONENTS)
    if kind <= 4:
        return sign * float(rng.randint(0, 10 ** rng.randint(1, 16)))
    if kind <= 8:
        return sign * float(f"{rng.randint(1, 10 ** rng.randint(1, 8))}e{rng.randint(-12, 4)}")
    if kind <= 11:
        # A decimal tie. Beyond 10^22 R's powers of ten are no longer exact, in the table and in the
        # C library, whose error differs from one to the next.
        return sign * float(f"{rng.randint(1, 10 ** rng.randint(1, 4))}5e{rng.randint(-24, 20)}")
    if kind <= 13:
        tail = rng.choice(("9", "99", "5", "95", "49999", "4", "0"))
        return sign * float(f"{'9' * rng.randint(1, 12)}.{tail}e{rng.randint(-6, 6)}")
    if kind <= 15:
        return sign * 10.0 ** rng.uniform(-300, 300)
    return sign * rng.lognormvariate(0, rng.choice((0.5, 2, 5)))


def vector(rng: Random) -> list[float | None]:
    """Numbers of all kinds together, or of one scale as in a column of results."""
    size = rng.choice((1, 1, 2, 3, 4, 6, 9))
    if rng.random() < 0.5:
        return [number(rng) for _ in range(size)]
    scale = 10.0 ** rng.randint(-8, 8)
    decimals = rng.choice((None, 0, 2, 4, 6))
    numbers = [rng.gauss(0, 1) * scale for _ in range(size)]
    return [x if decimals is None else round(x, decimals) for x in numbers]
