"""Prose in lines of a readable width, and R's ``cat(..., fill = TRUE)``."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["WIDTH", "fill", "item", "wrapped"]


def fill(words: Iterable[str], *, sep: str = " ", width: int = 80) -> tuple[str, ...]:
    """Lines of the words, a new one begun where the next word would not fit.

    R counts bytes of UTF-8, and a separator after every word; the one before a break is printed,
    so that such a line ends in a blank.

    Parameters
    ----------
    words : iterable of str
        They are not broken, however long.
    sep : str
    width : int
        Bytes to a line.

    Returns
    -------
    tuple of str
        At least one line.

    Examples
    --------
    >>> fill(["Formula:", "y ~ x +", "(x | g)"], width=18)
    ('Formula: y ~ x + ', '(x | g)')
    """
    lines = [""]
    used = 0
    separator = ""
    for word in words:
        taken = len((word + sep).encode())
        lines[-1] += separator
        if used and used + taken > width:
            lines.append("")
            used = 0
        lines[-1] += word
        used += taken
        separator = sep
    return tuple(lines)


#: Of an explanation's lines.
WIDTH: Final = 88


def wrapped(text: str, indent: str = "", *, first: str | None = None) -> str:
    """A paragraph with each line indented.

    Parameters
    ----------
    text : str
        Its own line ends and runs of blanks say nothing.
    indent : str
    first : str, optional
        What the first line begins with instead.
    """
    return textwrap.fill(
        " ".join(text.split()),
        width=WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def item(text: str) -> str:
    """A paragraph as an item of a list."""
    return wrapped(text, "    ", first="  - ")
