"""A tree converted back to text, identical to the output of R's `deparse()`.

There are spaces around operators, but none around / : ^ %% %/%. When a line exceeds the cutoff (in
bytes of UTF-8), R breaks it after the next operator or comma; the text after the first break within
a call or an operation is indented by one level, of four spaces up to the fourth level and of two
beyond. Parentheses are added only where the text would otherwise be read as a different tree, which
can happen for trees that were built and not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pylme.formula.nodes import (
    Argument,
    Binary,
    Call,
    Constant,
    Name,
    Number,
    Paren,
    String,
    Unary,
)
from pylme.formula.parse import BINDING, COMPARISONS, PREFIX_BINDING, SPECIAL_BINDING
from pylme.formula.scan import escape as write_string
from pylme.formula.scan import write_name, write_name_for_parser, write_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylme.formula.nodes import Node

_CLOSE: Final = frozenset({"/", ":", "^", "%%", "%/%"})
_WIDE_LEVELS: Final = 4


def deparse(node: Node) -> str:
    """The node as one line of R.

    Examples
    --------
    >>> deparse(parse_tree("y~x*f+(1|g/h)"))
    'y ~ x * f + (1 | g/h)'
    """
    return write_name(node.name) if isinstance(node, Name) else _Writer(None).write(node)[0]


def parseable(node: Node) -> str:
    """The node as one line that R's parser reads, whatever characters its names have."""
    return _Writer(None, write_name=write_name_for_parser).write(node)[0]


def deparse_lines(node: Node, cutoff: int = 60) -> list[str]:
    """The node in lines, broken where R's ``deparse(width.cutoff = cutoff)`` breaks them.

    A line that is followed by another keeps the space at its end, as R's does.
    """
    return _Writer(cutoff).write(node)


class _Writer:
    """Lines being written; `_level` counts the indents."""

    def __init__(
        self, cutoff: int | None, *, write_name: Callable[[str], str] = write_name
    ) -> None:
        self._cutoff = cutoff
        self._write_name = write_name
        self._lines: list[str] = []
        self._line: list[str] = []
        self._length = 0
        self._level = 0

    def write(self, node: Node) -> list[str]:
        self._node(node)
        return [*self._lines, "".join(self._line)]

    def _put(self, text: str) -> None:
        if self._cutoff is None:
            self._line.append(text)
            return
        if not self._line and self._level:
            wide = min(self._level, _WIDE_LEVELS)
            text = " " * (4 * wide + 2 * (self._level - wide)) + text
        self._line.append(text)
        self._length += len(text.encode())

    def _break(self, *, broken: bool) -> bool:
        """Begin a new line if this one is too long; whether the current level has begun one."""
        if self._cutoff is None or self._length <= self._cutoff:
            return broken
        self._lines.append("".join(self._line))
        self._line = []
        self._length = 0
        self._level += not broken
        return True

    def _node(self, node: Node) -> None:
        match node:
            case Binary():
                self._chain(node)
            case Name():
                self._put(self._write_name(node.name))
            case Number():
                self._put(write_number(node.value, integer=node.integer))
            case Paren():
                self._wrapped(node.inner)
            case Call():
                self._call(node)
            case Unary():
                self._put(node.operator)
                self._operand(node.operand, looser=_operand_needs_parens(node))
            case String():
                self._put(write_string(node.value, '"'))
            case Constant():
                self._put(node.text)
            case Argument():
                self._argument(node)

    def _wrapped(self, node: Node) -> None:
        self._put("(")
        self._node(node)
        self._put(")")

    def _operand(self, node: Node, *, looser: bool) -> None:
        if looser:
            self._wrapped(node)
        else:
            self._node(node)

    def _chain(self, node: Binary) -> None:
        """An operation, its left operands in a loop: a sum may have thousands."""
        chain = [node]
        while isinstance(left := chain[-1].left, Binary) and not _left_needs_parens(chain[-1]):
            chain.append(left)
        innermost = chain[-1]
        self._operand(innermost.left, looser=_left_needs_parens(innermost))
        for operation in reversed(chain):
            spaced = operation.operator not in _CLOSE
            self._put(f" {operation.operator} " if spaced else operation.operator)
            broken = spaced and self._break(broken=False)
            self._operand(operation.right, looser=_right_needs_parens(operation))
            self._level -= broken

    def _call(self, node: Call) -> None:
        self._put(f"{node.function}(")
        broken = False
        for index, argument in enumerate(node.arguments):
            if index:
                self._put(", ")
                broken = self._break(broken=broken)
            self._argument(argument)
        self._level -= broken
        self._put(")")

    def _argument(self, node: Argument) -> None:
        if node.name is not None:
            self._put(f"{self._write_name(node.name)} = ")
        self._node(node.value)


def binding(node: Node) -> int:
    """How tightly a node binds; nodes that are not operations bind tightest."""
    match node:
        case Binary():
            return BINDING.get(node.operator, SPECIAL_BINDING)
        case Unary():
            return PREFIX_BINDING[node.operator]
        case Number(value=value) if value < 0:
            return PREFIX_BINDING["-"]
        case _:
            return max(BINDING.values()) + 1


def _operand_needs_parens(node: Unary) -> bool:
    return not isinstance(node.operand, Unary) and binding(node.operand) < binding(node)


def _left_needs_parens(node: Binary) -> bool:
    own = binding(node)
    if _ends_open(node.left, own):
        return True
    chains = node.operator != "^" and node.operator not in COMPARISONS
    return binding(node.left) < own + (not chains)


def _ends_open(node: Node, tightness: int) -> bool:
    """Whether a prefix operator at the end would take the following text as well: a + !b + c."""
    while True:
        match node:
            case Binary():
                node = node.right
            case Unary() if binding(node) < tightness:
                return True
            case Unary():
                node = node.operand
            case _:
                return False


def _right_needs_parens(node: Binary) -> bool:
    if isinstance(node.right, Unary):
        return False
    return binding(node.right) < binding(node) + (node.operator != "^")
