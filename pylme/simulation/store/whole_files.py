"""Files that exist completely or not at all, whatever ends the process that writes them.

Bytes are written under a temporary name, flushed to the disk and renamed. The temporary name
contains the machine, the process and a random number, so that no two writers share one. The next
process that opens the folder removes what dead processes left behind.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

__all__ = ["remove_left_over", "write_whole"]

_SUFFIX: Final = ".part"
#: Seconds after which a temporary file of another machine counts as left behind.
_OLD: Final = 24 * 3600


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, replacing what is there.

    Parameters
    ----------
    path : Path
    data : bytes

    Raises
    ------
    OSError
        No part of the file is left then.
    """
    begun = path.with_name(f"{path.stem}.{_machine()}.{os.getpid()}.{uuid.uuid4().hex}{_SUFFIX}")
    try:
        with begun.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.is_dir() and not path.is_symlink():
            # A file cannot replace a folder, whose content may still be wanted.
            path.rename(path.with_name(f"{path.name}.{uuid.uuid4().hex}.old"))
        begun.replace(path)
    except BaseException:
        with suppress(OSError):
            begun.unlink()
        raise
    _bring_names_to_disk(path.parent)


def remove_left_over(folder: Path) -> None:
    """Remove temporary files that no living process will rename."""
    for path in folder.glob(f"*{_SUFFIX}"):
        with suppress(OSError):
            if _left_over(path):
                path.unlink()


def _left_over(path: Path) -> bool:
    parts = path.name.removesuffix(_SUFFIX).split(".")
    machine, process, number = ["", "", "", *parts][-3:]
    if not process.isdecimal() or len(number) != len(uuid.uuid4().hex):
        return True  # Not a name that `write_whole` gives.
    if machine == _machine() and os.name == "posix":
        return not _alive(int(process))
    return time.time() - path.stat().st_mtime > _OLD


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


@cache
def _machine() -> str:
    """An identifier of the machine, or of the container, which numbers its own processes."""
    with suppress(OSError):
        return _short(f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}")
    return _short(socket.gethostname())


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]


def _bring_names_to_disk(folder: Path) -> None:
    """Flush a rename to the disk, so that it survives a power cut, where the system can do that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
