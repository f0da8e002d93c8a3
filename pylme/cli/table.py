"""The data that a command line names: a file, or a data set that is included."""

from __future__ import annotations

import zlib
from lzma import LZMAError
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zipfile import BadZipFile

from pylme.errors import DataTypeError, OptionError
from pylme.text import nearest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_table"]

_SEPARATORS: Final = {".csv": ",", ".tsv": "\t"}
#: What Python's decompressors raise for a file that is cut off or is none of theirs.
_DAMAGED: Final = (EOFError, BadZipFile, LZMAError, zlib.error)
_COMPRESSIONS: Final = (".gz", ".bz2", ".xz", ".zip", ".zst")


def read_table(source: str) -> pd.DataFrame:
    """The data frame in a file, or the data set of that name where there is no such file.

    Parameters
    ----------
    source : str
        Path to a CSV or TSV file (also compressed) or a Parquet file; or a data set's name.

    Raises
    ------
    OptionError
        If the file's extension does not determine how to read it.
    DataTypeError
        If neither such a file nor such a data set exists, or the file cannot be read.
    """
    from pylme import datasets

    path = Path(source)
    if not path.exists():
        if source in datasets.names():
            return datasets.load(source)
        raise _not_there(source, datasets.names())
    endings = [ending.lower() for ending in path.suffixes]
    kind = next((e for e in reversed(endings) if e not in _COMPRESSIONS), "")
    if kind not in (*_SEPARATORS, ".parquet"):
        raise OptionError(
            option="DATA",
            value=source,
            allowed="a file that ends in .csv, .tsv or .parquet",
        )
    try:
        return _read(path, kind)
    except (ValueError, OSError, ImportError, *_DAMAGED) as error:
        raise DataTypeError(
            found=f"{source} cannot be read: {error}",
            remedy="Check the file; Parquet needs `pip install pyarrow`."
            if kind == ".parquet"
            else "Check the file: a header, one separator, UTF-8.",
        ) from error


def _read(path: Path, kind: str) -> pd.DataFrame:
    import pandas as pd

    if kind == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, sep=_SEPARATORS[kind])


def _not_there(source: str, names: tuple[str, ...]) -> DataTypeError | OptionError:
    if "~" in source:
        return OptionError(
            option="the data", value=source, allowed="the data first, then the formula"
        )
    near = nearest(source, names)
    listed = " or ".join(repr(name) for name in near) if near else ", ".join(names)
    return DataTypeError(
        found=f"there is no file {source!r}, and no data set of that name",
        remedy=f"Pass the path of a CSV, TSV or Parquet file, or a data set: {listed}.",
    )
