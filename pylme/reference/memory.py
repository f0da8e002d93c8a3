"""How much memory there is, so that what cannot fit is refused before it is asked for."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["available_bytes"]

#: Taken where the system does not say.
UNKNOWN: Final = 4 * 2**30

_MEMINFO: Final = Path("/proc/meminfo")
_CONTAINER: Final = Path("/sys/fs/cgroup")


def available_bytes() -> int:
    """The bytes that can be had without swapping, within the limit of a container if there is one.

    Linux says it; elsewhere it is half of the physical memory, or 4 GiB where even that is unknown.
    """
    found = [size for size in (_of_system(), _of_container()) if size is not None]
    return min(found, default=UNKNOWN)


def _of_system() -> int | None:
    with suppress(OSError, ValueError, StopIteration):
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(line.split()[1]) * 1024
    with suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return None


def _of_container() -> int | None:
    """What control groups (version 2) leave; the word "max" stands where they set no limit."""
    with suppress(OSError, ValueError):
        limit = int((_CONTAINER / "memory.max").read_text(encoding="ascii"))
        used = int((_CONTAINER / "memory.current").read_text(encoding="ascii"))
        # Files that were read are counted as used, and given up where memory is asked for.
        lines = (_CONTAINER / "memory.stat").read_text(encoding="ascii").splitlines()
        kept = sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
        return max(limit - used + kept, 0)
    return None
