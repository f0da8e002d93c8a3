"""A page of blocks under a title: what an object says of itself, before any form is chosen."""

from __future__ import annotations

from dataclasses import dataclass, field

from pylme.render.table import NamedValues, Table

__all__ = ["Block", "Document", "Facts", "Lines"]


@dataclass(frozen=True, slots=True)
class Lines:
    """Text that is shown as it stands.

    Attributes
    ----------
    lines : tuple of str
    attached : bool
        Whether plain text puts no blank line before it.
    """

    lines: tuple[str, ...]
    attached: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Facts:
    """Pairs of a name and what there is to say under it.

    Attributes
    ----------
    facts : tuple of (str, str)
        A value may have several lines.
    """

    facts: tuple[tuple[str, str], ...]


Block = Lines | Facts | NamedValues | Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A title and blocks.

    Attributes
    ----------
    title : str or None
        May have several lines.
    blocks : tuple of Lines, Facts, NamedValues or Table
    """

    title: str | None
    blocks: tuple[Block, ...]
