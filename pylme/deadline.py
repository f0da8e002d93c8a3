"""A limit of time for what runs in Python: begun around it, looked at by it now and then."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from pylme.errors import FitTimeoutError, OptionError
from pylme.options import is_number

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["checked_timeout", "end_of_time", "require_time", "time_limit"]

#: The limit in seconds and the moment at which it is over.
_limit: ContextVar[tuple[float, float] | None] = ContextVar("limit", default=None)


def checked_timeout(timeout: object) -> float | None:
    """`timeout` as a number of seconds, or None for no limit.

    Raises
    ------
    OptionError
        If it is neither None nor a positive number.
    """
    if timeout is None:
        return None
    if not is_number(timeout) or timeout <= 0:
        raise OptionError(
            option="timeout", value=timeout, allowed="a positive number of seconds, or None"
        )
    return float(timeout)


@contextmanager
def time_limit(timeout: float | None) -> Iterator[None]:
    """Give what runs in the block so many seconds; None for no limit."""
    limit = None if timeout is None else (timeout, time.monotonic() + timeout)
    token = _limit.set(limit)
    try:
        yield
        require_time()
    finally:
        _limit.reset(token)


def end_of_time() -> float:
    """The moment of `time.monotonic` at which the time is over; infinite without a limit.

    For loops, which ask once and then compare.
    """
    limit = _limit.get()
    return math.inf if limit is None else limit[1]


def require_time() -> None:
    """Raise where the time is over.

    Raises
    ------
    FitTimeoutError
    """
    limit = _limit.get()
    if limit is not None and time.monotonic() > limit[1]:
        raise FitTimeoutError(timeout=limit[0], engine="numpy")
