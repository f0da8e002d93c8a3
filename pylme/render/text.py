"""Plain text, laid out as R prints matrices and named vectors.

A matrix has its row names on the left and one blank before each column; columns that do not fit
into the line follow below, with the row names again. A document's blocks stand apart by a blank
line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme.render.display import display_width, escaped, justified
from pylme.render.document import Document, Facts, Lines, NamedValues, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pylme.render.document import Align, Block

__all__ = ["to_text"]


def to_text(what: Document | Block, width: int = 80) -> str:
    """Plain text of a document or one of its blocks, without a newline at the end.

    Parameters
    ----------
    what : Document, Table, NamedValues, Facts or Lines
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
        if i > 0 and not (isinstance(block, Lines) and block.attached):
            yield ""
        yield from _block_lines(block, width)


def _block_lines(block: Block, width: int) -> Iterator[str]:
    match block:
        case Lines():
            yield from block.lines
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
    if table.row_names is not None:
        names = ["", *map(escaped, table.row_names)]
        widest = max(map(display_width, names))
        labels = [justified(name, widest, "left") for name in names]
        gap = " "
    columns = [
        _column([header, *(row[j] for row in table.rows)], align)
        for j, (header, align) in enumerate(zip(table.columns, table.alignment, strict=True))
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
