"""What each data set is: its source, and what its columns mean.

The words stand in ``descriptions.json``; rows, types and level orders in ``columns.json``, which
``r_scripts/write_datasets.R`` writes together with the data.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Literal

from pylme.errors import UnknownNameError
from pylme.options import text

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["ColumnDescription", "Description", "data_file", "describe", "names"]

Kind = Literal["float", "int", "factor", "ordered"]

PROVENANCE: Final = (
    "Numbers and labels alone, as R's lme4 and nlme (GPL, version 2 or later) carry them, "
    "written out by r_scripts/write_datasets.R; this description is pylme's own (MIT)."
)
#: Longer lists of levels are shown by their first and last.
_MOST_LEVELS: Final = 6
_WIDTH: Final = 88


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDescription:
    """One column of a data set.

    Attributes
    ----------
    name : str
    kind : {"float", "int", "factor", "ordered"}
        A factor is a pandas category; "ordered" an ordered one.
    meaning : str
    unit : str or None
        None where there is nothing to measure.
    levels : tuple of str
        In R's order; empty for a number.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str | None
    levels: tuple[str, ...]

    def __str__(self) -> str:
        unit = f" [{self.unit}]" if self.unit else ""
        return f"{self.name}: {self.meaning}{unit}; {self.type_text()}"

    def type_text(self) -> str:
        """The type in words: "float", or the levels and their number."""
        if not self.levels:
            return self.kind
        between = " < " if self.kind == "ordered" else ", "
        if len(self.levels) <= _MOST_LEVELS:
            return f"{self.kind}: {between.join(self.levels)}"
        ends = f"{between.join(self.levels[:2])}{between}...{between}{self.levels[-1]}"
        return f"{self.kind}, {len(self.levels)} levels: {ends}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A data set in words; prints as a page.

    Attributes
    ----------
    name, title : str
    rows : int
    columns : tuple of ColumnDescription
        In the order of the data frame.
    model : str
        The formula that the literature, or lme4's documentation, fits to it.
    source : str
        Where the data were published.
    note : str or None
        What one has to know before using them.
    provenance : str
        How they came into pylme, and under which terms.

    Examples
    --------
    >>> import pylme
    >>> described = pylme.datasets.describe("sleepstudy")
    >>> described.rows, described.columns[0].name
    (180, 'Reaction')
    """

    name: str
    title: str
    rows: int
    columns: tuple[ColumnDescription, ...]
    model: str
    source: str
    note: str | None
    provenance: str

    def __str__(self) -> str:
        width = max(len(column.name) for column in self.columns)
        lines = [f"{self.name}: {self.title}", f"{self.rows} rows, {len(self.columns)} columns", ""]
        for column in self.columns:
            unit = f" [{column.unit}]" if column.unit else ""
            lines.append(f"  {column.name.ljust(width)}  {column.meaning}{unit}")
            lines.append(f"  {' ' * width}    {column.type_text()}")
        facts = {
            "Model": self.model,
            "Source": self.source,
            "Note": self.note,
            "Provenance": self.provenance,
        }
        for label, words in facts.items():
            if words:
                lines += ["", *textwrap.wrap(f"{label}: {words}", _WIDTH, subsequent_indent="  ")]
        return "\n".join(lines)


def data_file(name: str) -> Traversable:
    """A file of the package's data directory."""
    return files("pylme.datasets").joinpath("data", name)


def names() -> tuple[str, ...]:
    """Names of the data sets that ship with pylme.

    Examples
    --------
    >>> import pylme
    >>> pylme.datasets.names()[:3]
    ('hsb', 'sleepstudy', 'penicillin')
    """
    return tuple(_read("columns.json"))


def describe(name: str) -> Description:
    """Where a data set comes from, and what its columns mean.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    Description
        Prints as a page.

    Raises
    ------
    UnknownNameError
        If no data set of that name exists.

    Examples
    --------
    >>> import pylme
    >>> pylme.datasets.describe("sleepstudy").rows
    180
    """
    text("name", name)
    if name not in names():
        raise UnknownNameError(what="data set", name=name, known=names())
    measured = _read("columns.json")[name]
    words = _read("descriptions.json")[name]
    return Description(
        name=name,
        title=words["title"],
        rows=measured["rows"],
        columns=tuple(
            ColumnDescription(
                name=column,
                kind=facts["kind"],
                meaning=words["columns"][column]["meaning"],
                unit=words["columns"][column].get("unit"),
                levels=tuple(facts.get("levels", ())),
            )
            for column, facts in measured["columns"].items()
        ),
        model=words["model"],
        source=words["source"],
        note=words.get("note"),
        provenance=PROVENANCE,
    )


@cache
def _read(file: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(data_file(file).read_text(encoding="utf-8"))
    return content
