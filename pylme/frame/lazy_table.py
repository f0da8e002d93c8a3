"""Data that are read lazily: frames of engines that hold the rows, and Parquet files.

narwhals' LazyFrame is the common face of these engines. What is asked of them is a selection of
rows, arithmetic, and sums by groups, so that no code here knows one engine.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

import narwhals.stable.v2 as nw
from narwhals.stable.v2.dependencies import is_pandas_dataframe, is_polars_dataframe

from pylme.errors import (
    ColumnTypeError,
    DataTypeError,
    MissingPackageError,
    UnknownColumnError,
)
from pylme.frame.to_native import Library

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["LazyTable", "is_lazy", "open_lazy", "scan_parquet", "second_engine"]

_PARQUET: Final = "*.parquet"
#: The engines that open files, the preferred one first.
FileEngine = Literal["duckdb", "polars"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LazyTable:
    """A table whose rows stay where they are.

    Attributes
    ----------
    frame : narwhals.LazyFrame
    types : mapping of str to narwhals' types
        The type of each column.
    library : {"pandas", "polars", "pyarrow"}
        The library in which results are returned.
    files : str, pyarrow dataset or None
        What was opened, if that is files.
    added : tuple of str
        Columns of the frame that are no columns of the data.
    folder : Folder or None
        Where the frame is read from, if that is a file of ours.
    """

    frame: nw.LazyFrame[Any]
    types: dict[str, Any]
    library: Library
    files: Any = None
    added: tuple[str, ...] = ()
    folder: Any = None

    @property
    def engine(self) -> str:
        """The engine that holds the rows, by its package."""
        return str(self.frame.implementation.value)

    def require(self, names: Iterable[str], *, where: str) -> None:
        """Raise for a name that is not that of a column."""
        for name in names:
            if name not in self.types:
                raise UnknownColumnError(name=name, available=tuple(self.types), where=where)

    def flag(self, name: str) -> nw.Expr:
        """A column of truth values.

        Raises
        ------
        ColumnTypeError
            If it has other values.
        """
        self.require([name], where="`subset`")
        if not isinstance(self.types[name], nw.Boolean):
            raise ColumnTypeError(
                column=name,
                dtype=str(self.types[name]),
                found="a subset has one truth value for each row",
                remedy="Filter the rows in their engine before the fit.",
            )
        return nw.col(name)

    def missing(self, name: str) -> nw.Expr:
        """Whether a column has no value."""
        column = nw.col(name)
        return column.is_null() | column.is_nan() if self.is_float(name) else column.is_null()

    def is_float(self, name: str) -> bool:
        """Whether a column has values that may be NaN or infinite."""
        return bool(self.types[name].is_float())

    def is_number(self, name: str) -> bool:
        """Whether a column has numbers."""
        return bool(self.types[name].is_numeric())

    def is_truth(self, name: str) -> bool:
        """Whether a column has truth values."""
        return isinstance(self.types[name], nw.Boolean)

    def where(self, condition: nw.Expr) -> LazyTable:
        """The same with some of the rows."""
        return replace(self, frame=self.frame.filter(condition))

    def __repr__(self) -> str:
        return f"<LazyTable of {self.engine}: {', '.join(self.types)}>"


def is_lazy(data: Any) -> bool:
    """Whether these data are read lazily: a lazy frame, a dataset, or a path to Parquet files."""
    return (
        isinstance(data, str | PathLike | LazyTable)
        or _is_dataset(data)
        or _frame(data) is not None
    )


def open_lazy(data: Any) -> LazyTable:
    """Open a lazy frame, a dataset, or a path to Parquet files.

    Raises
    ------
    DataTypeError
        If there is no file, or it cannot be read.
    MissingPackageError
        If a path is given and neither DuckDB nor polars is installed.
    """
    if isinstance(data, LazyTable):
        return data
    files = None
    if isinstance(data, str | PathLike):
        files = fspath(data)
        frame = scan_parquet(files)
    elif _is_dataset(data):
        files, frame = data, _scan_dataset(data, _reader("Reading a pyarrow dataset"))
    else:
        frame = nw.from_native(data)
    return _table(frame, files)


def _table(frame: nw.LazyFrame[Any], files: Any = None) -> LazyTable:
    return LazyTable(
        frame=frame, types=dict(frame.collect_schema()), library=_library(frame), files=files
    )


def second_engine(table: LazyTable, names: Sequence[str], *, most: int) -> LazyTable | None:
    """The same rows read by another engine; None where none is installed, or can reach them.

    Files are opened again. Rows that an engine holds are collected, if they are few.

    Parameters
    ----------
    table : LazyTable
    names : sequence of str
        The columns that are needed.
    most : int
        The most values that are collected.
    """
    others = [name for name in get_args(FileEngine) if name != table.engine]
    other = next((name for name in others if find_spec(name) is not None), None)
    if other is None:
        return None
    if table.files is not None:
        opened = (
            scan_parquet(table.files, by=other)
            if isinstance(table.files, str)
            else _scan_dataset(table.files, other)
        )
        return _table(opened)
    if int(table.frame.select(nw.len()).collect().item()) * len(names) > most:
        return None
    rows = table.frame.select(*names).collect().to_arrow()
    return _table(nw.from_arrow(rows, backend="pyarrow").lazy(other))


def scan_parquet(path: str, *, by: FileEngine | None = None) -> nw.LazyFrame[Any]:
    """Parquet files, unread: a file, all of a folder, or those that a pattern matches.

    Parameters
    ----------
    path : str
    by : {"duckdb", "polars"}, optional
        The engine; by default DuckDB where it is installed.
    """
    pattern = str(Path(path) / "**" / _PARQUET) if Path(path).is_dir() else path
    engine = by or _reader(f"Reading {path}")
    try:
        frame = nw.scan_parquet(pattern, backend=engine)
        frame.collect_schema()
    except Exception as error:
        raise DataTypeError(
            found=f"{path!r} cannot be read as Parquet: {str(error).splitlines()[0]}",
            remedy="Give the path of a Parquet file, of a folder of such files, or a pattern such "
            "as 'data/*.parquet'. Read other formats into a data frame first.",
        ) from error
    return frame


def _frame(data: Any) -> nw.LazyFrame[Any] | None:
    # Asking narwhals of each library what this is takes a twentieth of a small fit.
    if isinstance(data, Mapping) or is_pandas_dataframe(data) or is_polars_dataframe(data):
        return None
    native = nw.from_native(data, pass_through=True)
    return native if isinstance(native, nw.LazyFrame) else None


def _is_dataset(data: Any) -> bool:
    datasets = sys.modules.get("pyarrow.dataset")
    return datasets is not None and isinstance(data, datasets.Dataset)


def _scan_dataset(dataset: Any, engine: FileEngine) -> nw.LazyFrame[Any]:
    """A dataset of pyarrow, by an engine that reads such a dataset in batches."""
    if engine == "duckdb":
        import duckdb

        return nw.from_native(duckdb.from_arrow(dataset))
    import polars as pl

    return cast("nw.LazyFrame[Any]", nw.from_native(pl.scan_pyarrow_dataset(dataset)))


def _reader(asked: str) -> FileEngine:
    """The engine that reads files: DuckDB where it is installed, otherwise polars."""
    package: FileEngine
    for package in get_args(FileEngine):
        if find_spec(package) is not None:
            return package
    raise MissingPackageError(package="duckdb", extra="lazy", asked=asked)


def _library(frame: nw.LazyFrame[Any]) -> Library:
    return "polars" if frame.implementation.is_polars() else "pandas"
