"""Which R a call goes to: that of this process, or one in a process of its own."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeAlias

from pylme.lme4.isolation.isolated_session import (
    RemoteHandle,
    isolated_session,
)
from pylme.lme4.session import Handle, session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylme.lme4.isolation.isolated_session import (
        IsolatedSession,
    )
    from pylme.lme4.session import Session

__all__ = ["AnyHandle", "session_for_fits", "session_of", "where_asked"]

#: An R object, wherever it lives.
AnyHandle: TypeAlias = Handle | RemoteHandle

_isolated: ContextVar[IsolatedSession | None] = ContextVar("isolated", default=None)


@contextmanager
def where_asked(*, isolated: bool) -> Iterator[None]:
    """Within it, fits are made in a process of their own, if that is asked for."""
    token = _isolated.set(isolated_session() if isolated else None)
    try:
        yield
    finally:
        _isolated.reset(token)


def session_for_fits() -> Session | IsolatedSession:
    """The session in which a model is fitted now."""
    return _isolated.get() or session()


def session_of(handle: AnyHandle) -> Session | IsolatedSession:
    """The session in which an object lives."""
    return handle.session if isinstance(handle, RemoteHandle) else session()
