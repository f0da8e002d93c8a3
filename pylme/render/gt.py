"""A table for the package great_tables, which styles it, and saves it as an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pylme.errors import MissingPackageError
from pylme.render.document import Document, Facts, Lines, NamedValues, Prose, Table
from pylme.render.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from great_tables import GT

    from pylme.render.document import Block

__all__ = ["to_gt"]

_RULE: Final = "---"
#: The columns of the frame behind the table besides those of the cells, c0, c1, ….
NAME: Final = "name"
PART: Final = "part"


def to_gt(what: Document | Table, *, groups: Sequence[str] | None = None) -> GT:
    """A table of great_tables with the same cells.

    Its columns are ``name``, where rows have names, and ``c0``, ``c1`` and so on, under the headers
    of the table: headers may be equal, and columns of a frame may not.

    Parameters
    ----------
    what : Document or Table
        Of a document its first table; what stands around it becomes notes.
    groups : sequence of str, optional
        The part that each row belongs to.

    Raises
    ------
    MissingPackageError
        If great_tables is not installed.
    """
    try:
        from great_tables import GT
    except ImportError as error:
        raise MissingPackageError(
            package="great-tables", extra="tables", asked="Making a table of great_tables"
        ) from error
    import pandas as pd

    table = _first_table(what)
    labels = table.labels
    columns = {} if labels is None else {NAME: list(map(_cell, labels))}
    if groups is not None:
        columns[PART] = list(groups)
    keys = [f"c{j}" for j in range(len(table.columns))]
    columns |= {key: [_cell(row[j]) for row in table.rows] for j, key in enumerate(keys)}
    made = GT(
        pd.DataFrame(columns),
        rowname_col=None if labels is None else NAME,
        groupname_col=None if groups is None else PART,
    )
    made = made.cols_label(dict(zip(keys, map(_cell, table.columns), strict=True)))
    for key, align in zip(keys, table.alignment, strict=True):
        made = made.cols_align(align, columns=[key])
    title = what.title if isinstance(what, Document) else None
    if title is not None:
        made = made.tab_header(_sentence(title), table.caption and _sentence(table.caption))
    elif table.caption is not None:
        made = made.tab_header(_sentence(table.caption))
    for note in _notes(what, table):
        made = made.tab_source_note(_sentence(note))
    return made


def _first_table(what: Document | Table) -> Table:
    if isinstance(what, Table):
        return what
    return next(block for block in what.blocks if isinstance(block, Table))


def _notes(what: Document | Table, table: Table) -> Iterator[str]:
    if isinstance(what, Document):
        for block in what.blocks:
            if block is not table:
                yield from _said(block)
    yield from (note for note in table.notes if note != _RULE)


def _said(block: Block) -> Iterator[str]:
    match block:
        case Prose():
            yield from (paragraph.text for paragraph in block.paragraphs)
        case Lines():
            yield from block.lines
        case Facts():
            yield from (f"{name}: {value}" for name, value in block.facts)
        case NamedValues():
            pairs = zip(block.names, block.values, strict=True)
            yield ", ".join(f"{name} {value.strip()}" for name, value in pairs)


def _cell(text: str) -> str:
    return printable(text.strip(" "))


def _sentence(text: str) -> str:
    return printable(" ".join(text.split()))
