"""Names shortened until they differ, as R's ``abbreviate``.

A name loses, from its end and never its first letter, only as many letters as it must: first
lower case vowels, then other lower case letters, then whatever there is; of each kind first those
that end a word, then those within. A word ends at a blank. Blanks themselves go last.

Before R 4.6 lower case is that of ASCII alone. For characters beyond Latin-1 R's own answer is not
defined there (it reads past the end of a table), so the result may differ from R's.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from pylme.versions import has

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["abbreviate"]

_VOWELS: Final = frozenset("aeiou")
_WIDE_VOWELS: Final = _VOWELS | frozenset("àáâãäåèéêëìíîïòóôõöøùúûüāăąēĕėęěĩīĭįıōŏőũūŭůűų")
# The set of R before 4.6 for names that are not ASCII, with its two slips: the full stop where â,
# and Ę where ę was meant. They decide what a name with umlauts and dots is shortened to.
_OLD_WIDE_VOWELS: Final = _WIDE_VOWELS - frozenset("âę") | frozenset(".Ę")
_LOWER: Final = frozenset("abcdefghijklmnopqrstuvwxyz")
_BLANKS: Final = frozenset(" \t\n\v\f\r")


def abbreviate(names: Sequence[str], minlength: int = 4) -> list[str]:
    """Shorten names to `minlength` letters where they stay distinct, else to more.

    Equal names get equal abbreviations.

    Parameters
    ----------
    names : sequence of str
    minlength : int
        At least 1.

    Examples
    --------
    >>> abbreviate(["(Intercept)", "ses", "ses:sectorCatholic"], minlength=6)
    ['(Intr)', 'ses', 'ss:scC']
    """
    stripped = [name.strip(" ") for name in names]
    short = {name: _shortened(name, minlength) for name in stripped}
    longest = max(map(len, short), default=0)
    while minlength < longest:
        minlength += 1
        shared = Counter(short.values())
        clashing = [name for name, text in short.items() if shared[text] > 1]
        if not clashing:
            break
        short |= {name: _shortened(name, minlength) for name in clashing}
    return [short[name] for name in stripped]


def _shortened(name: str, minlength: int) -> str:
    """One name with its letters dropped until `minlength` are left besides the blanks."""
    letters = list(name.lstrip("".join(_BLANKS)))
    goal = minlength + sum(letter in _BLANKS for letter in letters)
    vowels, lower = _VOWELS, _LOWER
    if not name.isascii():
        new = has("abbreviate")
        vowels = _WIDE_VOWELS if new else _OLD_WIDE_VOWELS
        lower = frozenset(filter(str.islower, letters)) if new else _LOWER
    for kind, where in (
        (vowels, _ends_word),
        (vowels, _within_word),
        (lower, _ends_word),
        (lower, _within_word),
        (None, _within_word),
    ):
        _drop(letters, kind, where, goal)
    if len(letters) <= minlength:
        return "".join(letters)
    return "".join(letters[:1] + [letter for letter in letters[1:] if letter not in _BLANKS])


def _drop(
    letters: list[str],
    kind: frozenset[str] | None,
    where: Callable[[list[str], int], bool],
    goal: int,
) -> None:
    """Drop letters of a kind, or of any, from the end, until `goal` are left."""
    for i in range(len(letters) - 1, 0, -1):
        if len(letters) <= goal:
            return
        if letters[i] not in _BLANKS and (kind is None or letters[i] in kind) and where(letters, i):
            del letters[i]


def _within_word(letters: list[str], i: int) -> bool:
    return letters[i - 1] not in _BLANKS


def _ends_word(letters: list[str], i: int) -> bool:
    last = i + 1 == len(letters) or letters[i + 1] in _BLANKS
    return last and _within_word(letters, i)
