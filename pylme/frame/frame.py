"""The data of a model: the columns that it uses, in the rows that are complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pylme.frame.columns import Column, owned
from pylme.frame.rows import Rows
from pylme.text import counted

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from pylme.frame.to_native import Library


__all__ = ["Frame"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Frame:
    """Typed columns, and where their rows lie in the data given.

    Attributes
    ----------
    columns : mapping
        Columns by name, all of `nrow` rows.
    rows : Rows
        The rows given, and which of them are kept.
    missing : mapping
        The number of missing values by column, where there were any.
    """

    columns: Mapping[str, Column]
    rows: Rows
    missing: Mapping[str, int]

    @property
    def nrow(self) -> int:
        """The number of rows kept."""
        return self.rows.nrow

    @property
    def n_given(self) -> int:
        """The number of rows given."""
        return self.rows.n_given

    @property
    def kept(self) -> NDArray[np.bool_] | None:
        """Whether a row given is kept; None where all are."""
        return self.rows.kept

    @property
    def index(self) -> pd.Index[Any] | None:
        """The caller's row labels; None for a plain range from 0."""
        return self.rows.index

    @property
    def library(self) -> Library:
        """The library of the data, in which results are given."""
        return self.rows.library

    def owned(self) -> Frame:
        """The same with columns of its own, which follow no change of the caller's data."""
        columns = {name: owned(column) for name, column in self.columns.items()}
        return replace(self, columns=columns)

    def __repr__(self) -> str:
        title = f"Frame of {counted(self.nrow, 'row')} and {counted(len(self.columns), 'column')}"
        if self.nrow < self.n_given:
            gaps = ", ".join(f"{name!r} ({count})" for name, count in self.missing.items())
            left_out = self.n_given - self.nrow
            title += f"; {left_out} of {counted(self.n_given, 'row')} left out"
            title += f", missing values in {gaps}" if gaps else ""
        width = max(map(len, self.columns), default=0)
        return "\n".join(
            [title, *(f"  {name:<{width}}  {column}" for name, column in self.columns.items())]
        )
