"""What was worked out of a tree before, by the identity of its nodes.

A formula is fitted again and again, to other data or by another engine, and the same tree is asked
the same questions dozens of times within one fit. Trees are frozen, so answers hold for ever; they
may be too deep to be hashed, so an answer is looked up by which node it is, not by what it says.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["remembered"]

P = ParamSpec("P")
T = TypeVar("T")

#: Answers that a function remembers at most; then it begins anew.
MOST: Final = 2048


def remembered(function: Callable[P, T]) -> Callable[P, T]:
    """The function, with its answers kept for the objects that it was called with."""
    # The arguments are kept with the answer, so that no other object gets their identity.
    known: dict[tuple[int, ...], tuple[object, T]] = {}

    @wraps(function)
    def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        objects = (*args, *kwargs.values())
        key = tuple(map(id, objects))
        if (found := known.get(key)) is not None:
            return found[1]
        answer = function(*args, **kwargs)
        if len(known) >= MOST:
            known.clear()
        known[key] = (objects, answer)
        return answer

    return asked
