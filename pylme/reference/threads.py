"""How many threads the BLAS under NumPy and SciPy may use.

On small matrices a second thread gains nothing, and on a machine that is busy with something else
it loses much: the threads of a factorisation wait for each other at every step (a Cholesky factor
of 1,142 columns took 1.6 s instead of 15 ms beside another process). So a fit runs on one thread,
and only large matrix products are given them all.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from threadpoolctl import ThreadpoolController

__all__ = ["one_thread", "threads_for"]

#: Multiplications from which a product is worth several threads.
LARGE: Final = 1e8


@cache
def _controller() -> ThreadpoolController:
    # What SciPy links to must be loaded before it can be found.
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@cache
def _usual() -> int:
    return max((library["num_threads"] for library in _controller().info()), default=1)


def one_thread() -> AbstractContextManager[object]:
    """Within it, the BLAS runs on one thread."""
    _usual()
    return _limited(1)


def threads_for(multiplications: float) -> AbstractContextManager[object]:
    """Within it, a large product has as many threads as usual, whatever is set around it."""
    return _limited(_usual()) if multiplications > LARGE else nullcontext()


def _limited(threads: int) -> AbstractContextManager[object]:
    manager: AbstractContextManager[object] = _controller().limit(limits=threads, user_api="blas")
    return manager
