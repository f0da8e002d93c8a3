"""Names of columns that R cannot have, whatever quotes are put around them."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from pylme.errors import ColumnValueError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["require_names"]

_DOTS: Final = re.compile(r"\.\.(\.|\d+)")
#: The names of R's model frame for what is no variable of the formula.
_MODEL_FRAME: Final = frozenset({"(weights)", "(offset)", "(etastart)", "(mustart)"})
_REMEDY: Final = "Rename the column, in pandas with .rename(columns={{{!a}: 'renamed'}})."
_LAST_ASCII: Final = "\x7f"
#: The parser of R has a buffer of 8192 bytes for a name or a text.
_MOST_BYTES: Final = 8000
#: Characters of a long name in a message.
_MOST_SHOWN: Final = 60
#: lme4 looks for these operators in a formula, and takes the name of a column for the operator.
_OPERATORS: Final = frozenset({"|", "||", "/", ":"})
#: The invisible characters that turn the direction of text, which R's parser refuses.
_DIRECTIONS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
#: R writes these as Unicode escapes, which its own parser refuses between back-quotes; lme4 writes
#: and reads each random-effects term.
_ESCAPED: Final = {
    "Cc": "a control character",
    "Cn": "a code point without a character",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}


def require_names(names: Iterable[str]) -> None:
    """Raise for a name that R, or lme4, cannot read as the name of a column.

    Raises
    ------
    ColumnValueError
    """
    for name in names:
        if (found := _fault(name)) is not None:
            shown = name if len(name) <= _MOST_SHOWN else f"{name[:_MOST_SHOWN]}…"
            raise ColumnValueError(column=shown, found=found, remedy=_REMEDY.format(shown))


def _fault(name: str) -> str | None:
    if not name:
        return "its name is the empty string, and R has no column of that name"
    if _DOTS.fullmatch(name):
        return "R keeps this name for itself, and no quotes change that"
    if name in _MODEL_FRAME:
        return "R's model frame keeps the weights or offsets of a model under this name"
    if name in _OPERATORS:
        return "lme4 takes a column of this name for the operator"
    if (size := len(name.encode("utf-8", "surrogatepass"))) > _MOST_BYTES:
        return f"its name has {size} bytes, and R can read names of up to {_MOST_BYTES}"
    if "\0" in name:
        return "its name holds a NUL character, which no name in R can"
    for character in name:
        if character in _DIRECTIONS:
            return (
                f"its name holds an invisible character ({character!a}) that turns the direction "
                "of text, and R refuses it"
            )
        category = unicodedata.category(character)
        if category == "Cs":
            return "its name holds half of a surrogate pair, which is no character"
        if category in _ESCAPED and character > _LAST_ASCII:
            return f"its name holds {_ESCAPED[category]} ({character!a}), which lme4 cannot read"
    return None
