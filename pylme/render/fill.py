"""Words laid into lines as R's ``cat(..., fill = TRUE)`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["fill"]


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
