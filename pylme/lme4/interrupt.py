"""Ctrl-C while R computes.

Python runs its signal handlers between bytecodes, so a long call into C would finish first. But
Python's C-level handler writes a byte to a file descriptor at once (`signal.set_wakeup_fd`); a
thread that reads it sets R's own pending-interrupt flag, R stops at its next check, and the helper
hands the interrupt back as data.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["interruptible"]

#: Sent through the pipe to end the watching thread; no signal has the number 0.
_DONE = b"\0"


@contextmanager
def interruptible(rlib: Any) -> Iterator[None]:
    """Let SIGINT reach R while the block runs; only the main thread receives signals.

    Parameters
    ----------
    rlib : module
        rpy2's handle of R's C library.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    previous = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(reader, previous, rlib), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(previous)
        os.write(writer, _DONE)
        watcher.join()
        os.close(reader)
        os.close(writer)


def _watch(reader: int, previous: int, rlib: Any) -> None:
    """Read signal numbers until told to end; hand each on to the descriptor that was set before."""
    while (signals := os.read(reader, 64)) != _DONE:
        if signal.SIGINT in signals:
            rlib.R_interrupts_pending = 1
        if previous >= 0:
            os.write(previous, signals.rstrip(_DONE))
        if signals.endswith(_DONE):
            return
