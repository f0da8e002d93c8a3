"""Colours that the colour-blind can tell apart, and names as they stand in a picture.

The colours are those of Okabe and Ito (2008), Color universal design. Each goes with a marker and a
line of its own, so that a picture can be printed in grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["BLUE", "DARK", "GREY", "LIGHT", "ORANGE", "STYLES", "Style", "shown"]

BLUE: Final = "#0072b2"
ORANGE: Final = "#d55e00"
DARK: Final = "#333333"
GREY: Final = "#999999"
LIGHT: Final = "#dddddd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How one of several things is drawn."""

    color: str
    marker: str
    line: str


STYLES: Final = tuple(
    Style(color=color, marker=marker, line=line)
    for color, marker, line in (
        (BLUE, "o", "-"),
        (ORANGE, "s", "--"),
        ("#009e73", "^", "-."),
        ("#cc79a7", "D", ":"),
        ("#e69f00", "v", "-"),
        ("#56b4e9", "P", "--"),
        ("#000000", "X", "-."),
    )
)


def shown(name: object, *, most: int = 40) -> str:
    """A name as matplotlib is to show it: as it is, and no longer than `most`.

    A dollar sign would begin a formula, an underscore in front would hide the name from a legend.
    """
    text = str(name)
    if len(text) > most:
        text = f"{text[: most - 1]}…"
    return text.replace("$", r"\$").replace("_", " _", 1 if text.startswith("_") else 0)
