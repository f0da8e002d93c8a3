"""Lists of names, counts, and combinations of parameters in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["combination", "counted", "listed"]


def listed(names: Sequence[str], *, most: int = 6) -> str:
    """Names as in "a, b and c"; beyond `most` of them only their number is said."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def counted(number: int, noun: str) -> str:
    """A number and its noun, as "1 row" and "2 rows"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def combination(names: Sequence[str], weights: Sequence[float], *, most: int = 6) -> str:
    """A sum, as "a - 0.5 b"; beyond `most` parts only their number is said."""
    text = ""
    for name, weight in list(zip(names, weights, strict=True))[:most]:
        size = f"{abs(weight):.6g}"
        sign = ("-" if weight < 0 else "") if not text else (" - " if weight < 0 else " + ")
        text += f"{sign}{name}" if size == "1" else f"{sign}{size} {name}"
    rest = len(names) - most
    return f"{text} + … ({rest} more)" if rest > 0 else text or "0"
