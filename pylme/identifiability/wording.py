"""Combinations of parameters in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["combination"]


def combination(names: Sequence[str], weights: Sequence[float], *, most: int = 6) -> str:
    """A sum, as "a - 0.5 b"; beyond `most` parts only their number is said."""
    text = ""
    for name, weight in list(zip(names, weights, strict=True))[:most]:
        size = f"{abs(weight):.6g}"
        sign = ("-" if weight < 0 else "") if not text else (" - " if weight < 0 else " + ")
        text += f"{sign}{name}" if size == "1" else f"{sign}{size} {name}"
    rest = len(names) - most
    return f"{text} + … ({rest} more)" if rest > 0 else text or "0"
