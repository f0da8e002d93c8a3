"""LaTeX: tabulars in the style of booktabs, which the document's preamble has to load.

Unicode is not changed, because current engines read UTF-8. A negative number is set as mathematics,
so that its sign is a minus and not a hyphen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pylme.render.document import Document, Facts, Lines, NamedValues, Prose, Table
from pylme.render.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylme.render.document import Block

__all__ = ["escape_latex", "to_latex"]

_RULE: Final = "---"
_NEGATIVE: Final = re.compile(r"-\d+(\.\d+)?(e[+-]\d+)?")
# Brackets and stars would be taken for arguments of the \\ before them, and hyphens join to dashes.
_ESCAPES: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
        "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
        "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "[": "{[}", "]": "{]}",
        "*": "{*}", "-": "-{}", "`": r"\textasciigrave{}", "'": r"\textquotesingle{}",
        '"': r"\textquotedbl{}",
    }
)  # fmt: skip


def to_latex(what: Document | Block) -> str:
    r"""LaTeX of a document or one of its blocks.

    Parameters
    ----------
    what : Document, Table, NamedValues, Facts, Prose or Lines

    Returns
    -------
    str
        For a preamble with ``\usepackage{booktabs,textcomp}`` and, under pdfTeX,
        ``\usepackage[T1]{fontenc}``.
    """
    if not isinstance(what, Document):
        return "\n".join(_block(what))
    parts = [] if what.title is None else [rf"\textbf{{{_sentence(what.title)}}}"]
    parts += ["\n".join(_block(block)) for block in what.blocks]
    return "\n\n".join(parts)


def escape_latex(text: str) -> str:
    """The text with all characters escaped that LaTeX would interpret as commands."""
    return printable(text).translate(_ESCAPES)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Lines():
            yield r"\begin{flushleft}\ttfamily"
            yield " \\\\\n".join(_verbatim(line) for line in block.lines)
            yield r"\end{flushleft}"
        case Prose():
            yield from _prose(block)
        case Facts():
            yield from _facts(block)
        case NamedValues():
            yield from _table(block.as_table())
        case Table():
            yield from _table(block)


def _verbatim(line: str) -> str:
    # An empty box holds the place of an empty line, which LaTeX would not let end.
    return escape_latex(line).replace(" ", "~") or r"\mbox{}"


def _prose(block: Prose) -> Iterator[str]:
    items = False
    for paragraph in block.paragraphs:
        text = _sentence(paragraph.text)
        if paragraph.heading:
            text = rf"\textbf{{{text}}}"
        if paragraph.level == 0 and items:
            yield r"\end{itemize}"
        if paragraph.level and not items:
            yield r"\begin{itemize}"
        item = paragraph.level == 1 or (paragraph.level == 2 and not items)
        # Braces keep what follows from being read as the item's own label.
        yield rf"\item {{{text}}}" if item else rf"\par {text}"
        items = paragraph.level > 0
    if items:
        yield r"\end{itemize}"


def _facts(facts: Facts) -> Iterator[str]:
    yield r"\begin{tabular}{ll}"
    for name, value in facts.facts:
        first, *others = value.split("\n")
        yield rf"{_cell(name)} & {_cell(first)} \\"
        for line in others:
            yield rf" & {_cell(line)} \\"
    yield r"\end{tabular}"


def _table(table: Table) -> Iterator[str]:
    labels = table.labels
    floats = table.caption is not None
    letters = "".join(align[0] for align in table.alignment)
    if floats:
        yield r"\begin{table}[htbp]"
        yield r"\centering"
        yield rf"\caption{{{_sentence(table.caption or '')}}}"
    yield rf"\begin{{tabular}}{{{'l' if labels is not None else ''}{letters}}}"
    yield r"\toprule"
    yield _row("" if labels is not None else None, table.columns)
    yield r"\midrule"
    for i, row in enumerate(table.rows):
        yield _row(None if labels is None else labels[i], row)
    yield r"\bottomrule"
    yield r"\end{tabular}"
    for note in table.notes:
        if note != _RULE:
            yield rf"\par{{\footnotesize {_sentence(note)}}}"
    if floats:
        yield r"\end{table}"


def _row(label: str | None, cells: tuple[str, ...]) -> str:
    shown = [] if label is None else [_cell(label)]
    return " & ".join([*shown, *map(_cell, cells)]) + r" \\"


def _cell(text: str) -> str:
    stripped = text.strip(" ")
    return f"${stripped}$" if _NEGATIVE.fullmatch(stripped) else escape_latex(stripped)


def _sentence(text: str) -> str:
    return escape_latex(" ".join(text.split()))
