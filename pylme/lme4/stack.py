"""R's check of its C stack, for the thread that calls R.

rpy2 switches the check off when it starts R, because R would assume the stack of the thread that
started it for all threads. A deep recursion in R then ends the process. Therefore R is given the
position of the calling thread's stack during each call, and stops with an error in time.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["checked_stack", "thread_stack"]

#: What R may use of the stack. The rest is for code that does not check: lme4's own, the BLAS.
_PART: Final = 0.85
#: More than any system's pthread_attr_t.
_ATTRIBUTES: Final = 256

_known = threading.local()


def thread_stack() -> tuple[int, int] | None:
    """The highest address and the size of this thread's stack; None where it is unknown."""
    if not hasattr(_known, "stack"):
        try:
            _known.stack = _by_macos() if sys.platform == "darwin" else _by_attributes()
        except (AttributeError, OSError, TypeError):
            _known.stack = None
    found: tuple[int, int] | None = _known.stack
    return found


def _by_attributes() -> tuple[int, int] | None:
    """By pthread_getattr_np, in the C libraries of Linux and the BSDs."""
    pthread = ctypes.CDLL(None)
    pthread.pthread_self.restype = ctypes.c_void_p
    attributes = ctypes.create_string_buffer(_ATTRIBUTES)
    thread = ctypes.c_void_p(pthread.pthread_self())
    if pthread.pthread_getattr_np(thread, attributes):
        return None
    lowest, size = ctypes.c_void_p(), ctypes.c_size_t()
    failed = pthread.pthread_attr_getstack(attributes, ctypes.byref(lowest), ctypes.byref(size))
    pthread.pthread_attr_destroy(attributes)
    return None if failed or not lowest.value else (lowest.value + size.value, size.value)


def _by_macos() -> tuple[int, int] | None:
    pthread = ctypes.CDLL(None)
    pthread.pthread_self.restype = ctypes.c_void_p
    pthread.pthread_get_stackaddr_np.restype = ctypes.c_void_p
    pthread.pthread_get_stacksize_np.restype = ctypes.c_size_t
    thread = ctypes.c_void_p(pthread.pthread_self())
    highest = pthread.pthread_get_stackaddr_np(thread)
    return (highest, pthread.pthread_get_stacksize_np(thread)) if highest else None


@contextmanager
def checked_stack(rlib: Any) -> Iterator[None]:
    """Let R check the stack of this thread while the block runs.

    Parameters
    ----------
    rlib : module
        rpy2's handle of R's C library.
    """
    stack = thread_stack()
    if stack is None:
        yield
        return
    before = rlib.R_CStackStart, rlib.R_CStackLimit
    highest, size = stack
    rlib.R_CStackStart, rlib.R_CStackLimit = highest, int(_PART * size)
    try:
        yield
    finally:
        rlib.R_CStackStart, rlib.R_CStackLimit = before
