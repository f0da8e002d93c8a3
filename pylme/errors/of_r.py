"""Errors of R: that it is missing, and those that it raises itself."""

from __future__ import annotations

import re
from typing import Final

from pylme.errors.message import PylmeError
from pylme.errors.of_resources import in_units

__all__ = [
    "RError",
    "RUnavailableError",
    "StackLimitError",
]


class RUnavailableError(PylmeError, ImportError):
    """R, rpy2 or lme4 is missing or does not fit together."""


class RError(PylmeError, RuntimeError):
    """R stopped with an error.

    Attributes
    ----------
    message, call : str
        R's own message, and the call that gave it as R shows it (or None).
    reason : str
        Why R stopped, as far as pylme can tell from the model and the data; otherwise empty.
    """

    def __init__(
        self, *, message: str, call: str | None, asked: str, remedy: str, reason: str = ""
    ) -> None:
        name = _CALLED.match(call or "")
        where = f" in {name.group(1)}()" if name and name.group(1) not in _NAMELESS else ""
        said = f"R stopped{where} with: {message}"
        super().__init__(
            asked=asked, found=f"{reason}\n({said})" if reason else said, remedy=remedy
        )
        self.message = message
        self.call = call
        self.reason = reason


#: The name of the function that R called. The rest of the call is R code, which explains nothing
#: to a reader and may be the source of a whole function.
_CALLED: Final = re.compile(r"([A-Za-z.][\w.]*(?::::?[A-Za-z.][\w.]*)?)\(")
_NAMELESS: Final = ("function", "eval", "stopifnot", "do.call", "tryCatch", "withCallingHandlers")


class StackLimitError(RError):
    """R stopped, or was not called, because the stack of the thread is too small for the formula.

    `message` and `call` are R's own; `stack` is the size of the thread's stack in bytes, or None.
    """

    def __init__(self, *, message: str, call: str | None, asked: str, stack: int | None) -> None:
        size = f" of {in_units(stack)}" if stack else ""
        PylmeError.__init__(
            self,
            asked=asked,
            found=f"the formula is too long, or nested too deeply, for this thread's stack{size}: "
            "lme4 processes a formula by nested calls",
            remedy="Write fewer terms, or compute sums of columns in Python; fit a linear model "
            'with engine="numpy"; or fit in a thread with a larger stack: call '
            "threading.stack_size(2**29) before you start that thread.",
        )
        self.message = message
        self.call = call
        self.reason = self.found
        self.stack = stack
