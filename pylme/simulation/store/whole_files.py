"""Files that are there whole or not at all, whoever else writes them and whatever ends the process.

Bytes are written under a temporary name, brought to the disk and renamed. The temporary name has
the machine, the process and a random number in it, so that no two writers share one; what a dead
process left over is removed by the next that looks.
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
#: Seconds after which a temporary file of another machine is left over: it takes less to write one.
_OLD: Final = 24 * 3600


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, in place of whatever is there.

    Parameters
    ----------
    path : Path
    data : bytes

    Raises
    ------
    OSError
        Nothing of the file is left then.
    """
    begun = path.with_name(f"{path.stem}.{_machine()}.{os.getpid()}.{uuid.uuid4().hex}{_SUFFIX}")
    try:
        with begun.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.is_dir() and not path.is_symlink():
            # A file cannot replace a folder, and what is in it may be of use to somebody.
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
        return True  # No writer gives such names.
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
    """Tells machines apart, and containers, whose processes have numbers of their own."""
    with suppress(OSError):
        return _short(f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}")
    return _short(socket.gethostname())


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]


def _bring_names_to_disk(folder: Path) -> None:
    """After a rename the name, too, must outlast a power cut; not every system can do that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
