"""Plain text, laid out as R prints matrices and named vectors.

A matrix has its row names on the left and one blank before each column; columns that do not fit
into the line follow below, with the row names again. A document's blocks stand apart by a blank
line. Prose comes in lines of a readable width, and as R's ``cat(..., fill = TRUE)`` breaks it.
"""

from __future__ import annotations

import textwrap
import unicodedata
from typing import TYPE_CHECKING, Final

from pylme.render.document import Document, Facts, Lines, NamedValues, Prose, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pylme.render.document import Align, Block, Paragraph

__all__ = [
    "WIDTH",
    "display_width",
    "escaped",
    "fill",
    "item",
    "justified",
    "printable",
    "to_text",
    "wrapped",
]

_UNSHOWN: Final = frozenset({"Cc", "Cn", "Cs", "Zl", "Zp"})
_WITHOUT_WIDTH: Final = frozenset({"Mn", "Me", "Cf"})
_NAMED: Final = {
    "\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v",
}  # fmt: skip


def to_text(what: Document | Block, width: int = 80) -> str:
    """Plain text of a document or one of its blocks, without a newline at the end.

    Parameters
    ----------
    what : Document, Table, NamedValues, Facts, Prose or Lines
    width : int
        Columns of the terminal: R's option ``width``. Lines and facts are not broken.
    """
    if isinstance(what, Document):
        return "\n".join(_document_lines(what, width))
    return "\n".join(_block_lines(what, width))


def _document_lines(document: Document, width: int) -> Iterator[str]:
    if document.title is not None:
        yield document.title
    for i, block in enumerate(document.blocks):
        if i > 0 and not (isinstance(block, Lines | Prose) and block.attached):
            yield ""
        yield from _block_lines(block, width)


def _block_lines(block: Block, width: int) -> Iterator[str]:
    match block:
        case Lines():
            yield from block.lines
        case Prose():
            for paragraph in block.paragraphs:
                yield from _paragraph_lines(paragraph)
        case Facts():
            yield from _facts_lines(block)
        case NamedValues():
            yield from _captioned(block.caption, _vector_lines(block, width))
        case Table():
            yield from _captioned(block.caption, _matrix_lines(block, width))
            yield from block.notes


def _captioned(caption: str | None, lines: Iterator[str]) -> Iterator[str]:
    if caption is not None:
        yield caption
    yield from lines


def _paragraph_lines(paragraph: Paragraph) -> Iterable[str]:
    if paragraph.lines is not None:
        return paragraph.lines
    match paragraph.level:
        case 0:
            return wrapped(paragraph.text).split("\n")
        case 1:
            return item(paragraph.text).split("\n")
    return wrapped(paragraph.text, "      ").split("\n")


def _facts_lines(facts: Facts) -> Iterator[str]:
    """The names end under each other; further lines of a value begin where its first one does."""
    widest = max((display_width(name) for name, _ in facts.facts), default=0)
    for name, value in facts.facts:
        indent = "\n" + " " * (widest + 2)
        yield f"{justified(name, widest, 'right')}: {value.replace(chr(10), indent)}"


def _vector_lines(vector: NamedValues, width: int) -> Iterator[str]:
    texts = [escaped(text) for text in vector.values]
    names = [escaped(name) for name in vector.names]
    widest = max(map(display_width, texts + names), default=0)
    each = max(1, width // (widest + 1))
    for start in range(0, len(texts), each):
        for cells in (names, texts):
            shown = cells[start : start + each]
            yield "".join(justified(cell, widest, "right") + " " for cell in shown)


def _matrix_lines(table: Table, width: int) -> Iterator[str]:
    labels = [""] * (len(table.rows) + 1)
    gap = ""
    row_names = table.plain_row_names or table.row_names
    if row_names is not None:
        names = ["", *map(escaped, row_names)]
        widest = max(map(display_width, names))
        labels = [justified(name, widest, "left") for name in names]
        gap = " "
    headers = table.plain_columns or table.columns
    columns = [
        _column([header, *(row[j] for row in table.rows)], align)
        for j, (header, align) in enumerate(zip(headers, table.alignment, strict=True))
    ]
    if not columns:
        yield from labels
    for some in _that_fit(columns, width - display_width(labels[0])):
        for i, label in enumerate(labels):
            yield label + gap + " ".join(column[i] for column in some)


def _column(cells: list[str], align: Align) -> list[str]:
    texts = [escaped(cell) for cell in cells]
    widest = max(map(display_width, texts))
    return [justified(text, widest, align) for text in texts]


def _that_fit(columns: Sequence[list[str]], room: int) -> Iterator[list[list[str]]]:
    """The columns in portions, each of at least one and otherwise narrower than `room`."""
    portion: list[list[str]] = []
    used = 0
    for column in columns:
        taken = 1 + display_width(column[0])
        if portion and used + taken >= room:
            yield portion
            portion, used = [], 0
        portion.append(column)
        used += taken
    if portion:
        yield portion


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
