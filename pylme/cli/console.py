"""The terminal: colours and tables where there is one, plain text where there is none."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from pylme.cli.messages import in_options
from pylme.errors import PylmeWarning
from pylme.render import to_text
from pylme.render.document import Lines, NamedValues, Prose, Table
from pylme.render.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from rich.console import RenderableType

    from pylme.render.document import Block, Document

__all__ = ["progress_shown", "say", "show", "styled", "warnings_on_stderr", "written"]

#: Of verdicts and words of convergence, by their last part.
_STYLES: Final = {
    "AGREES": "bold green", "FALSE_ALARM": "bold green", "SINGULAR_CERTIFIED": "bold green",
    "STOPPED_SHORT": "bold red", "DISAGREES": "bold red", "NOT_IDENTIFIED": "bold red",
    "NO_FINITE_ESTIMATE": "bold red", "UNCHECKED": "bold yellow",
}  # fmt: skip


def styled(stream: TextIO) -> bool:
    """Whether colours have a place: in a terminal, unless NO_COLOR or TERM asks for none."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def progress_shown(*, quiet: bool = False) -> bool:
    """Whether long work shows a bar: where the error stream is a terminal."""
    return not quiet and sys.stderr.isatty()


def show(what: Document | Table, width: int = 80) -> None:
    """Print a result: tables with lines and colours in a terminal, else the plain text."""
    if not styled(sys.stdout):
        print(to_text(what, width))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False)
    for part in _renderables(what, width):
        # Lines of text are broken already; only tables know the width of the terminal.
        console.print(part, soft_wrap=isinstance(part, Text))


def written(file: Path) -> None:
    """Tell a person at the terminal that the file is there."""
    if sys.stderr.isatty():
        print(f"Written: {file}", file=sys.stderr)


def say(message: str, *, style: str, prefix: str = "") -> None:
    """A message on the error stream, its options named as the command line has them."""
    message = in_options(message)
    if not styled(sys.stderr):
        print(f"{prefix}{message}", file=sys.stderr)
        return
    from rich.console import Console
    from rich.text import Text

    first, newline, rest = f"{prefix}{message}".partition("\n")
    Console(stderr=True, highlight=False, soft_wrap=True).print(
        Text.assemble((first, style), newline + rest)
    )


@contextmanager
def warnings_on_stderr() -> Iterator[None]:
    """Print warnings to the error stream, after the output, without file names and line numbers."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PylmeWarning)
        try:
            yield
        finally:
            sys.stdout.flush()
            for message in dict.fromkeys(str(warning.message) for warning in caught):
                say(message, style="yellow", prefix="Warning: ")


def _renderables(what: Document | Table, width: int) -> Iterator[RenderableType]:
    from rich.text import Text

    if isinstance(what, Table):
        yield from _table(what)
        return
    if what.title is not None:
        yield Text(what.title, style="bold")
    for i, block in enumerate(what.blocks):
        if i > 0 and not (isinstance(block, Lines | Prose) and block.attached):
            yield ""
        yield from _block(block, width)


def _block(block: Block, width: int) -> Iterator[RenderableType]:
    match block:
        case Table():
            yield from _table(block)
        case NamedValues():
            yield from _table(block.as_table())
        case _:
            yield from map(_coloured, to_text(block, width).split("\n"))


def _coloured(line: str) -> RenderableType:
    """A line with the style of a heading, or of the verdict in it."""
    from rich.text import Text

    text = Text(printable(line))
    if line.startswith("── "):
        text.stylize("bold cyan")
    for word, style in _STYLES.items():
        text.highlight_words([word], style)
    return text


def _table(table: Table) -> Iterator[RenderableType]:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    made = RichTable(
        box=box.SIMPLE_HEAD,
        title=None
        if table.caption is None
        else Text(" ".join(table.caption.split()), style="bold"),
        title_justify="left",
        title_style="bold",
        pad_edge=False,
    )
    labels = table.labels
    if labels is not None:
        made.add_column("", style="cyan", overflow="fold")
    for name, align in zip(table.columns, table.alignment, strict=True):
        made.add_column(Text(name.strip()), justify=_justify(align), overflow="fold")
    for i, row in enumerate(table.rows):
        cells = row if labels is None else (labels[i], *row)
        made.add_row(*(_coloured(cell.strip(" ")) for cell in cells))
    yield made
    for note in table.notes:
        if note != "---":
            yield Text(note, style="dim")


def _justify(align: str) -> Any:
    return align
