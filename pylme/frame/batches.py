"""Lazy data in batches of rows, and Parquet files written batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any, Final
from weakref import finalize

import narwhals.stable.v2 as nw

from pylme.errors import DataTypeError, MissingPackageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from os import PathLike

    from pylme.frame.lazy_table import LazyTable

__all__ = ["Folder", "Rewritten", "in_batches", "rewritten", "write_batches", "write_rows"]

_kept: Final[list[Folder]] = []
#: Rows of a batch.
_ROWS: Final = 200_000


class Folder:
    """A temporary folder, which is removed when nothing refers to it, and at the end of Python."""

    def __init__(self) -> None:
        self.path = Path(mkdtemp(prefix="pylme-"))
        self._remove = finalize(self, rmtree, self.path, ignore_errors=True)

    def keep(self) -> None:
        """Keep it to the end of Python, for frames of others that read it."""
        _kept.append(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rewritten:
    """Rows in a file of ours.

    Attributes
    ----------
    frame : narwhals.LazyFrame
        Of the engine of the data.
    folder : Folder
        Where the file is.
    """

    frame: nw.LazyFrame[Any]
    folder: Folder


def rewritten(
    table: LazyTable, names: Sequence[str], change: Callable[[Iterator[Any]], Iterator[Any]]
) -> Rewritten:
    """The rows with other columns, which are computed from batches, for the same engine.

    Parameters
    ----------
    table : LazyTable
    names : sequence of str
        The columns that are read.
    change : callable
        Makes tables of pyarrow from such tables; these have at least one row each.

    Raises
    ------
    MissingPackageError
        If pyarrow is not installed.
    """
    folder = Folder()
    path = str(folder.path / "rows.parquet")
    write_batches(change(in_batches(table, names=names)), path)
    session = getattr(table.frame.to_native(), "sparkSession", None)
    options = {} if session is None else {"session": session}
    frame = nw.scan_parquet(path, backend=table.frame.implementation, **options)
    # Parquet has no categories in an order of their own.
    own = frame.collect_schema()
    labelled = [
        nw.col(name).cast(table.types[name])
        for name in names
        if isinstance(table.types[name], nw.Categorical | nw.Enum)
        and own[name] != table.types[name]
    ]
    return Rewritten(frame=frame.with_columns(*labelled) if labelled else frame, folder=folder)


def in_batches(
    table: LazyTable, *, names: Sequence[str] | None = None, rows: int = _ROWS
) -> Iterator[Any]:
    """The rows as tables of pyarrow, one after the other; none of them is empty.

    By default they have all columns.

    The engine writes its rows to a temporary Parquet file, which is read in batches: no more than a
    few of them are in memory at a time, whichever engine it is.

    Raises
    ------
    MissingPackageError
        If pyarrow is not installed.
    """
    _require_pyarrow("Reading lazy data in batches of rows")
    import pyarrow as pa
    from pyarrow import dataset

    with TemporaryDirectory(prefix="pylme-") as folder:
        path = Path(folder) / "rows.parquet"
        (table.frame if names is None else table.frame.select(*names)).sink_parquet(path)
        found = dataset.dataset(path, format="parquet")
        for batch in found.to_batches(batch_size=rows, batch_readahead=1, fragment_readahead=1):
            if batch.num_rows:
                yield pa.Table.from_batches([batch])


def write_batches(batches: Iterable[Any], to: str | PathLike[str]) -> str:
    """Write tables of pyarrow to one Parquet file, and return its path.

    Raises
    ------
    DataTypeError
        If the file cannot be written, or there are no rows.
    """
    from pyarrow import parquet

    path, writer = str(to), None
    try:
        for batch in batches:
            if writer is None:
                writer = _opened(parquet.ParquetWriter, path, batch.schema)
            writer.write_table(batch)
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        raise DataTypeError(
            found="the data have no rows",
            remedy="Check the path, or the filter that chooses the rows.",
        )
    return path


def write_rows(frame: nw.LazyFrame[Any], to: str | PathLike[str]) -> str:
    """Let the engine of a lazy frame write its rows to Parquet, and return the path."""
    path = str(to)
    _opened(frame.sink_parquet, path)
    return path


def _opened(write: Any, path: str, *arguments: Any) -> Any:
    if not Path(path).absolute().parent.is_dir():
        raise DataTypeError(
            found=f"{path!r} cannot be written: there is no folder "
            f"{str(Path(path).absolute().parent)!r}",
            remedy="Make the folder, or give another path.",
        )
    return write(path, *arguments)


def _require_pyarrow(asked: str) -> None:
    if find_spec("pyarrow") is None:
        raise MissingPackageError(package="pyarrow", extra="parquet", asked=asked)
