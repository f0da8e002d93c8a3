"""The inputs of R's functions when pylme evaluates them: arguments, memory, an evaluator.

Arguments are matched by R's rules: by name, by the start of a name, by position.

R remembers the parameters of `poly()`, `ns()`, `bs()` and `scale()` where the call is a whole term,
and learns those of `log(scale(x))` or `x - mean(x)` again from new data, which gives a different
model. Here everything that depends on more than its own row is remembered, by the text of its call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol, TypeVar, cast

from pylme.errors import FormulaError, NotAvailableError
from pylme.formula import deparse

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from pylme.formula import Call, Node
    from pylme.frame import Factor
    from pylme.model_matrix.evaluation.values import Value, Vector

__all__ = ["Evaluating", "Memory", "matched", "unnamed"]

T = TypeVar("T")


class Memory:
    """Parameters by the call that they belong to."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[str, object] = {}

    @property
    def learnt(self) -> bool:
        """Whether any call learnt parameters from the data."""
        return bool(self._kept)

    def copy(self) -> Memory:
        """Another one with the same parameters, which learns by itself from now on."""
        made = Memory()
        made._kept.update(self._kept)
        return made

    def recall(self, call: Node, learn: Callable[[], T]) -> T:
        """The parameters that the call learnt in its first evaluation, which may be this one."""
        key = deparse(call)
        if key not in self._kept:
            self._kept[key] = learn()
        return cast("T", self._kept[key])


class Evaluating(Protocol):
    """What a function needs of the evaluator of its arguments; `Evaluator` implements it."""

    memory: Memory

    def value(self, node: Node) -> Value:
        """The value of a node, of whatever length."""

    def numbers(self, node: Node) -> NDArray[np.float64]:
        """A numeric vector; dates are days and times seconds."""

    def plain(self, node: Node) -> NDArray[np.float64]:
        """A numeric vector; dates and times are refused."""

    def vector(self, node: Node) -> Vector:
        """A vector of any type."""

    def number(self, node: Node) -> float:
        """A single number."""

    def flag(self, node: Node | None, *, default: bool) -> bool:
        """A single truth value; the default where no argument is given."""

    def texts(self, node: Node) -> tuple[str, ...]:
        """Strings, or numbers as the levels that they name."""

    def factor(self, call: Node, node: Node) -> Factor:
        """A factor with the levels of the first evaluation of the call; new levels come last."""

    def unknown(self, node: Node, found: str) -> NotAvailableError:
        """The error for a node that R may evaluate, but pylme cannot."""

    def refusal(self, node: Node, found: str) -> FormulaError:
        """The error for a node that has no value in R either."""


def matched(call: Call, *names: str, needed: int = 1) -> dict[str, Node]:
    """The arguments given, by the names of the function's parameters.

    Parameters
    ----------
    call : Call
    *names : str
        The supported parameters, in R's order.
    needed : int
        How many of them, from the first, must be given.

    Raises
    ------
    FormulaError
        For a required argument that is not given.
    NotAvailableError
        For an argument that pylme does not support; R may support it.
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
        For a named argument, or if there are no arguments.
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
