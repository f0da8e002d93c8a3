"""Prose in lines of a readable width."""

from __future__ import annotations

import textwrap
from typing import Final

__all__ = ["WIDTH", "item", "wrapped"]

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
