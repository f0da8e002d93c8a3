"""Ctrl-C while R computes.

R looks for interrupts now and then, and lets rpy2 run a Python callback when it does. Python's own
handler would raise there, inside a callback from C, where the exception is printed and dropped. So
for the time of a call the handler only sets R's pending flag: R stops at that very place, and the
KeyboardInterrupt is raised when it has handed control back.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["interruptible"]


@contextmanager
def interruptible(rlib: Any) -> Iterator[None]:
    """Let SIGINT stop R while the block runs, and raise it afterwards.

    Only the main thread receives signals; a handler of the user's own is left in place.

    Parameters
    ----------
    rlib : module
        rpy2's handle of R's C library.

    Raises
    ------
    KeyboardInterrupt
        If SIGINT came, also where R was done before it noticed.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return
    came = False

    def note(*_: object) -> None:
        nonlocal came
        came = True
        rlib.R_interrupts_pending = 1

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if came:
            rlib.R_interrupts_pending = 0
            raise KeyboardInterrupt
