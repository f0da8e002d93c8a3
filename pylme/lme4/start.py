"""The start of R in this process, isolated from the rest of it.

lme4's verdict on a criterion that is flat in some direction depends on the last bit, and so do
counts of "converged" fits. The reference BLAS gives the same bits on every processor; OpenBLAS,
which the installer provides, does not. R uses libraries that are already loaded under the requested
names, so it is enough to load the reference libraries before R starts.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import re
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pylme.errors import NotAvailableError
from pylme.lme4.installation.availability import why_unavailable
from pylme.lme4.stack import thread_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "forked",
    "on_enough_stack",
    "prefer_reference_blas",
    "reference_libraries",
    "require_own_r",
    "start_r",
]

T = TypeVar("T")

_SEARCH_PATH: Final = "LD_LIBRARY_PATH"
_STARTED_BY: Final = "PYTHON_SESSION_INITIALIZED"
#: Bytes of stack in which R is started and lme4 loaded: in 0.5 MB R crashes.
_STARTING_STACK: Final = 2**23
#: Where Debian keeps the reference BLAS and LAPACK, on any processor.
_PATTERNS: Final = ("*/blas/libblas.so.3", "*/lapack/liblapack.so.3")
#: Functions that Python calls by name, read into one environment.
_R_FILES: Final = ("call.R", "fit.R", "extract.R", "system.R", "saved.R")

#: Names and levels in other scripts than ASCII need a locale that has them.
_UTF8: Final = """
if (!l10n_info()[["UTF-8"]]) for (name in c("C.UTF-8", "en_US.UTF-8", "UTF-8")) {
  if (nzchar(suppressWarnings(Sys.setlocale("LC_CTYPE", name)))) break
}
"""


def start_r(rinterface: Any) -> Any:
    """Start R with lme4 loaded, not attached.

    Parameters
    ----------
    rinterface : module
        rpy2's.

    Returns
    -------
    SexpEnvironment
        pylme's own R functions, in an environment below base R.

    Raises
    ------
    RUnavailableError
        If R does not start, or has no lme4.
    """
    with _handler_kept(), _search_path_kept(), _threads_accepted(rinterface):
        try:
            rinterface.initr()
        except Exception as error:
            raise why_unavailable(error) from error
    _keep_from_children(rinterface.endr)
    try:
        rinterface.evalr('loadNamespace("lme4"); loadNamespace("splines"); NULL')
    except Exception as error:
        raise why_unavailable(error) from error
    rinterface.evalr(_UTF8)
    folder = files("pylme.lme4").joinpath("r")
    sources = [folder.joinpath(name).read_text(encoding="utf-8") for name in _R_FILES]
    home = rinterface.evalr("new.env(parent = baseenv())")
    evaluate = rinterface.evalr("function(text, home) eval(parse(text = text), home)")
    evaluate(rinterface.StrSexpVector(sources), home)
    return home


def on_enough_stack(start: Callable[[], T]) -> T:
    """Call `start`, in a separate thread if the stack of this one is too small for R."""
    stack = thread_stack()
    if stack is None or 2 * stack[1] >= _STARTING_STACK:
        return start()
    before = threading.stack_size(_STARTING_STACK)
    try:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(start).result()
    finally:
        threading.stack_size(before)


def forked() -> NotAvailableError:
    """The error in a process that was forked after R had started."""
    return NotAvailableError(
        asked="Calling R in a forked process",
        found="R was started before the fork, and its state cannot be shared",
        remedy="Start workers by multiprocessing's 'spawn' method, or by joblib's loky; or call R "
        "for the first time after the fork.",
    )


def require_own_r() -> None:
    """Raise where other code started R through rpy2 before this process was forked.

    rpy2 puts the number of the process that started R into the environment, which child programs
    inherit too; therefore only a process that already has R checks it.
    """
    from rpy2.rinterface_lib import embedded

    started = re.search(r"current_pid=(\d+)", os.environ.get(_STARTED_BY, ""))
    if embedded.isinitialized() and started and int(started[1]) != os.getpid():
        raise forked()


def _keep_from_children(end_r: Callable[[int], None]) -> None:
    """Prevent forked children from ending R: it would remove the parent's temporary folder.

    rpy2 ends R when Python exits, also in a child that only calls `sys.exit`.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: atexit.unregister(end_r))


@contextmanager
def _handler_kept() -> Iterator[None]:
    """Restore the handler of SIGINT: rpy2 sets Python's own when it starts R."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)


@contextmanager
def _threads_accepted(rinterface: Any) -> Iterator[None]:
    """No warning where a thread starts R, as in the workers of dask.

    rpy2 warns that R then cannot be interrupted by Ctrl-C, which pylme sees to itself. The filters
    of warnings belong to all threads of the process, and are left alone.
    """
    before = rinterface.warnings
    rinterface.warnings = SimpleNamespace(warn=_unsaid)
    try:
        yield
    finally:
        rinterface.warnings = before


def _unsaid(*_: object) -> None:
    """Nothing."""


@contextmanager
def _search_path_kept() -> Iterator[None]:
    """Restore the search path of libraries: rpy2 sets R's path, and every child inherits it.

    A Python process that is started from here would load libraries that it was not built with. This
    process read the path when it started.
    """
    before = os.environ.get(_SEARCH_PATH)
    try:
        yield
    finally:
        if before is not None:
            os.environ[_SEARCH_PATH] = before
        else:
            os.environ.pop(_SEARCH_PATH, None)


def reference_libraries() -> list[Path]:
    """The reference BLAS and LAPACK; an empty list unless both are there."""
    found = [sorted(Path("/usr/lib").glob(pattern)) for pattern in _PATTERNS]
    return [paths[0] for paths in found] if all(found) else []


def prefer_reference_blas() -> None:
    """Make R use the reference BLAS in this process, if there is one and R has not started."""
    if "rpy2.rinterface" not in sys.modules:
        for library in reference_libraries():
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
