"""What all errors and warnings share: a message of three parts, and pickling."""

from __future__ import annotations

import inspect
import os
import warnings
from pathlib import Path
from typing import Any, Final

from pylme.warning_scopes import taken

__all__ = [
    "PylmeError",
    "PylmeWarning",
    "pointed_at",
    "warn",
]


#: Characters of a line that an error shows before and after the marked place.
_NEARBY: Final = 200

_HOME: Final = __name__.rpartition(".")[0]
_PACKAGE: Final = str(Path(__file__).parent.parent) + os.sep


def pointed_at(text: str, start: int, stop: int) -> str:
    """The line of `text` that holds `start`, with carets under what lies from start to stop."""
    line_start = text.rfind("\n", 0, start) + 1
    line_stop = text.find("\n", start)
    line_stop = line_stop if line_stop >= 0 else len(text)
    width = max(1, min(stop, line_stop) - start)
    # Of a long line, only the part near the mark is shown.
    first, last = max(line_start, start - _NEARBY), min(line_stop, start + width + _NEARBY)
    before = "… " if first > line_start else ""
    after = " …" if last < line_stop else ""
    margin = " " * (4 + len(before) + start - first)
    return f"    {before}{text[first:last]}{after}\n{margin}{'^' * width}"


def _restored(kind: type[BaseException], message: str, facts: dict[str, Any]) -> BaseException:
    # Not kind's own: MemoryError's refuses classes that derive from it. OSError insists on its own.
    base = OSError if issubclass(kind, OSError) else BaseException
    error = base.__new__(kind, message)
    error.args = (message,)
    error.__dict__.update(facts)
    return error


class _Message:
    """A message of three parts, and pickling that does not call the constructor again."""

    args: tuple[Any, ...]

    def __init_subclass__(cls) -> None:
        # Tracebacks, pickles and the filters of warnings name the package, not a file of it.
        if cls.__module__.startswith(f"{_HOME}."):
            cls.__module__ = _HOME

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.args[0], dict(self.__dict__))


class PylmeError(_Message, Exception):
    """The root of all errors that pylme raises.

    Parameters
    ----------
    asked, found, remedy : str
        What was attempted, what was found, what to do.
    """

    def __init__(self, *, asked: str, found: str, remedy: str) -> None:
        super().__init__(f"{asked}: {found}\n{remedy}")
        # OSError.__init__ may leave `args` unset.
        self.args = (f"{asked}: {found}\n{remedy}",)
        self.asked = asked
        self.found = found
        self.remedy = remedy


class PylmeWarning(_Message, UserWarning):
    """The root of all warnings that pylme gives."""


def warn(warning: Warning) -> None:
    """Give a warning that points at the nearest caller outside pylme.

    The warning is not given inside a scope of `pylme.warning_scopes` that collects it.
    """
    if taken(warning):
        return
    level = 1
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level += 1
        frame = frame.f_back
    warnings.warn(warning, stacklevel=level)
