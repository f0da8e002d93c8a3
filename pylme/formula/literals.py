r"""Numbers, strings and names: as R's parser reads them and as its deparser writes them.

A number is written with 15 significant digits, in the shorter of fixed and scientific notation,
fixed where they are equally long; this is R's rule. Where 15 digits would not read back as the
same number the shortest that do are written, which R would not do: exactness counts for more.
"""

from __future__ import annotations

import math
import re
import unicodedata

from pylme.r_names import is_reserved

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
    """What stands between quotes, its escapes resolved; None if one of them means nothing."""
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
    """Whether the name is `...` or one of `..1`, `..2`, …, which R keeps for arguments."""
    return _DOTS.fullmatch(name) is not None


def write_name(name: str) -> str:
    """The name as R's deparser writes it: in back-quotes unless it is syntactic.

    Letters and digits of any script need no quotes. Combining marks do here, since which of them
    are letters depends on R's locale.
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
