"""What the calls of a formula learnt from the data, kept for other rows.

R remembers the parameters of `poly()`, `ns()`, `bs()` and `scale()` where these stand alone, and
learns those of `log(scale(x))` or `x - mean(x)` anew from new data, which gives another model. Here
everything that depends on more than its own row is remembered, by the text of its call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from pylme.formula import deparse

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylme.formula import Node

__all__ = ["Memory"]

T = TypeVar("T")


class Memory:
    """Parameters by the call that they belong to."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[str, object] = {}

    def recall(self, call: Node, learn: Callable[[], T]) -> T:
        """What the call learnt when it was first evaluated; it learns now if it never was."""
        key = deparse(call)
        if key not in self._kept:
            self._kept[key] = learn()
        return cast("T", self._kept[key])
