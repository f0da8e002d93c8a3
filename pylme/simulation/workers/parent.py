"""A worker process that ends when its parent has ended, however that came about.

A parent that is killed cannot end its workers, and nothing else would before they have done all
that they were given.
"""

from __future__ import annotations

import os
import time
from threading import Lock, Thread
from typing import Final

__all__ = ["born_of", "end_with"]

_SECONDS: Final = 0.5
_lock: Final = Lock()
#: The parents that are watched: one of a process, but a fork has another.
_watched: Final[set[tuple[int, int]]] = set()


def born_of(parent: int) -> None:
    """`end_with`, in a process that the parent itself has just started: it may be dead by now."""
    if os.name == "posix" and os.getppid() != parent:
        os._exit(1)
    end_with(parent)


def end_with(parent: int) -> None:
    """Let this process end when its parent does, if the parent is the process of that number.

    The process itself, or a worker on another machine, goes on as it is. On Windows nobody is told
    of a parent's end.
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
    # An orphan is given to another parent.
    while os.getppid() == parent:
        time.sleep(_SECONDS)
    os._exit(1)
