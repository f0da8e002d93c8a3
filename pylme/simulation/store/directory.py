"""A study's rows on disk: a Parquet file for each shard, in a folder named by the study's hash.

A file is written under another name, brought to the disk and renamed, so that a study which was cut
off leaves whole shards only; it goes on with those that are missing. Each file holds the number of
the schema, the study, the replicates, and a checksum of its rows. Replicates whose file is damaged
or belongs to another study are fitted again. What is read back is what was written, bit for bit.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pylme.errors import DamagedStoreWarning, OptionError, StoreError, warn
from pylme.simulation.store.schema import require_schema
from pylme.simulation.store.shard_file import DamagedShardError, ShardFile
from pylme.simulation.store.whole_files import remove_left_over, write_whole

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Store", "made_folder", "not_kept"]

#: The system's errors for a path that cannot be a folder.
_NO_FOLDER: Final = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.EINVAL}


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
    OptionError
        If the path cannot be a folder.
    StoreError
        If the folder cannot be made, or holds studies of a version with another schema.
    """

    def __init__(self, folder: str | os.PathLike[str], key: str) -> None:
        self._file = ShardFile(key)
        self.folder = made_folder(folder, f"study-{key[:16]}")

    def kept(self, shards: list[tuple[int, int]]) -> dict[tuple[int, int], pd.DataFrame]:
        """The rows of the shards that are there and intact; one warning names the damaged ones.

        Parameters
        ----------
        shards : list of (int, int)
            The replicates of each, from and to.
        """
        found, damaged = {}, {}
        for shard in shards:
            path = self._path(*shard)
            # A broken link occupies the place of a shard too.
            if os.path.lexists(path):
                try:
                    found[shard] = self._file.read(path, *shard)
                except DamagedShardError as error:
                    damaged[path.name] = str(error)
        if damaged:
            warn(DamagedStoreWarning(folder=str(self.folder), damaged=damaged))
        return found

    def require_writable(self) -> None:
        """Raise for a folder that cannot be written to, before any replicate is fitted.

        Raises
        ------
        StoreError
        """
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise not_kept(self.folder, OSError(errno.EACCES, "the folder cannot be written to"))

    def write(self, first: int, stop: int, rows: pd.DataFrame) -> None:
        """Write a shard.

        Raises
        ------
        StoreError
            If the disk is full, or the folder cannot be written to.
        """
        data = self._file.written(first, stop, rows)
        try:
            write_whole(self._path(first, stop), data)
        except OSError as error:
            raise not_kept(self.folder, error) from error

    def _path(self, first: int, stop: int) -> Path:
        return self.folder / f"{first:08d}-{stop:08d}.parquet"


def made_folder(folder: str | os.PathLike[str], name: str) -> Path:
    """A folder in a store, made where it does not exist, without what dead processes left.

    Parameters
    ----------
    folder : path
        Of the store.
    name : str

    Raises
    ------
    OptionError
        If the path cannot be a folder.
    StoreError
        If the folder cannot be made, or holds studies of a version with another schema.
    """
    root = _path(folder)
    made = root / name
    try:
        root.mkdir(parents=True, exist_ok=True)
        require_schema(root)
        made.mkdir(exist_ok=True)
    except OSError as error:
        if error.errno in _NO_FOLDER:
            # The system says of a file in the place of the folder that it exists.
            why = errno.ENOTDIR if error.errno == errno.EEXIST else error.errno
            raise _refused(folder, os.strerror(why).lower()) from error
        raise not_kept(made, error) from error
    remove_left_over(made)
    return made


def not_kept(folder: Path, error: OSError) -> StoreError:
    """The error for results that cannot be kept in a folder."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    remedy = "Free some space" if full else "Make it writable, or give another as `store`"
    return StoreError(
        asked=f"Keeping results in {folder}",
        found=str(error.strerror or error),
        remedy=f"{remedy}, and make the same call again: it continues from what is kept.",
    )


def _path(folder: object) -> Path:
    """The path of a folder, if it can be one."""
    path = os.fspath(folder) if isinstance(folder, str | os.PathLike) else folder
    if not isinstance(path, str):
        raise _refused(folder, "not a path")
    if not path.strip() or "\0" in path:
        raise _refused(folder, "empty, or with a NUL character")
    try:
        os.fsencode(path)
    except UnicodeEncodeError as error:
        raise _refused(folder, "not encodable as a file name") from error
    return Path(path)


def _refused(folder: object, why: str) -> OptionError:
    return OptionError(
        option="store", value=folder, allowed=f"the path of a folder; this one is refused: {why}"
    )
