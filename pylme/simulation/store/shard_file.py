"""A shard as the bytes of a Parquet file that describes its own content.

The file's metadata contain the number of the schema, the study's hash, the replicates, the number
of rows, and a checksum of all values. Pages have checksums of their own, which are verified before
a page is decoded.
"""

from __future__ import annotations

import hashlib
import stat
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from pylme.errors import MissingPackageError
from pylme.simulation.estimate.block import COLUMNS, OBJECT, TEXT_COLUMNS, framed
from pylme.simulation.store.schema import SCHEMA

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

__all__ = ["DamagedShardError", "ShardFile"]

_META: Final = "pylme."


class DamagedShardError(Exception):
    """The file is not the complete shard that its name promises."""


class ShardFile:
    """The format of the shards of a study.

    Parameters
    ----------
    key : str
        The study's hash.

    Raises
    ------
    MissingPackageError
        If pyarrow is not installed.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self._pyarrow, self._parquet = _pyarrow()

    def written(self, first: int, stop: int, rows: pd.DataFrame) -> bytes:
        """The bytes of the file of a shard."""
        pa = self._pyarrow
        schema = self._schema()
        arrays = [
            pa.array(_encodable(name, rows[name]), type=schema.field(name).type)
            for name in schema.names
        ]
        table = pa.Table.from_arrays(arrays, schema=schema)
        # The checksum is that of the rows as they will be read.
        metadata = self._metadata(first, stop, _rows(table))
        table = table.replace_schema_metadata(metadata)
        sink = pa.BufferOutputStream()
        self._parquet.write_table(table, sink, write_page_checksum=True)
        return bytes(sink.getvalue())

    def read(self, path: Path, first: int, stop: int) -> pd.DataFrame:
        """The rows of a shard.

        Raises
        ------
        DamagedShardError
            If the file does not contain exactly these.
        """
        try:
            source = self._pyarrow.BufferReader(_bytes(path))
            table = self._parquet.ParquetFile(source, page_checksum_verification=True).read()
        except Exception as error:  # of whatever kind pyarrow raises
            raise DamagedShardError(f"it cannot be read ({error})") from error
        if not table.schema.remove_metadata().equals(self._schema()):
            raise DamagedShardError("its columns are not those of a study")
        rows = _rows(table)
        if (table.schema.metadata or {}) != self._metadata(first, stop, rows):
            raise DamagedShardError("its rows are not those that were written there")
        return rows

    def _metadata(self, first: int, stop: int, rows: pd.DataFrame) -> dict[bytes, bytes]:
        said = {
            "schema": SCHEMA, "study": self.key, "first": first, "stop": stop, "rows": len(rows),
        }  # fmt: skip
        return {
            f"{_META}{name}".encode(): str(value).encode()
            for name, value in {**said, "checksum": _checksum(rows)}.items()
        }

    def _schema(self) -> Any:
        """The types of the columns: fixed, because a column without any text has no type."""
        pa = self._pyarrow
        kinds = {"replicate": pa.int64(), "code": pa.int64(), "singular": pa.bool_()}
        text = dict.fromkeys(TEXT_COLUMNS, pa.string())
        return pa.schema([(name, {**kinds, **text}.get(name, pa.float64())) for name in COLUMNS])


def _encodable(name: str, column: pd.Series[Any]) -> Any:
    """Text that UTF-8 can encode: a message may contain half of a surrogate pair."""
    if name not in TEXT_COLUMNS:
        return column
    return [
        None if text is None else text.encode("utf-8", "backslashreplace").decode()
        for text in column
    ]


def _bytes(path: Path) -> bytes:
    # Reading a pipe would wait for a writer.
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("not a file")
    return path.read_bytes()


def _rows(table: Any) -> pd.DataFrame:
    """The table as the frame from which it was written."""
    columns: dict[str, Any] = {}
    for name in COLUMNS:
        column = table.column(name)
        if name in TEXT_COLUMNS:
            columns[name] = pd.Series(np.array(column.to_pylist(), dtype=OBJECT), dtype=OBJECT)
        elif name in _MASKED:
            found = column.to_pylist()
            values = np.array([value or 0 for value in found], dtype=np.int64)
            missing = np.array([value is None for value in found], dtype=np.bool_)
            columns[name] = _MASKED[name](values, missing)
        else:
            columns[name] = column.to_numpy()
    return framed(columns)


#: Columns in which a value may be missing without being NaN.
_MASKED: Final[dict[str, Any]] = {
    "code": pd.arrays.IntegerArray,
    "singular": lambda values, missing: pd.arrays.BooleanArray(values.astype(np.bool_), missing),
}


def _checksum(rows: pd.DataFrame) -> str:
    """A hash of all values, in the order of columns and rows."""
    whole = hashlib.sha256()
    for name in COLUMNS:
        column = rows[name]
        if name in TEXT_COLUMNS:
            whole.update(repr(column.tolist()).encode("utf-8", "surrogatepass"))
        elif name in _MASKED:
            whole.update(column.isna().to_numpy().tobytes())
            whole.update(column.to_numpy(dtype=np.int64, na_value=0).tobytes())
        else:
            whole.update(column.to_numpy().tobytes())
    return whole.hexdigest()


def _pyarrow() -> tuple[ModuleType, ModuleType]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingPackageError(
            package="pyarrow", extra="parquet", asked="Storing a study on disk"
        ) from error
    return pa, pq
