"""Which argument of a call is which, by R's rules: by name, by the start of a name, by position."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from pylme.errors import FormulaError, NotAvailableError
from pylme.formula import deparse

if TYPE_CHECKING:
    from pylme.formula import Call, Node

__all__ = ["matched", "unnamed"]


def matched(call: Call, *names: str, needed: int = 1) -> dict[str, Node]:
    """The arguments given, by the names of the function's parameters.

    Parameters
    ----------
    call : Call
    *names : str
        The parameters that are known, in R's order.
    needed : int
        How many of them, from the first, must be given.

    Raises
    ------
    FormulaError
        For an argument that is needed and not given.
    NotAvailableError
        For an argument that is not known here; R may know it.
    """
    found: dict[str, Node] = {}
    rest: list[Node] = []
    for argument in call.arguments:
        if argument.name is None:
            rest.append(argument.value)
            continue
        near = [argument.name] if argument.name in names else []
        near = near or [name for name in names if name.startswith(argument.name)]
        if len(near) != 1 or near[0] in found:
            raise _unknown(call, f"its argument {argument.name!r} is not known here", names)
        found[near[0]] = argument.value
    free = [name for name in names if name not in found]
    if len(rest) > len(free):
        raise _unknown(call, f"it has {len(call.arguments)} arguments", names)
    found |= dict(zip(free, rest, strict=False))
    for name in names[:needed]:
        if name not in found:
            _refuse(call, f"its argument {name!r} is not given", names)
    return found


def unnamed(call: Call) -> tuple[Node, ...]:
    """The arguments of a call that takes any number of them, and none by name.

    Raises
    ------
    FormulaError
        For a named argument, or where there is none at all.
    """
    if not call.arguments or any(argument.name is not None for argument in call.arguments):
        _refuse(call, "it needs arguments, and none by name", ("columns or numbers",))
    return tuple(argument.value for argument in call.arguments)


def _unknown(call: Call, found: str, names: tuple[str, ...]) -> NotAvailableError:
    return NotAvailableError(
        asked=f"Evaluating {deparse(call)!r} without R",
        found=found,
        remedy=f"{call.function}() takes {', '.join(names)}; or compute the column in Python.",
    )


def _refuse(call: Call, found: str, names: tuple[str, ...]) -> NoReturn:
    raise FormulaError(
        asked=f"Evaluating {deparse(call)!r}",
        found=found,
        remedy=f"{call.function}() takes {', '.join(names)}; or compute the column in Python.",
    )
