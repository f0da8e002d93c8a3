"""How wide a text stands on a terminal, and what stands for characters that cannot be shown."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pylme.render.document import Align

__all__ = ["display_width", "escaped", "justified", "printable"]

_UNSHOWN: Final = frozenset({"Cc", "Cn", "Cs", "Zl", "Zp"})
_WITHOUT_WIDTH: Final = frozenset({"Mn", "Me", "Cf"})
_NAMED: Final = {
    "\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v",
}  # fmt: skip


def display_width(text: str) -> int:
    """Columns that a text takes: two for a wide character, none for a combining one."""
    return len(text) if text.isascii() else sum(map(_width, text))


def justified(text: str, width: int, align: Align) -> str:
    """The text with blanks up to `width` columns."""
    blanks = " " * (width - display_width(text))
    return text + blanks if align == "left" else blanks + text


def printable(text: str) -> str:
    r"""The text with control characters as R's escapes, such as ``\n`` or ``\u0085``."""
    if text.isprintable():
        return text
    return "".join(_escape(c) if unicodedata.category(c) in _UNSHOWN else c for c in text)


def escaped(text: str) -> str:
    """As `printable`, backslashes doubled: how R prints a string without quotes."""
    return printable(text.replace("\\", "\\\\"))


def _width(character: str) -> int:
    # A soft hyphen takes a column on terminals, and Hangul vowels and finals join the initial.
    if character == "\u00ad":
        return 1
    if "\u1160" <= character <= "\u11ff" or unicodedata.category(character) in _WITHOUT_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _escape(character: str) -> str:
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if code < 0x80:
        return f"\\{code:03o}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
