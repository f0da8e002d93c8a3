"""A study's rows on disk: a Parquet file for each shard, in a folder named by the study's hash.

A file is written under another name and renamed when it is whole, so that a study which was cut off
leaves whole shards only; it goes on with those that are missing. What is read back is what was
written, bit for bit.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pylme.errors import MissingPackageError
from pylme.study.block import TEXT_COLUMNS

if TYPE_CHECKING:
    from types import ModuleType

    import pandas as pd

__all__ = ["Store"]


class Store:
    """The shards of one study.

    Parameters
    ----------
    folder : path
        Holds the folders of all studies.
    key : str
        The study's hash.

    Raises
    ------
    MissingPackageError
        If pyarrow is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str], key: str) -> None:
        self._pyarrow, self._parquet = _pyarrow()
        self.folder = Path(folder) / f"study-{key[:16]}"
        self.folder.mkdir(parents=True, exist_ok=True)

    def has(self, first: int, stop: int) -> bool:
        """Whether the shard of these replicates is there."""
        return self._path(first, stop).exists()

    def write(self, first: int, stop: int, rows: pd.DataFrame) -> None:
        """Put a shard in its place."""
        path = self._path(first, stop)
        # Another process may be at the same study: each writes a file of its own.
        begun = path.with_suffix(f".{os.getpid()}.part")
        table = self._pyarrow.Table.from_pandas(rows, schema=self._schema(), preserve_index=False)
        self._parquet.write_table(table, begun)
        begun.replace(path)

    def read(self, first: int, stop: int) -> pd.DataFrame:
        """The rows of a shard."""
        rows: pd.DataFrame = self._parquet.read_table(self._path(first, stop)).to_pandas()
        for name in TEXT_COLUMNS:
            text = rows[name].astype(object)
            rows[name] = text.where(text.notna(), None)
        return rows

    def _path(self, first: int, stop: int) -> Path:
        return self.folder / f"{first:08d}-{stop:08d}.parquet"

    def _schema(self) -> Any:
        """Written down, as a column without any text would have no type."""
        pa = self._pyarrow
        kinds = {"replicate": pa.int64(), "code": pa.int64(), "singular": pa.bool_()}
        names = [
            "replicate", "model", "parameter", "effect", "group", "term", "estimate", "std_error",
            "criterion", "status", "code", "singular", "verdict", "messages", "seconds", "error",
        ]  # fmt: skip
        text = dict.fromkeys(TEXT_COLUMNS, pa.string())
        return pa.schema([(name, {**kinds, **text}.get(name, pa.float64())) for name in names])


def _pyarrow() -> tuple[ModuleType, ModuleType]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingPackageError(
            package="pyarrow", extra="parquet", asked="Storing a study on disk"
        ) from error
    return pa, pq
