"""How many threads the BLAS under NumPy and SciPy may use.

On small matrices a second thread gains nothing, and on a machine that is busy with something else
it loses much: the threads of a factorization wait for each other at every step (a Cholesky factor
of 1,142 columns took 1.6 s instead of 15 ms beside another process). So a fit runs on one thread,
and only large matrix products are given them all.

The number of threads is a setting of the whole process, and fits may run in several Python threads
at once. The limit is therefore counted: the first fit sets it, the last one to end takes it back.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from functools import cache
from threading import Lock, get_ident, local
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

__all__ = ["one_thread", "this_thread", "threads_for"]

#: Multiplications from which a product is worth several threads.
LARGE: Final = 1e8


@cache
def _libraries() -> list[Any]:
    # What SciPy links to must be loaded before it can be found.
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


class _Limit:
    """The limit of one BLAS thread, set by any number of Python threads at once.

    Attributes
    ----------
    holders, large : set of int
        The Python threads that hold the limit, and those of them that compute a large product.
    usual : list of (library, int)
        The libraries that obey, with their numbers of threads before the limit was set.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.holders: set[int] = set()
        self.large: set[int] = set()
        self.usual: list[tuple[Any, int]] = []
        self.narrow = False

    def hold(self) -> None:
        """Hold the limit in this thread."""
        libraries = _libraries()
        with self.lock:
            if not self.holders:
                self.usual = [(library, library.get_num_threads()) for library in libraries]
            self.holders.add(get_ident())
            self._set()

    def release(self) -> None:
        """Hold it no longer."""
        with self.lock:
            self.holders.discard(get_ident())
            self._set()

    def widen(self) -> None:
        """Let this thread use all threads, unless others hold the limit too."""
        with self.lock:
            self.large |= {get_ident()} & self.holders
            self._set()

    def narrow_again(self) -> None:
        """Let it use one."""
        with self.lock:
            self.large.discard(get_ident())
            self._set()

    def after_fork(self) -> None:
        """Forget the other threads: in a forked process they do not exist."""
        self.lock = Lock()
        self.holders &= {get_ident()}
        self.large &= self.holders
        self._set()

    def _set(self) -> None:
        # One fit alone may widen it. Beside others all processors are busy anyway.
        narrow = bool(self.holders) and not (len(self.holders) == 1 and self.large)
        if narrow is self.narrow:
            return
        self.narrow = narrow
        for library, usual in self.usual:
            _set_threads(library, 1 if narrow else usual)
        if narrow:
            # A library that another Python thread controls by threadpoolctl is left to it.
            self.usual = [pair for pair in self.usual if pair[0].get_num_threads() == 1]


def _set_threads(library: Any, threads: int) -> None:
    library.set_num_threads(threads)
    # From threadpoolctl 3.8 on, a Python thread that sets the number is the only one that can,
    # until it gives this up. Here the last fit to end takes back what the first one set.
    give_up = getattr(library, "clear_controlling_thread", None)
    if give_up is not None:
        give_up()


_limit: Final = _Limit()


class _Thread(local):
    """Whether this Python thread runs within `one_thread`; reading it costs no call."""

    limited = False


this_thread: Final = _Thread()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_limit.after_fork)


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it, the BLAS runs on one thread."""
    if this_thread.limited:
        yield
        return
    try:
        this_thread.limited = True
        _limit.hold()
        yield
    finally:
        _limit.release()
        this_thread.limited = False


def threads_for(multiplications: float) -> AbstractContextManager[None]:
    """Within it, a large product has as many threads as usual, if no other fit is running."""
    return _all_threads() if multiplications > LARGE else nullcontext()


@contextmanager
def _all_threads() -> Iterator[None]:
    try:
        _limit.widen()
        yield
    finally:
        _limit.narrow_again()
