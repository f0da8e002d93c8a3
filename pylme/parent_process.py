"""Processes that end with their parent.

A parent that is killed cannot stop its workers, which would otherwise run until all their work is
done. So each worker watches its parent, and ends when the parent has ended for any reason.
"""

from __future__ import annotations

import os
import time
from threading import Lock, Thread
from typing import Final

__all__ = ["born_of", "end_with"]

_SECONDS: Final = 0.5
_lock: Final = Lock()
#: The watched parents. A process has one; a fork of it has another.
_watched: Final[set[tuple[int, int]]] = set()


def born_of(parent: int) -> None:
    """`end_with` in a process just started by the parent, which may already have ended."""
    if os.name == "posix" and os.getppid() != parent:
        os._exit(1)
    end_with(parent)


def end_with(parent: int) -> None:
    """Let this process end when its parent does, if the parent is the process of that number.

    Nothing changes in the process itself or in a worker on another machine. Windows does not
    report the end of a parent.
    """
    this = os.getpid(), parent
    if os.name != "posix" or os.getppid() != parent:
        return
    with _lock:
        if this in _watched:
            return
        _watched.add(this)
    Thread(target=_watch, args=(parent,), name="pylme-parent", daemon=True).start()


def _watch(parent: int) -> None:
    # The system gives an orphan another parent.
    while os.getppid() == parent:
        time.sleep(_SECONDS)
    os._exit(1)
