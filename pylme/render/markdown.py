"""Markdown as GitHub reads it: tables, lists of facts, fenced lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pylme.render.document import Document, Facts, Lines, NamedValues, Prose, Table
from pylme.render.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylme.render.document import Block

__all__ = ["escape_markdown", "to_markdown"]

_RULE: Final = "---"
_INLINE: Final = re.compile(r"[\\`*_{}\[\]<>|~&$!]")
# What makes a heading, a list or a rule of a line that begins with it.
_LEADING: Final = re.compile(r"^([#+\-=]|\d+(?=[.)]))")
_BARS: Final = {"left": ":--", "right": "--:"}


def to_markdown(what: Document | Block) -> str:
    """Markdown of a document or one of its blocks, for GitHub and what follows it.

    Parameters
    ----------
    what : Document, Table, NamedValues, Facts, Prose or Lines
    """
    if not isinstance(what, Document):
        return "\n".join(_block(what))
    parts = [] if what.title is None else [f"**{_sentence(what.title)}**"]
    parts += ["\n".join(_block(block)) for block in what.blocks]
    return "\n\n".join(parts)


def escape_markdown(text: str) -> str:
    """The text with all characters escaped that Markdown would interpret as marks."""
    marked = _INLINE.sub(r"\\\g<0>", printable(text))
    return _LEADING.sub(_escape_leading, marked)


def _escape_leading(match: re.Match[str]) -> str:
    return match[0] + "\\" if match[0].isdigit() else "\\" + match[0]


def _block(block: Block) -> Iterator[str]:
    match block:
        case Lines():
            yield from _fenced(block)
        case Prose():
            yield from _prose(block)
        case Facts():
            for name, value in block.facts:
                yield f"- **{_sentence(name)}:** {_sentence(value)}"
        case NamedValues():
            yield from _table(block.as_table())
        case Table():
            yield from _table(block)


def _prose(block: Prose) -> Iterator[str]:
    items = False
    for i, paragraph in enumerate(block.paragraphs):
        text = _sentence(paragraph.text)
        if paragraph.heading and text:
            text = f"**{text}**"
        # A blank line ends a paragraph, and a list.
        if i > 0 and (paragraph.level != 1 or not items):
            yield ""
        item = paragraph.level == 1 or (paragraph.level == 2 and not items)
        yield f"- {text}" if item else f"  {text}" if paragraph.level else text
        items = paragraph.level > 0


def _fenced(block: Lines) -> Iterator[str]:
    lines = [printable(line) for line in block.lines]
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield fence
    yield from lines
    yield fence


def _table(table: Table) -> Iterator[str]:
    labels = table.labels
    if table.caption is not None:
        yield f"**{_sentence(table.caption)}**"
        yield ""
    yield _row(None if labels is None else "", table.columns)
    bars = [_BARS[align] for align in table.alignment]
    yield "| " + " | ".join(bars if labels is None else [_BARS["left"], *bars]) + " |"
    for i, row in enumerate(table.rows):
        yield _row(None if labels is None else labels[i], row)
    for note in table.notes:
        if note != _RULE:
            yield ""
            yield _sentence(note)


def _row(label: str | None, cells: tuple[str, ...]) -> str:
    shown = list(cells) if label is None else [label, *cells]
    return "| " + " | ".join(_INLINE.sub(r"\\\g<0>", printable(c.strip(" "))) for c in shown) + " |"


def _sentence(text: str) -> str:
    return escape_markdown(" ".join(text.split()))
