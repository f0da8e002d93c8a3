"""A table of several models side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from pylme.frame import Library, to_native
from pylme.options import choice
from pylme.render import RenderedTable, Table, to_gt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from great_tables import GT

__all__ = ["ModelColumn", "ModelTable", "TableView"]

TableView = Literal["long", "wide"]
_PARTS: Final = {"fixed": "Fixed effects", "random": "Random effects", "fit": "Fit"}


def _place(key: tuple[str, str]) -> int:
    """Where a row stands within its part: correlations, the residuals and criteria come last."""
    part, term = key
    if part == "random":
        return 2 if term == "sd Residual" else int(term.startswith("corr "))
    return int(part == "fit" and term in {"Log-likelihood", "AIC", "BIC"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelColumn:
    """What a table shows of one model.

    Attributes
    ----------
    name : str
    rows : tuple of (str, str, float, float, float)
        The part ("fixed", "random" or "fit"), the term, the estimate, and the two numbers that
        stand in parentheses: a standard error and NaN, or the ends of an interval; NaN for none.
    """

    name: str
    rows: tuple[tuple[str, str, float, float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ModelTable(RenderedTable):
    """Models side by side: fixed effects, standard deviations and correlations, measures of fit.

    Prints as text, and gives HTML, LaTeX, Markdown and, by `to_gt`, a table of great_tables. The
    package maketables reads fits themselves.

    Attributes
    ----------
    models : tuple of ModelColumn
    digits : int
        Decimals.
    note : str
        What stands in parentheses.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data of the first model.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> table = pylme.table(fit, fit.update(". ~ . - Days"), names=["slope", "none"])
    >>> print(str(table).splitlines()[1].split()[0])
    (Intercept)
    """

    models: tuple[ModelColumn, ...]
    digits: int
    note: str
    library: Library = "pandas"

    def _terms(self) -> list[tuple[str, str]]:
        """The rows of all models, each once, part by part."""
        found = dict.fromkeys((row[0], row[1]) for model in self.models for row in model.rows)
        ordered = sorted(found, key=_place)
        return [key for part in ("fixed", "random", "fit") for key in ordered if key[0] == part]

    def _cell(self, row: Sequence[Any]) -> str:
        part, _, estimate, low, high = row
        if np.isnan(estimate):
            return ""
        if part == "fit" and float(estimate).is_integer():
            return f"{estimate:.0f}"
        shown = f"{estimate:.{self.digits}f}"
        if np.isnan(low):
            return shown
        if np.isnan(high):
            return f"{shown} ({low:.{self.digits}f})"
        return f"{shown} ({low:.{self.digits}f}, {high:.{self.digits}f})"

    def _cells(self) -> list[list[str]]:
        by_model = [{(row[0], row[1]): row for row in model.rows} for model in self.models]
        return [
            [self._cell(own[key]) if key in own else "" for own in by_model]
            for key in self._terms()
        ]

    def to_frame(self, view: TableView = "long") -> Any:
        """The table as a frame.

        Parameters
        ----------
        view : {"long", "wide"}
            "long": numbers, with a row for each model and term. "wide": the cells as text, with a
            column for each model.
        """
        choice("view", view, TableView)
        if view == "wide":
            columns = {"part": [part for part, _ in self._terms()]}
            columns["term"] = [term for _, term in self._terms()]
            for model, cells in zip(self.models, zip(*self._cells(), strict=True), strict=True):
                columns[model.name] = list(cells)
            return to_native(pd.DataFrame(columns), self.library)
        rows = [(model.name, *row) for model in self.models for row in model.rows]
        names = ["model", "part", "term", "estimate", "std_error", "conf_high"]
        if any(not np.isnan(row[-1]) for row in rows):
            names[4] = "conf_low"
        table = pd.DataFrame(rows, columns=names)
        if names[4] == "std_error":
            table = table.drop(columns="conf_high")
        return to_native(table, self.library)

    def to_gt(self) -> GT:
        """A table of the package great_tables, with a part for each kind of rows.

        Raises
        ------
        MissingPackageError
            If great_tables is not installed; the extra ``[tables]`` includes it.
        """
        return to_gt(self.describe(), groups=[_PARTS[part] for part, _ in self._terms()])

    def describe(self) -> Table:
        """A table with a column for each model."""
        return Table(
            columns=tuple(model.name for model in self.models),
            rows=tuple(tuple(cells) for cells in self._cells()),
            row_names=tuple(term for _, term in self._terms()),
            notes=(self.note,),
        )

    def __repr__(self) -> str:
        return str(self)
