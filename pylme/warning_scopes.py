"""Scopes in which pylme's own warnings are silenced or collected.

`warnings.catch_warnings` changes filters that all threads of a process share. When two threads use
it at once, one restores what the other had set, and warnings stay lost for the rest of the process.
The scopes here live in a context variable: each thread and each asynchronous task has its own, and
the filters are never touched.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Carried", "collected", "silenced", "taken"]

P = ParamSpec("P")
T = TypeVar("T")
#: Takes a warning and returns whether it keeps it.
Scope = Callable[[Warning], bool]

#: From the outermost to the innermost.
_scopes: Final[ContextVar[tuple[Scope, ...]]] = ContextVar("pylme_warning_scopes", default=())


def taken(warning: Warning) -> bool:
    """Whether a scope keeps the warning, so that it is not given; the innermost is asked first."""
    return any(scope(warning) for scope in reversed(_scopes.get()))


@contextmanager
def silenced(kind: type[Warning] = Warning) -> Iterator[None]:
    """Within it, pylme gives no warnings of that kind."""
    with _in_scopes((*_scopes.get(), lambda warning: isinstance(warning, kind))):
        yield


@contextmanager
def collected() -> Iterator[list[Warning]]:
    """Within it, pylme's warnings are put into a list in place of being given."""
    found: list[Warning] = []

    def keep(warning: Warning) -> bool:
        found.append(warning)
        return True

    with _in_scopes((*_scopes.get(), keep)):
        yield found


class Carried(Generic[P, T]):
    """A function that takes the scopes of where it is made into the thread where it is called.

    Sent to another process it is the plain function: scopes do not leave their process.

    Parameters
    ----------
    function : callable
    """

    def __init__(self, function: Callable[P, T]) -> None:
        self.function = function
        self.scopes = _scopes.get()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function returns."""
        with _in_scopes(self.scopes):
            return self.function(*args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return _itself, (self.function,)


def _itself(function: Callable[P, T]) -> Callable[P, T]:
    return function


@contextmanager
def _in_scopes(scopes: tuple[Scope, ...]) -> Iterator[None]:
    token = _scopes.set(scopes)
    try:
        yield
    finally:
        _scopes.reset(token)
