"""HTML for notebooks: everything escaped, nothing loaded, no colour of its own."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from pylme.render.document import Document, Facts, Lines, NamedValues, Table
from pylme.render.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylme.render.document import Block

__all__ = ["to_html"]

_RULE: Final = "---"
_TABLE: Final = (
    "font-variant-numeric: tabular-nums; margin: 0.6em 0; "
    "border-collapse: separate; border-spacing: 0.9em 0.15em"
)
_CAPTION: Final = "caption-side: top; text-align: left; font-weight: bold"


def to_html(what: Document | Block) -> str:
    """A fragment of HTML for a document or one of its blocks.

    Parameters
    ----------
    what : Document, Table, NamedValues, Facts or Lines
    """
    if not isinstance(what, Document):
        return "\n".join(_block(what))
    parts = ['<div class="pylme">']
    if what.title is not None:
        parts.append(f"<p><strong>{_sentence(what.title)}</strong></p>")
    parts += [line for block in what.blocks for line in _block(block)]
    parts.append("</div>")
    return "\n".join(parts)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Lines():
            text = "\n".join(escape(printable(line)) for line in block.lines)
            # A parser drops the first newline in <pre>: this one is for it.
            yield f"<pre>\n{text}</pre>"
        case Facts():
            yield from _facts(block)
        case NamedValues():
            yield from _table(block.as_table())
        case Table():
            yield from _table(block)


def _facts(facts: Facts) -> Iterator[str]:
    yield "<table>"
    yield "<tbody>"
    for name, value in facts.facts:
        shown = "<br>".join(map(_cell_text, value.split("\n")))
        yield (
            f'<tr><th scope="row" style="text-align: left">{_cell_text(name)}</th>'
            f'<td style="text-align: left">{shown}</td></tr>'
        )
    yield "</tbody>"
    yield "</table>"


def _table(table: Table) -> Iterator[str]:
    labels = table.labels
    yield f'<table style="{_TABLE}">'
    if table.caption is not None:
        yield f'<caption style="{_CAPTION}">{_sentence(table.caption)}</caption>'
    heads = ["<th></th>"] if labels is not None else []
    heads += [
        f'<th scope="col" style="text-align: {align}">{_cell_text(header)}</th>'
        for header, align in zip(table.columns, table.alignment, strict=True)
    ]
    yield f"<thead><tr>{''.join(heads)}</tr></thead>"
    yield "<tbody>"
    for i, row in enumerate(table.rows):
        cells = []
        if labels is not None:
            name = _cell_text(labels[i])
            cells.append(f'<th scope="row" style="text-align: left">{name}</th>')
        cells += [
            f'<td style="text-align: {align}">{_cell_text(cell)}</td>'
            for cell, align in zip(row, table.alignment, strict=True)
        ]
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody>"
    yield "</table>"
    for note in table.notes:
        if note != _RULE:
            yield f"<p><small>{_sentence(note)}</small></p>"


def _cell_text(text: str) -> str:
    return escape(printable(text.strip(" ")))


def _sentence(text: str) -> str:
    """Text whose line breaks and runs of blanks say nothing."""
    return escape(printable(" ".join(text.split())))
