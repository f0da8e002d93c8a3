"""The syntax tree of a formula: frozen nodes, equal if their content is equal at any position.

Every node has the `span` of the text from which it was read; a tree built by hand has (0, 0).
Sums of thousands of columns make trees that are very deep on the left, so functions that walk a
tree follow `left_spine` in a loop and recurse only into the other operands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

Span: TypeAlias = tuple[int, int]

BARS: Final = frozenset({"|", "||"})
SUMS: Final = frozenset({"+", "-"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A part of a formula; `span` is its position in the text."""

    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(Node):
    """A variable, without back-quotes."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Node):
    """A number; `integer` where it is written with R's suffix L."""

    value: float
    integer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class String(Node):
    """A string, without quotes and escapes."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant(Node):
    """One of R's reserved values: TRUE, FALSE, NULL, NA, Inf, NaN."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paren(Node):
    """Parentheses, which are kept, as in R's trees."""

    inner: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary(Node):
    """A prefix operator: `-`, `+`, `!`, and `~` in a one-sided formula."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary(Node):
    """Two operands; `at` is the position of the operator between them."""

    operator: str
    left: Node
    right: Node
    at: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument(Node):
    """An argument of a call, with its name where it has one."""

    name: str | None = None
    value: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Node):
    """A function, named without quotes, and its arguments."""

    function: str
    arguments: tuple[Argument, ...] = ()


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below a node, in the order of the text."""
    match node:
        case Binary():
            return node.left, node.right
        case Paren():
            return (node.inner,)
        case Unary():
            return (node.operand,)
        case Call():
            return node.arguments
        case Argument():
            return (node.value,)
        case _:
            return ()


def walk(node: Node) -> list[Node]:
    """The node and all below it, in the order of the text."""
    waiting, found = [node], []
    while waiting:
        current = waiting.pop()
        found.append(current)
        waiting.extend(reversed(children(current)))
    return found


def left_spine(node: Node, operators: frozenset[str]) -> tuple[Node, list[Binary]]:
    """The leftmost operand under a chain of `operators`, and the chain from left to right."""
    chain: list[Binary] = []
    while isinstance(node, Binary) and node.operator in operators:
        chain.append(node)
        node = node.left
    chain.reverse()
    return node, chain
