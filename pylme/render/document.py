"""A page of blocks under a title: the input of the renderers, before any form is chosen.

A block is a table of cells that are already text, numbers by name, facts, prose, or lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

__all__ = [
    "LEFT",
    "Align",
    "Block",
    "Document",
    "Facts",
    "Level",
    "Lines",
    "NamedValues",
    "Paragraph",
    "Prose",
    "Table",
]

Align = Literal["left", "right"]
Level = Literal[0, 1, 2]
#: The alignment of text; numbers stand on the right by default.
LEFT: Final[Align] = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A matrix of text.

    Attributes
    ----------
    columns : tuple of str, length k
        Headers.
    rows : tuple of tuple of str, each of length k
    row_names : tuple of str or None
        One for each row. None leaves their place out; empty ones keep it in plain text, as R does.
    align : tuple of {"left", "right"}, length k
        None aligns every column on the right.
    caption : str or None
        Stands above the table.
    notes : tuple of str
        Stand below. The note ``---`` is a rule, which only plain text shows.
    plain_columns, plain_row_names : tuple of str or None
        Headers and row names of plain text, where it has room for short ones only.

    Raises
    ------
    ValueError
        If the lengths do not agree.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    row_names: tuple[str, ...] | None = None
    align: tuple[Align, ...] | None = None
    caption: str | None = None
    notes: tuple[str, ...] = ()
    plain_columns: tuple[str, ...] | None = None
    plain_row_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        width = len(self.columns)
        for i, row in enumerate(self.rows):
            if len(row) != width:
                raise ValueError(f"row {i} has {len(row)} cells for {width} columns")
        if self.row_names is not None and len(self.row_names) != len(self.rows):
            raise ValueError(f"{len(self.row_names)} row names for {len(self.rows)} rows")
        if self.align is not None and len(self.align) != width:
            raise ValueError(f"{len(self.align)} alignments for {width} columns")
        if self.plain_columns is not None and len(self.plain_columns) != width:
            raise ValueError(f"{len(self.plain_columns)} short headers for {width} columns")
        if self.plain_row_names is not None and len(self.plain_row_names) != len(self.rows):
            raise ValueError(f"{len(self.plain_row_names)} short names for {len(self.rows)} rows")

    @property
    def alignment(self) -> tuple[Align, ...]:
        """`align`, or its default, for each column."""
        if self.align is not None:
            return self.align
        default: tuple[Align, ...] = ("right",)
        return default * len(self.columns)

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The row names, or None where no row has a name worth a column."""
        return self.row_names if self.row_names and any(map(str.strip, self.row_names)) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedValues:
    """A few values, each under its name: R's named vector.

    Attributes
    ----------
    names, values : tuple of str
        Of the same length.
    caption : str or None
        Stands above the values.

    Raises
    ------
    ValueError
        If the lengths do not agree.
    """

    names: tuple[str, ...]
    values: tuple[str, ...]
    caption: str | None = None

    def __post_init__(self) -> None:
        if len(self.names) != len(self.values):
            raise ValueError(f"{len(self.names)} names for {len(self.values)} values")

    def as_table(self) -> Table:
        """The same as a table of one row."""
        return Table(columns=self.names, rows=(self.values,), caption=self.caption)


@dataclass(frozen=True, slots=True)
class Lines:
    """Text that is shown unchanged.

    Attributes
    ----------
    lines : tuple of str
    attached : bool
        Whether plain text puts no blank line before it.
    """

    lines: tuple[str, ...]
    attached: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text whose lines each form breaks where it likes.

    Attributes
    ----------
    text : str
        Its own line ends and runs of blanks say nothing.
    level : {0, 1, 2}
        A paragraph, an item of a list, or what stands below the item before.
    heading : bool
        Whether it introduces what follows.
    lines : tuple of str or None
        The lines of plain text, where they are not those of a paragraph of a readable width.
    """

    text: str
    level: Level = 0
    heading: bool = field(default=False, kw_only=True)
    lines: tuple[str, ...] | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Prose:
    """Paragraphs and items without blank lines between them.

    Attributes
    ----------
    paragraphs : tuple of Paragraph
    attached : bool
        Whether plain text puts no blank line before it.
    """

    paragraphs: tuple[Paragraph, ...]
    attached: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Facts:
    """Pairs of a name and a text.

    Attributes
    ----------
    facts : tuple of (str, str)
        A value may have several lines.
    """

    facts: tuple[tuple[str, str], ...]


Block = Lines | Prose | Facts | NamedValues | Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A title and blocks.

    Attributes
    ----------
    title : str or None
        May have several lines.
    blocks : tuple of Lines, Prose, Facts, NamedValues or Table
    """

    title: str | None
    blocks: tuple[Block, ...]
