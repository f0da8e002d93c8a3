"""A session of R in another process, with the face of the one in this process.

Objects stay there; what is asked of them is computed there and comes back as plain Python values.
If that process ends for whatever reason, the call in progress and every later one about its objects
raise one error, and the next fit starts another process.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from pylme.errors import FitTimeoutError, NotAvailableError, PylmeError, RProcessError, warn
from pylme.lme4.isolation.channel import Channel, ClosedError
from pylme.lme4.isolation.messages import Ask, Kept, Raised
from pylme.versions import know

if TYPE_CHECKING:
    from pylme.lme4.isolation.messages import Held, Returned
    from pylme.results.fitted_model import Condition

__all__ = ["IsolatedSession", "RemoteHandle", "isolated_session"]

#: Seconds beyond a limit of time that R has to stop by itself, before its process is ended.
_GRACE: Final = 1.0
#: Seconds that R has to react to Ctrl-C.
_REACTION: Final = 2.0

_lock = threading.Lock()
_session: IsolatedSession | None = None


class RemoteHandle:
    """An R object in the process of an isolated session."""

    __slots__ = ("kept", "session")

    def __init__(self, session: IsolatedSession, kept: Kept) -> None:
        self.session = session
        self.kept = kept

    def __del__(self) -> None:
        self.session.released.append(self.kept.number)


class IsolatedSession:
    """R in a process of its own.

    Attributes
    ----------
    released : deque of int
        Objects that nobody holds any more; the next call names them.
    pid : int
        The process that holds R.
    """

    def __init__(self) -> None:
        if not hasattr(socket, "send_fds"):
            raise NotAvailableError(
                asked="Running R in a process of its own",
                found="this system has no sockets that processes can share",
                remedy="Fit the model without `isolated`.",
            )
        self.released: deque[int] = deque()
        self._calls = threading.RLock()
        self._owner = os.getpid()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  (this Python)
                [
                    sys.executable, "-m", "pylme.lme4.isolation.worker",
                    str(theirs.fileno()), str(os.getpid()),
                ],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )  # fmt: skip
        self._channel = Channel(ours)
        self.pid = self._process.pid

    @cached_property
    def versions(self) -> dict[str, str]:
        """The versions of R and its packages.

        Raises
        ------
        RUnavailableError
            If R, rpy2 or lme4 is missing.
        """
        found: dict[str, str] = self._asked(Ask(function=None)).value
        know(r=found["R"], lme4=found["lme4"])
        return found

    @property
    def answers(self) -> bool:
        """Whether the process is there: also where the system has not yet reported its end."""
        if not self.alive:
            return False
        if not self._calls.acquire(blocking=False):
            # Another thread waits for an answer, and will see.
            return True
        try:
            self._asked(Ask(function=None))
        except RProcessError:
            return False
        except PylmeError:
            # There is no R; the fit says so.
            return True
        finally:
            self._calls.release()
        return True

    @property
    def alive(self) -> bool:
        """Whether the process runs, and was started by this one."""
        return self._owner == os.getpid() and self._process.poll() is None

    def call(self, function: str, *arguments: Any) -> Any:
        """As `Session.call`."""
        answer: Returned = self._asked(Ask(function=function, arguments=self._plain(arguments)))
        for each in answer.warnings:
            warn(each)
        value = answer.value
        return RemoteHandle(self, value) if isinstance(value, Kept) else value

    def hold(
        self, function: str, *arguments: Any, timeout: float | None = None
    ) -> tuple[RemoteHandle, tuple[Condition, ...]]:
        """As `Session.hold`; R is ended where it does not stop at the limit by itself."""
        ask = Ask(function=function, arguments=self._plain(arguments), held=True, timeout=timeout)
        answer: Held = self._asked(ask)
        return RemoteHandle(self, answer.kept), answer.conditions

    def end(self) -> None:
        """End the process; what it holds is lost."""
        if self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
        self._channel.close()

    def _plain(self, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple([a.kept if isinstance(a, RemoteHandle) else a for a in arguments])

    def _asked(self, ask: Ask) -> Any:
        with self._calls:
            if not self.alive:
                raise self._ended(before=True)
            released = tuple(self.released.popleft() for _ in range(len(self.released)))
            ask = Ask(
                function=ask.function, arguments=ask.arguments, held=ask.held,
                timeout=ask.timeout, released=released,
            )  # fmt: skip
            try:
                self._channel.send(ask)
                answer = self._answer(ask.timeout)
            except ClosedError:
                raise self._ended(before=False) from None
        if isinstance(answer, Raised):
            raise answer.error
        return answer

    def _answer(self, timeout: float | None) -> Any:
        try:
            return self._channel.receive(None if timeout is None else timeout + _GRACE)
        except TimeoutError:
            self.end()
            assert timeout is not None  # noqa: S101  (there was a limit)
            raise FitTimeoutError(timeout=timeout, engine="lme4") from None
        except KeyboardInterrupt:
            self._interrupt()
            raise

    def _interrupt(self) -> None:
        """Pass Ctrl-C on; a process that does not react is ended."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._channel.receive(_REACTION)
        except (TimeoutError, ClosedError):
            self.end()

    def _ended(self, *, before: bool) -> RProcessError:
        code = None
        if self._owner == os.getpid():
            code = self._process.wait()
            self._channel.close()
        return RProcessError(ended=_in_words(code), before=before)


def _in_words(code: int | None) -> str:
    """How a process ended."""
    if code is None:
        return "it belongs to the process before a fork"
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def isolated_session() -> IsolatedSession:
    """The session in another process, started now if there is none that runs."""
    global _session  # noqa: PLW0603  (one process beside this one)
    with _lock:
        if _session is None or not _session.answers:
            _session = IsolatedSession()
            atexit.register(_session.end)
        return _session
