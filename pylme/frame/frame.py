"""The data of a model: the columns that it uses, in the rows that are complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.arrays import locked
from pylme.errors import RowCountError
from pylme.frame.columns import Column, owned
from pylme.frame.to_native import Library
from pylme.text import counted

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Frame", "Rows", "index_from_plain", "index_to_plain"]


_AS_THEY_ARE: Final = (bool, int, float, str)


def index_to_plain(index: pd.Index[Any]) -> dict[str, Any]:
    """The levels of an index, one for most, each with its name, dtype and labels by row."""
    return {
        "levels": [_level(index.get_level_values(level)) for level in range(index.nlevels)],
        "multi": isinstance(index, pd.MultiIndex),
    }


def index_from_plain(plain: Mapping[str, Any]) -> pd.Index[Any]:
    """The index that `index_to_plain` has converted."""
    levels = [
        pd.Index(level["labels"], dtype=level["dtype"], name=level["name"])
        for level in plain["levels"]
    ]
    return pd.MultiIndex.from_arrays(levels) if plain["multi"] else levels[0]


def _level(index: pd.Index[Any]) -> dict[str, Any]:
    name = (
        index.name
        if index.name is None or isinstance(index.name, _AS_THEY_ARE)
        else str(index.name)
    )
    dtype = index.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        labels = [None if pd.isna(label) else label for label in index.tolist()]
        return {"name": name, "dtype": str(dtype), "labels": labels}
    if isinstance(dtype, pd.DatetimeTZDtype) or dtype.kind == "M":
        labels = [None if label is pd.NaT else label.isoformat() for label in index]
        return {"name": name, "dtype": str(dtype), "labels": labels}
    labels = [
        None if pd.api.types.is_scalar(label) and pd.isna(label) else _label(label)
        for label in index.tolist()
    ]
    return {"name": name, "dtype": "str" if str(dtype) == "str" else "object", "labels": labels}


def _label(label: object) -> object:
    return label if isinstance(label, _AS_THEY_ARE) else str(label)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """The rows of the data given, and which of them are used.

    Attributes
    ----------
    n_given : int
    kept : ndarray of bool, shape (n_given,), optional
        Whether a row is used; None where all are.
    index : pandas.Index, optional
        The caller's row labels; None for a plain range from 0.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which results are returned; pandas for a dict.
    nrow : int
        The number of rows used.
    """

    n_given: int
    kept: NDArray[np.bool_] | None = None
    index: pd.Index[Any] | None = None
    library: Library = "pandas"
    nrow: int = field(init=False)

    def __post_init__(self) -> None:
        used = self.n_given if self.kept is None else int(np.count_nonzero(self.kept))
        object.__setattr__(self, "nrow", used)

    @property
    def given_index(self) -> pd.Index[Any]:
        """The labels of all rows given."""
        return pd.RangeIndex(self.n_given) if self.index is None else self.index

    @property
    def used_index(self) -> pd.Index[Any]:
        """The labels of the rows used."""
        return self.given_index if self.kept is None else self.given_index[self.kept]

    def place(self, values: ArrayLike, *, name: str | None = None) -> pd.Series[float]:
        """Values for the rows used, in the rows given; NaN in the others.

        Parameters
        ----------
        values : array-like, shape (nrow,)
        name : str, optional
            The name of the Series.

        Raises
        ------
        RowCountError
            If there is not one value for each row used.
        """
        used = np.asarray(values, dtype=np.float64)
        if used.shape != (self.nrow,):
            raise RowCountError(name=name or "values", length=used.size, rows=self.nrow)
        placed = np.full(self.n_given, np.nan)
        placed[slice(None) if self.kept is None else self.kept] = used
        return pd.Series(placed, index=self.given_index, name=name)

    def without(self, positions: ArrayLike) -> Rows:
        """These rows without some of those used.

        Parameters
        ----------
        positions : array-like of int
            Positions among the rows used, from 0.
        """
        lost = np.asarray(positions, dtype=np.intp)
        if lost.size == 0:
            return self
        used = np.arange(self.n_given) if self.kept is None else np.flatnonzero(self.kept)
        kept = np.ones(self.n_given, dtype=bool) if self.kept is None else self.kept.copy()
        kept[used[lost]] = False
        return replace(self, kept=locked(kept))

    def to_plain(self) -> dict[str, Any]:
        """These rows as values that JSON can represent."""
        left_out = [] if self.kept is None else np.flatnonzero(~self.kept).tolist()
        index = None if self.index is None else index_to_plain(self.index)
        return {
            "n_given": self.n_given,
            "left_out": left_out,
            "index": index,
            "library": self.library,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Rows:
        """The rows that `to_plain` has converted."""
        index = None if plain["index"] is None else index_from_plain(plain["index"])
        # Files of version 0.1 do not name the library.
        library = plain.get("library", "pandas")
        rows = cls(n_given=plain["n_given"], index=index, library=library)
        return rows.without(plain["left_out"])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Frame:
    """Typed columns, and the positions of their rows in the data given.

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
        """The same with its own copies of the columns, which do not follow the caller's data."""
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
