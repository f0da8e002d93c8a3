"""Text into tokens.

What is R code and no part of a formula (`::`, `$`, `{`, `<-`, `function`, …) is refused here, by
name, before there is a tree that could be handed on.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, NamedTuple, NoReturn, TypeAlias, cast

from pylme.errors import CodeNotAllowedError, FormulaSyntaxError
from pylme.formula.literals import is_dots
from pylme.r_names import CONSTANTS, KEYWORDS

TokenKind: TypeAlias = Literal[
    "number", "name", "quoted", "constant", "string", "operator", "open", "close", "comma", "end"
]


class Token(NamedTuple):
    """A piece of the text from `start` to `stop`."""

    kind: TokenKind
    text: str
    start: int
    stop: int


_TOKEN = re.compile(
    r"""
      (?P<space>    \s+ )
    | (?P<number>   0[xX][0-9A-Fa-f]+ L?
                  | (?: [0-9]+ (?:\.[0-9]*)? | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? L? )
    | (?P<name>     (?: [^\W\d_] | \.(?![0-9]) ) [\w.]* )
    | (?P<string>   " (?: [^"\\] | \\. )* " | ' (?: [^'\\] | \\. )* ' )
    | (?P<quoted>   ` (?: [^`\\] | \\. )+ ` )
    | (?P<code>     ::: | :: | := | <<- | <- | ->> | -> | \|> | [][{}$@?;\\] )
    | (?P<operator> %[^%\n]*% | \|\| | && | [<>=!]= | \*\* | [-+*/^:~|&<>!=] )
    | (?P<open>     \( )
    | (?P<close>    \) )
    | (?P<comma>    , )
    """,
    re.VERBOSE | re.DOTALL,
)
_QUOTES = {'"': "string", "'": "string", "`": "back-quoted name"}
_ASSIGNMENT = "To compare with a negative number put a space: x < -1."


def scan(text: str) -> list[Token]:
    """Tokens of the text, the last of kind "end".

    Raises
    ------
    FormulaSyntaxError
        At a character that begins no token, or a quote that is not closed.
    CodeNotAllowedError
        At an operator or keyword of R code.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            _refuse_character(text, position)
        kind = match.lastgroup
        start, position = position, match.end()
        if kind == "space":
            continue
        if kind == "name":
            position = _past_marks(text, position)
        lexeme = text[start:position]
        if kind == "name" and lexeme in CONSTANTS:
            kind = "constant"
        elif kind == "code" or (kind == "name" and (lexeme in KEYWORDS or is_dots(lexeme))):
            _refuse_code(text, lexeme, start)
        elif lexeme == "**":
            lexeme = "^"
        tokens.append(Token(cast("TokenKind", kind), lexeme, start, position))
    end = tokens[-1].stop if tokens else 0
    tokens.append(Token("end", "", end, end))
    return tokens


def _past_marks(text: str, position: int) -> int:
    """The end of a name, with the combining marks (vowel signs, accents) that the pattern lacks."""
    while position < len(text) and (
        (character := text[position]) in "._"
        or character.isalnum()
        or unicodedata.category(character) in {"Mn", "Mc"}
    ):
        position += 1
    return position


def _refuse_code(text: str, lexeme: str, start: int) -> NoReturn:
    remedy = _ASSIGNMENT if lexeme in {"<-", "<<-"} else ""
    if lexeme in {"::", ":::"}:
        from pylme.formula.habits import without_packages

        if (line := without_packages(text)) is not None:
            remedy = f"Write it without the package: {line}"
    raise CodeNotAllowedError(
        name=lexeme,
        text=text,
        start=start,
        stop=start + len(lexeme),
        remedy=remedy,
    )


def _refuse_character(text: str, position: int) -> NoReturn:
    character = text[position]
    if character in _QUOTES:
        empty = text[position : position + 2] == "``"
        raise FormulaSyntaxError(
            text=text,
            start=position,
            stop=position + 2 if empty else len(text),
            expected="a name between the back-quotes" if empty else f"the closing {character}",
            found="nothing" if empty else f"a {_QUOTES[character]} without an end",
        )
    raise FormulaSyntaxError(
        text=text,
        start=position,
        stop=position + 1,
        expected="a name, a number, a string or an operator",
        found=f"the character {character!r}",
        remedy="A column whose name has such characters goes between back-quotes.",
    )
