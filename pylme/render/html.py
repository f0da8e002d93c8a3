"""HTML for notebooks: everything escaped, nothing loaded, no colour of its own.

Each element carries its style, because notebooks, mail and repositories drop style sheets. The
cells of a table touch, so that the stripes that a notebook draws have no gaps; their lines take the
colour of the text, light or dark. A table that is wider than the page scrolls by itself.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from pylme.render.document import Document, Facts, Lines, NamedValues, Prose, Table
from pylme.render.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylme.render.document import Align, Block

__all__ = ["to_html"]

_RULE: Final = "---"
_FRAME: Final = "overflow-x: auto"
_TABLE: Final = (
    "border-collapse: collapse; border: none; margin: 0.6em 0; font-variant-numeric: tabular-nums"
)
_CAPTION: Final = (
    "caption-side: top; text-align: left; font-weight: bold; font-size: inherit; padding: 0.2em 0"
)
_CELL: Final = "padding: 0.2em 0.6em; text-align: {align}"
_HEAD: Final = "padding: 0.2em 0.6em; text-align: {align}; border-bottom: 1px solid"
_NAME: Final = "padding: 0.2em 0.6em; text-align: left; vertical-align: top; white-space: nowrap"
_PROSE: Final = "margin: 0.4em 0; max-width: 50em"
_LINES: Final = "overflow-x: auto; margin: 0.4em 0"


def to_html(what: Document | Block) -> str:
    """A fragment of HTML for a document or one of its blocks.

    Parameters
    ----------
    what : Document, Table, NamedValues, Facts, Prose or Lines
    """
    if not isinstance(what, Document):
        return "\n".join(_block(what))
    parts = ['<div class="pylme">']
    if what.title is not None:
        parts.append(f'<p style="{_PROSE}"><strong>{_sentence(what.title)}</strong></p>')
    parts += [line for block in what.blocks for line in _block(block)]
    parts.append("</div>")
    return "\n".join(parts)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Lines():
            text = "\n".join(escape(printable(line)) for line in block.lines)
            # A parser drops the first newline in <pre>: this one is for it.
            yield f'<pre style="{_LINES}">\n{text}</pre>'
        case Prose():
            yield from _prose(block)
        case Facts():
            yield from _facts(block)
        case NamedValues():
            yield from _table(block.as_table())
        case Table():
            yield from _table(block)


def _prose(block: Prose) -> Iterator[str]:
    """Paragraphs, and lists of the items that follow each other."""
    items = False
    for paragraph in block.paragraphs:
        text = _sentence(paragraph.text)
        if paragraph.heading:
            text = f"<strong>{text}</strong>"
        if paragraph.level == 0 and items:
            yield "</li></ul>"
        match paragraph.level:
            case 0:
                yield f'<p style="{_PROSE}">{text}</p>'
            case 1:
                yield f"</li><li>{text}" if items else f'<ul style="{_PROSE}"><li>{text}'
            case _:
                yield f"<br>{text}" if items else f'<ul style="{_PROSE}"><li>{text}'
        items = paragraph.level > 0
    if items:
        yield "</li></ul>"


def _facts(facts: Facts) -> Iterator[str]:
    yield f'<div style="{_FRAME}"><table style="{_TABLE}">'
    yield "<tbody>"
    for name, value in facts.facts:
        shown = "<br>".join(map(_cell_text, value.split("\n")))
        yield (
            f'<tr><th scope="row" style="{_NAME}">{_cell_text(name)}</th>'
            f'<td style="{_CELL.format(align="left")}">{shown}</td></tr>'
        )
    yield "</tbody>"
    yield "</table></div>"


def _table(table: Table) -> Iterator[str]:
    labels = table.labels
    yield f'<div style="{_FRAME}"><table style="{_TABLE}">'
    if table.caption is not None:
        yield f'<caption style="{_CAPTION}">{_sentence(table.caption)}</caption>'
    heads = [f'<th style="{_HEAD.format(align="left")}"></th>'] if labels is not None else []
    heads += [
        f'<th scope="col" style="{_HEAD.format(align=align)}">{_cell_text(header)}</th>'
        for header, align in zip(table.columns, table.alignment, strict=True)
    ]
    yield f"<thead><tr>{''.join(heads)}</tr></thead>"
    yield "<tbody>"
    for i, row in enumerate(table.rows):
        cells = []
        if labels is not None:
            cells.append(f'<th scope="row" style="{_NAME}">{_cell_text(labels[i])}</th>')
        cells += [
            f'<td style="{_style(align)}">{_cell_text(cell)}</td>'
            for cell, align in zip(row, table.alignment, strict=True)
        ]
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody>"
    yield "</table></div>"
    for note in table.notes:
        if note != _RULE:
            yield f'<p style="{_PROSE}"><small>{_sentence(note)}</small></p>'


def _style(align: Align) -> str:
    """Of a cell: numbers stay in one line."""
    return _CELL.format(align=align) + ("; white-space: nowrap" if align == "right" else "")


def _cell_text(text: str) -> str:
    return escape(printable(text.strip(" ")))


def _sentence(text: str) -> str:
    """Text whose line breaks and runs of blanks say nothing."""
    return escape(printable(" ".join(text.split())))
