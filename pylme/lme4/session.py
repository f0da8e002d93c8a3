"""The one R session of this process: started on first use, called by one thread at a time.

R is a single interpreter without support for threads, so every access to an R object happens under
rpy2's own lock. This has three more consequences:

- An R object that Python no longer references is not released when the garbage collector runs, but
  when the lock is next acquired (`Handle`).
- R's console output goes to the logger "pylme.r", and the console's callbacks are restored
  afterwards, because another user of rpy2 in this process may have set their own.
- A process that is forked after R has started shares R's memory but not its state: it is refused.
"""

from __future__ import annotations

import logging
import math
import os
import re
import sys
import threading
import time
import traceback
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.errors import OutOfMemoryError, RError, StackLimitError
from pylme.installed_r import find_r
from pylme.lme4.conditions import raise_as_warnings
from pylme.lme4.installation.availability import why_unavailable
from pylme.lme4.interrupt import stoppable
from pylme.lme4.stack import checked_stack, thread_stack
from pylme.lme4.start import forked, on_enough_stack, require_own_r, start_r
from pylme.results.fitted_model import Condition
from pylme.versions import know

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Handle", "Session", "session", "started"]

_console = logging.getLogger("pylme.r")
_starting = threading.Lock()
_session: Session | None = None

#: R objects whose Python owner is gone, waiting for the lock.
_released: deque[Any] = deque()

#: What a failing function was asked to do, where its name alone would not say it.
_ASKED: Final = {"fit_model": "Fitting the model with lme4"}
#: What R says of recursion that is too deep: of its C stack, its own stacks, and its calls.
_STACK: Final = re.compile(r"C stack usage|stack overflow|nested too deeply|infinite recursion")
#: What R says where it has no memory left.
_MEMORY: Final = re.compile(r"cannot allocate|memory exhausted|bad_alloc")
#: Bytes that must be left when data have been copied to R.
_RESERVE: Final = 2**25
#: Data of fewer bytes are not looked at.
_SMALL: Final = 2**16


class Handle:
    """An R object held by Python, by reference."""

    __slots__ = ("sexp",)

    def __init__(self, sexp: Any) -> None:
        self.sexp = sexp

    def __del__(self, released: deque[Any] = _released) -> None:
        # Bound above: at the end of the process the module's names go before the last handle does.
        released.append(self.sexp)


class Session:
    """R with lme4 loaded (not attached) and pylme's own R functions in an environment apart."""

    def __init__(self) -> None:
        _require_r()
        try:
            from rpy2 import rinterface
            from rpy2.rinterface_lib import callbacks, openrlib

            # They import rpy2 themselves, which may be missing.
            from pylme.lme4.from_r import from_r
            from pylme.lme4.to_r import bytes_of, to_r
        except Exception as error:
            raise why_unavailable(error) from error
        self._from_r = from_r
        self._to_r = to_r
        self._bytes_of = bytes_of
        self._lock = openrlib.rlock
        self._rlib = openrlib.rlib
        self._callbacks = callbacks
        require_own_r()
        #: When Ctrl-C last stopped R.
        self._interrupted = -math.inf
        self._process = os.getpid()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_renew_lock)
        with self._lock, self._quiet_console(), stoppable(self._rlib, callbacks):
            self._functions = start_r(rinterface)
        self.versions: dict[str, str] = self.call("session_versions")
        know(r=self.versions["R"], lme4=self.versions["lme4"])

    def call(self, function: str, *arguments: Any) -> Any:
        """Call one of pylme's R functions and give its value as a Python object.

        R's messages during the call become warnings.

        Raises
        ------
        RError
            If R stops.
        """
        with self._at_work(), stoppable(self._rlib, self._callbacks):
            value, said = self._captured(function, arguments)
            result = self._from_r(value)
            # Released here, under the lock, not when this function returns.
            del value
        if said:
            raise_as_warnings(dict.fromkeys(said))
        return result

    def hold(
        self, function: str, *arguments: Any, timeout: float | None = None
    ) -> tuple[Handle, tuple[Condition, ...]]:
        """Call one of pylme's R functions and keep its value in R, with R's messages.

        Parameters
        ----------
        function : str
        *arguments : object
        timeout : float or None
            The time limit in seconds. Waiting for another thread that uses R is not counted.

        Raises
        ------
        RError
            If R stops.
        FitTimeoutError
            If it takes longer.
        """
        with self._at_work(), stoppable(self._rlib, self._callbacks, timeout=timeout):
            value, said = self._captured(function, arguments)
            return Handle(value), said

    def _captured(
        self, function: str, arguments: tuple[Any, ...]
    ) -> tuple[Any, tuple[Condition, ...]]:
        given = self._given(arguments)
        value, said, error = self._functions["captured_call"](self._functions[function], *given)
        failure = self._from_r(error)
        if failure is not None:
            if failure.get("interrupted"):
                raise KeyboardInterrupt
            message, call = failure["message"], failure["call"]
            asked = _ASKED.get(function, f"Calling lme4 ({function})")
            if _STACK.search(message):
                stack = thread_stack()
                raise StackLimitError(
                    message=message, call=call, asked=asked, stack=stack and stack[1]
                )
            raise RError(
                message=message,
                call=call,
                asked=asked,
                remedy="The message is R's own, and pylme knows no reason for it. If R should "
                "accept this call, report it with the output of pylme.show_versions().",
            )
        return value, tuple(Condition(**record) for record in self._from_r(said) or ())

    def _given(self, arguments: tuple[Any, ...]) -> list[Any]:
        """The arguments as R objects.

        Slightly more memory than they need is first allocated and released, because small vectors
        and texts are allocated where R cannot report that memory is exhausted.
        """
        needed = self._bytes_of(arguments)
        try:
            if needed > _SMALL:
                np.empty(needed + _RESERVE, dtype=np.uint8)
            return [a.sexp if isinstance(a, Handle) else self._to_r(a) for a in arguments]
        except MemoryError as error:
            raise OutOfMemoryError(asked="Copying the data to R", needed=needed) from error

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        if os.getpid() != self._process:
            raise forked()
        waiting = time.monotonic()
        with self._lock, self._quiet_console(), checked_stack(self._rlib):
            _released.clear()
            if self._interrupted > waiting:
                # Ctrl-C stopped the thread that was waited for, and means this one too.
                raise KeyboardInterrupt
            try:
                yield
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    self._interrupted = time.monotonic()
                # Whoever keeps the traceback would keep R objects in its frames, and release them
                # later in any thread, without the lock.
                traceback.clear_frames(error.__traceback__)
                if isinstance(error, MemoryError) or _MEMORY.search(str(error)):
                    self._rlib.R_gc()
                raise

    @contextmanager
    def _quiet_console(self) -> Iterator[None]:
        callbacks = self._callbacks
        before = (callbacks.consolewrite_print, callbacks.consolewrite_warnerror)
        callbacks.consolewrite_print = callbacks.consolewrite_warnerror = _log_console
        try:
            yield
        finally:
            callbacks.consolewrite_print, callbacks.consolewrite_warnerror = before


def _require_r() -> None:
    """Raise where there is no R: rpy2 would write to the console that it finds none.

    On Windows rpy2 looks for R in the registry too.
    """
    if os.name != "nt" and "rpy2.rinterface" not in sys.modules and find_r() is None:
        raise why_unavailable()


def _log_console(text: str) -> None:
    if stripped := text.strip():
        _console.info(stripped)


def _renew_lock() -> None:
    """In a forked child: another thread of the parent may have held it."""
    global _starting  # noqa: PLW0603
    _starting = threading.Lock()


def started() -> bool:
    """Whether the session of this process was started."""
    return _session is not None


def session() -> Session:
    """The session, started now if it was not.

    Raises
    ------
    RUnavailableError
        If R, rpy2 or lme4 is missing or does not fit together.
    """
    global _session  # noqa: PLW0603  (one interpreter in a process is R's own limit)
    with _starting:
        if _session is None:
            _session = on_enough_stack(Session)
        return _session
