"""Words of messages and reports: lists of names, sums of terms, counts with nouns, near names."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["combination", "counted", "listed", "nearest", "quoted", "suggestion"]


def listed(names: Sequence[str], *, most: int = 12) -> str:
    """Names as in "a, b and c"; beyond `most` of them only their number is given."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def counted(number: int, noun: str) -> str:
    """A number and its noun, as "1 row" and "2,000 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def quoted(names: Iterable[object], *, most: int = 12) -> str:
    """Names in quotes, separated by commas; beyond `most` of them only their number is given."""
    shown = [repr(str(name)) for name in names]
    rest = len(shown) - most
    return ", ".join(shown[:most]) + (f" and {rest} more" if rest > 0 else "")


def nearest(name: object, known: Iterable[str]) -> tuple[str, ...]:
    """Up to three of the known names that look most like `name`, without regard to case."""
    if not isinstance(name, str):
        return ()
    by_lower: dict[str, str] = {}
    for candidate in known:
        by_lower.setdefault(candidate.lower(), candidate)
    found = get_close_matches(name.lower(), list(by_lower), n=3, cutoff=0.6)
    return tuple(by_lower[lower] for lower in found)


def suggestion(name: object, known: Sequence[str]) -> str:
    """'Did you mean …?' where a known name is near, else the list of what there is."""
    near = nearest(name, known)
    if near:
        return f"Did you mean {' or '.join(repr(candidate) for candidate in near)}?"
    return f"There are: {quoted(known)}." if known else "There are none."


def combination(names: Sequence[str], weights: Sequence[float], *, most: int = 6) -> str:
    """A sum, as "a - 0.5 b"; beyond `most` parts only their number is said."""
    text = ""
    for name, weight in list(zip(names, weights, strict=True))[:most]:
        size = f"{abs(weight):.6g}"
        sign = ("-" if weight < 0 else "") if not text else (" - " if weight < 0 else " + ")
        text += f"{sign}{name}" if size == "1" else f"{sign}{size} {name}"
    rest = len(names) - most
    return f"{text} + … ({rest} more)" if rest > 0 else text or "0"
