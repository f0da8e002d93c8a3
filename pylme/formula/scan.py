"""Text into tokens, and the numbers, strings and names that R reads and writes.

R code that cannot be part of a formula (`::`, `$`, `{`, `<-`, `function`, …) is refused here, by
name, before a tree exists.

A number is written with 15 significant digits, in the shorter of fixed and scientific notation,
fixed where they are equally long; this is R's rule. Where reading 15 digits would not give the same
number, the shortest text that does is written, unlike in R, because exactness is more important.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Literal, NamedTuple, NoReturn, TypeAlias, cast

from pylme.errors import CodeNotAllowedError, FormulaSyntaxError
from pylme.r_names import CONSTANTS, KEYWORDS, is_reserved

_LARGEST_INTEGER = 2**31 - 1
_LARGEST_ASCII = 0x7F
_PLAIN_NAME = re.compile(r"(?:[A-Za-z]|\.(?![0-9]))[A-Za-z0-9._]*")
_NAME = re.compile(r"(?:[^\W\d_]|\.(?!\d))[\w.]*")
_DOTS = re.compile(r"\.\.(?:\.|[0-9]+)")

_ESCAPE = re.compile(
    r"\\(?:(?P<octal>[0-7]{1,3})|x(?P<hex>[0-9A-Fa-f]{1,2})"
    r"|u(?:\{(?P<u4>[0-9A-Fa-f]{1,4})\}|(?P<u>[0-9A-Fa-f]{1,4}))"
    r"|U(?:\{(?P<U8>[0-9A-Fa-f]{1,8})\}|(?P<U>[0-9A-Fa-f]{1,8}))|(?P<one>.)|$)",
    re.DOTALL,
)
_MEANING = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "\\": "\\",
    '"': '"',
    "'": "'",
    "`": "`",
    " ": " ",
    "\n": "\n",
}
_WRITTEN = {meaning: f"\\{letter}" for letter, meaning in _MEANING.items() if letter.isalpha()}
_WRITTEN["\\"] = "\\\\"
#: Control characters, separators of lines and paragraphs, surrogates, and what Unicode leaves free.
_NOT_PRINTED = frozenset({"Cc", "Cn", "Cs", "Zl", "Zp"})


def unescape(body: str) -> str | None:
    """The text between quotes with its escapes resolved; None if an escape is invalid."""
    if "\\" not in body:
        return None if "\0" in body else body
    parts: list[str] = []
    end = 0
    for match in _ESCAPE.finditer(body):
        parts.append(body[end : match.start()])
        end = match.end()
        kind = match.lastgroup
        if kind is None:
            return None
        digits = match[kind]
        if kind == "one":
            if digits not in _MEANING:
                return None
            parts.append(_MEANING[digits])
            continue
        code = int(digits, 8 if kind == "octal" else 16)
        # R would make a lone byte of \x80 to \xff, which is no character in UTF-8.
        if kind in {"octal", "hex"} and code > _LARGEST_ASCII:
            return None
        try:
            parts.append(chr(code))
            parts[-1].encode()
        except (ValueError, OverflowError):
            return None
    parts.append(body[end:])
    text = "".join(parts)
    return None if "\0" in text else text


def escape(text: str, quote: str) -> str:
    """The text in quotes (`"` or a back-quote) as R writes it."""
    # R refuses octal and Unicode escapes in one string.
    unicode = any(ord(c) > _LARGEST_ASCII and not _is_printable(c) for c in text)
    return quote + "".join(_written(c, quote, unicode=unicode) for c in text) + quote


def _is_printable(character: str) -> bool:
    # R prints no-break and zero-width spaces as they are, which Python's str.isprintable() denies.
    return unicodedata.category(character) not in _NOT_PRINTED


def _written(character: str, quote: str, *, unicode: bool) -> str:
    if character == quote:
        return f"\\{quote}"
    if character in _WRITTEN:
        return _WRITTEN[character]
    if _is_printable(character):
        return character
    code = ord(character)
    if not unicode:
        return f"\\{code:03o}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def is_dots(name: str) -> bool:
    """Whether the name is `...` or one of `..1`, `..2`, …, which R reserves for arguments."""
    return _DOTS.fullmatch(name) is not None


def write_name(name: str) -> str:
    """The name as R's deparser writes it: in back-quotes unless it is syntactic.

    Letters and digits of any script need no quotes. Combining marks are quoted here, because R's
    locale determines which of them are letters.
    """
    if is_reserved(name) or not (_PLAIN_NAME.fullmatch(name) or _is_syntactic(name)):
        return escape(name, "`")
    return name


def write_name_for_parser(name: str) -> str:
    """The name as R's parser reads it, which knows no Unicode escapes between back-quotes."""
    written = write_name(name)
    if not written.startswith("`"):
        return written
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _is_syntactic(name: str) -> bool:
    # \w has superscripts and fractions (category No), which R does not take for letters.
    return bool(_NAME.fullmatch(name)) and all(unicodedata.category(c) != "No" for c in name)


def read_number(text: str) -> tuple[float, bool] | None:
    """The value, and whether it is an integer in R; None if R has no such number."""
    integer = text.endswith("L")
    digits = text.removesuffix("L")
    try:
        value = float(int(digits, 16)) if digits[:2] in {"0x", "0X"} else float(digits)
    except OverflowError:
        return None
    if not math.isfinite(value):
        return None
    if integer and not (value.is_integer() and value <= _LARGEST_INTEGER):
        return None
    return value, integer


def write_number(value: float, *, integer: bool) -> str:
    """The number as R's deparser writes it."""
    if integer:
        return f"{int(value)}L"
    scientific = f"{value:.14e}"
    if float(scientific) != value:
        scientific = f"{value:.16e}" if float(f"{value:.15e}") != value else f"{value:.15e}"
    mantissa, _, power = scientific.partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    exponent = int(power)
    decimals = max(0, len(mantissa.replace(".", "")) - 1 - exponent)
    fixed = f"{value:.{decimals}f}"
    scientific = f"{mantissa}e{exponent:+03d}"
    return fixed if len(fixed) <= len(scientific) else scientific


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
        At a character that cannot begin a token, or a quote that is not closed.
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
    """The end of a name, including combining marks (vowel signs, accents) not in the pattern."""
    while position < len(text) and (
        (character := text[position]) in "._"
        or character.isalnum()
        or unicodedata.category(character) in {"Mn", "Mc"}
    ):
        position += 1
    return position


def _refuse_code(text: str, lexeme: str, start: int) -> NoReturn:
    raise CodeNotAllowedError(
        name=lexeme,
        text=text,
        start=start,
        stop=start + len(lexeme),
        remedy=_ASSIGNMENT if lexeme in {"<-", "<<-"} else "",
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
