"""R's rules for names: reserved words, ``make.names`` and ``make.unique``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CONSTANTS", "KEYWORDS", "is_reserved", "make_name", "make_unique"]

CONSTANTS: Final = frozenset(
    {"TRUE", "FALSE", "NULL", "NA", "NA_integer_", "NA_real_", "NA_character_", "Inf", "NaN"}
)
KEYWORDS: Final = frozenset(
    {"if", "else", "for", "while", "repeat", "next", "break", "function", "in", "NA_complex_"}
)
#: What R takes for the beginning of a name: a letter, or a dot that no digit follows.
_BEGINNING: Final = re.compile(r"[^\W\d_]|\.(?!\d)")


def is_reserved(name: str) -> bool:
    """Whether R's parser takes the name for something other than a variable."""
    return name in CONSTANTS or name in KEYWORDS


def make_name(name: str) -> str:
    """R's ``make.names`` of one name."""
    begun = name if _BEGINNING.match(name) else f"X{name}"
    made = re.sub(r"[^\w.]", ".", begun)
    return f"{made}." if is_reserved(made) else made


def make_unique(names: Sequence[str]) -> tuple[str, ...]:
    """R's ``make.unique``: numbers for the second of a name and those that follow it."""
    taken = set(names)
    seen: set[str] = set()
    numbers: dict[str, int] = {}
    made = []
    for name in names:
        label = name
        if name in seen:
            number = numbers.get(name, 1)
            while (label := f"{name}.{number}") in taken:
                number += 1
            numbers[name] = number + 1
            taken.add(label)
        seen.add(name)
        made.append(label)
    return tuple(made)
