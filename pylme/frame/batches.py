"""Lazy data in batches of rows, and Parquet files written batch by batch."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from pylme.errors import DataTypeError, MissingPackageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from os import PathLike

    import narwhals.stable.v2 as nw

    from pylme.frame.lazy_table import LazyTable

__all__ = ["in_batches", "write_batches", "write_rows"]

#: Rows of a batch.
_ROWS: Final = 200_000


def in_batches(table: LazyTable, *, rows: int = _ROWS) -> Iterator[Any]:
    """The rows as tables of pyarrow, one after the other; none of them is empty.

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
        table.frame.sink_parquet(path)
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
