"""Errors of what is asked for: options, names, results, packages, stores and workers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pylme.errors.message import PylmeError
from pylme.text import nearest, suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "MissingPackageError",
    "NotAvailableError",
    "OptionError",
    "StoreError",
    "UnknownNameError",
    "WorkerError",
]


class OptionError(PylmeError, ValueError):
    """An argument whose value is not one of those allowed."""

    def __init__(self, *, option: str, value: object, allowed: Sequence[object] | str) -> None:
        if isinstance(allowed, str):
            remedy = f"Pass {allowed}."
        else:
            near = nearest(value, [str(a) for a in allowed])
            remedy = f"Allowed: {', '.join(repr(a) for a in allowed)}." + (
                f" Did you mean {near[0]!r}?" if near else ""
            )
        # Most options are arguments; the others say in several words what they are.
        named = f"{option[0].upper()}{option[1:]}" if _IN_WORDS.match(option) else None
        super().__init__(
            asked=named or f"Argument {option}",
            found=f"{_shortly(value)} is not allowed",
            remedy=remedy,
        )
        self.option = option
        self.value = value


#: Two words with a space between, outside the brackets and quotes of an argument's element.
_IN_WORDS: Final = re.compile(r"[a-z]+ ")
#: A data frame or a list passed by mistake must not push the remedy off the screen.
_MOST_SHOWN: Final = 400


def _shortly(value: object) -> str:
    try:
        shown = repr(value)
    except Exception:  # noqa: BLE001  (a foreign __repr__, and Python's for a number too long)
        return f"a value of type {type(value).__name__}"
    if len(shown) <= _MOST_SHOWN:
        return shown
    return f"{shown[:_MOST_SHOWN]}... (of type {type(value).__name__})"


class UnknownNameError(PylmeError, LookupError):
    """A data set, grouping factor, or item that does not exist under the name given."""

    def __init__(self, *, what: str, name: str, known: Sequence[str]) -> None:
        super().__init__(
            asked=f"Looking up the {what} {name!r}",
            found="no such name exists",
            remedy=suggestion(name, known),
        )
        self.name = name
        self.known = tuple(known)


class NotAvailableError(PylmeError, RuntimeError):
    """A result that is not available for this fit, with the reason."""


class MissingPackageError(PylmeError, ImportError):
    """An optional dependency that is not installed; the extra `extra` of pylme includes it."""

    def __init__(self, *, package: str, extra: str, asked: str) -> None:
        super().__init__(
            asked=asked,
            found=f"{package} is not installed (it is the extra [{extra}] of pylme)",
            remedy=f"Install it with: pip install {package}",
        )
        self.package = package
        self.extra = extra


class StoreError(PylmeError, RuntimeError):
    """The folder that keeps a study's results cannot be used."""


class WorkerError(PylmeError, RuntimeError):
    """A replicate of a study or bootstrap ended its worker process, twice."""

    def __init__(self, *, replicate: int, exit_code: str | None) -> None:
        super().__init__(
            asked=f"Fitting replicate {replicate} in a worker process",
            found="the process ended without a result, both alone and alongside other processes"
            + (f" (exit code {exit_code})" if exit_code else ""),
            remedy="Look in your own function for something that ends a process: os._exit, a crash "
            "in compiled code, or more memory than is available.",
        )
        self.replicate = replicate
        self.exit_code = exit_code
