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
            raise ColumnValueError(column=name, found=found, remedy=_REMEDY.format(name))


def _fault(name: str) -> str | None:
    if not name:
        return "its name is the empty string, and R has no column of that name"
    if _DOTS.fullmatch(name):
        return "R keeps this name for itself, and no quotes change that"
    if name in _MODEL_FRAME:
        return "R's model frame keeps the weights or offsets of a model under this name"
    if "\0" in name:
        return "its name holds a NUL character, which no name in R can"
    for character in name:
        category = unicodedata.category(character)
        if category == "Cs":
            return "its name holds half of a surrogate pair, which is no character"
        if category in _ESCAPED and character > _LAST_ASCII:
            return f"its name holds {_ESCAPED[category]} ({character!a}), which lme4 cannot read"
    return None
