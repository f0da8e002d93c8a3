"""Ways to stop R while it computes: a signal handler, Ctrl-C in another thread, a time limit.

R checks for interrupts from time to time, and lets rpy2 run a Python function when it does. An
exception cannot leave that function: it is a callback from C, where Python prints and drops it.
Therefore the reason to stop is recorded, R's pending flag is set, and the exception is raised when
R has returned control.

- In the main thread Python runs the handlers of signals, the user's own among them: an exception of
  any of them stops R. If a handler returns, R continues, except after a Ctrl-C while an event loop
  waits: asyncio's handler only asks the loop to cancel, and R keeps the loop from running.
- Other threads do not receive a Ctrl-C. While it calls R, the C library's handler of SIGINT
  also writes to a pipe, and is put back afterwards (`faulthandler` installs it).
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

from pylme.errors import FitTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Stops", "stoppable"]

#: Seconds after which R is interrupted once more, if something in it went on.
_AGAIN: Final = 2.0
#: Whose handlers of SIGINT mean that what runs is to be stopped.
_STOPPING: Final = ("signal", "asyncio", "ipykernel")


class Stops:
    """The reason for which R must stop, if there is one.

    Parameters
    ----------
    rlib : module
        rpy2's handle of R's C library.
    timeout : float or None
        Seconds from now.
    """

    def __init__(self, rlib: Any, timeout: float | None) -> None:
        self._rlib = rlib
        self._timeout = timeout
        self._end = None if timeout is None else time.monotonic() + timeout
        self._asked: float | None = None
        self.reason: BaseException | None = None

    def stop(self, reason: BaseException) -> None:
        """Interrupt R; the first reason counts."""
        self.reason = self.reason or reason
        self._asked = time.monotonic()
        self._rlib.R_interrupts_pending = 1

    def look(self) -> None:
        """Called by R from time to time; raises nothing."""
        if self._asked is not None:
            # Not at once: R is putting things back on its way out.
            if time.monotonic() - self._asked > _AGAIN:
                self.stop(KeyboardInterrupt())
        elif self._overdue():
            self.stop(self._timed_out())

    def done(self) -> None:
        """R has finished: a reason to stop that came a moment too late is raised nevertheless."""
        if self.reason is None and self._overdue():
            self.reason = self._timed_out()

    def _overdue(self) -> bool:
        return self._end is not None and time.monotonic() > self._end

    def _timed_out(self) -> FitTimeoutError:
        assert self._timeout is not None  # noqa: S101  (for the type checker)
        return FitTimeoutError(timeout=self._timeout, engine="lme4")


@contextmanager
def stoppable(rlib: Any, callbacks: Any, *, timeout: float | None = None) -> Iterator[Stops]:
    """Allow signals and a time limit to stop R while the block runs.

    Parameters
    ----------
    rlib, callbacks : module
        rpy2's handle of R's C library, and its callbacks from R.
    timeout : float or None
        The time limit of the block, in seconds.

    Raises
    ------
    BaseException
        The exception that a signal handler raised; KeyboardInterrupt for a Ctrl-C in another
        thread; also if R finished before it noticed.
    FitTimeoutError
        If the time limit was exceeded.
    """
    stops = Stops(rlib, timeout)
    main = threading.current_thread() is threading.main_thread()
    before = callbacks.processevents
    try:
        with _handlers_noted(stops) if main else _interrupts_watched(stops) as look:
            callbacks.processevents = look
            try:
                yield stops
                stops.done()
            finally:
                callbacks.processevents = before
    except BaseException:
        # R says only that it was interrupted.
        if stops.reason is None:
            raise
    if stops.reason is not None:
        # Where R was done before it noticed.
        rlib.R_interrupts_pending = 0
        raise stops.reason


@contextmanager
def _handlers_noted(stops: Stops) -> Iterator[Any]:
    """Run the signal handlers as before, but record what they raise."""
    before = {number: signal.getsignal(number) for number in _signals()}
    handlers = {number: handler for number, handler in before.items() if callable(handler)}

    def note(number: int, frame: Any) -> None:
        try:
            handlers[signal.Signals(number)](number, frame)
        except BaseException as error:  # noqa: BLE001  (it is raised when R is done)
            stops.stop(error)
        else:
            if number == signal.SIGINT and _loop_waits():
                stops.stop(KeyboardInterrupt())

    for number in handlers:
        signal.signal(number, note)
    try:
        yield stops.look
    finally:
        for number, handler in handlers.items():
            # A handler may have set another.
            if signal.getsignal(number) is note:
                signal.signal(number, handler)


@cache
def _signals() -> tuple[signal.Signals, ...]:
    return tuple(n for n in signal.valid_signals() if isinstance(n, signal.Signals))


def _loop_waits() -> bool:
    """Whether an event loop runs in this thread."""
    asyncio = sys.modules.get("asyncio")
    try:
        return asyncio is not None and asyncio.get_running_loop() is not None
    except RuntimeError:
        return False


@contextmanager
def _interrupts_watched(stops: Stops) -> Iterator[Any]:
    """Notice a Ctrl-C that the main thread handles."""
    if not hasattr(faulthandler, "register") or not _stops_work(signal.getsignal(signal.SIGINT)):
        yield stops.look
        return
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)

    def look() -> None:
        try:
            came = os.read(reading, 1)
        except BlockingIOError:
            came = b""
        if came and stops.reason is None:
            stops.stop(KeyboardInterrupt())
        stops.look()

    faulthandler.register(signal.SIGINT, file=writing, all_threads=False, chain=True)
    try:
        yield look
        look()
    finally:
        faulthandler.unregister(signal.SIGINT)
        os.close(writing)
        os.close(reading)


def _stops_work(handler: Any) -> bool:
    """Whether a handler of SIGINT is there to stop what runs; a user's own decides for itself."""
    function = handler.func if isinstance(handler, partial) else handler
    module = getattr(function, "__module__", None) or ""
    return callable(handler) and module.partition(".")[0].lstrip("_") in _STOPPING
