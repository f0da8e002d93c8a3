"""Random-effects terms: where they are allowed, and the right side with and without them.

lme4 finds a bar at any position, even inside a call or after a minus, and fits a model that was
not intended: y ~ x - (1 | g) has the random term, y ~ (1 | g) - 1 has an intercept, I(a | b) is a
random term. Such formulas are refused here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Final, NoReturn

from pylme.covariance.structure import Kind
from pylme.errors import FormulaError, FormulaSyntaxError
from pylme.formula.deparse import deparse
from pylme.formula.nodes import (
    BARS,
    SUMS,
    Argument,
    Binary,
    Call,
    Constant,
    Name,
    Node,
    Number,
    Paren,
    Span,
    String,
    Unary,
    left_spine,
    walk,
)
from pylme.formula.parse import parse_tree
from pylme.formula.scan import unescape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["LevelBlock", "level_block", "read_level_block"]


#: The covariance structures of lme4 2, written as calls around a bar.
STRUCTURES: Final = frozenset({"us", "diag", "cs", "ar1"})

_GROUPING: Final = frozenset({":", "/"})
_GROUP: Final = "a grouping factor such as g, g:h or g/h"
_ONE_EACH: Final = (
    "Write a term for each grouping factor, as in (1 | g) + (1 | h); or compute the column of "
    "groups in Python and name it."
)
_WRITE: Final = "Write each random term in parentheses and add it to the others: x + (1 | g)."
_LOGICAL: Final = "lme4 takes every bar for one: compute a logical 'or' in Python."
_ADD_ONLY: Final = "A random term can only be added; to leave it out do not write it."
_OPTIONS: Final = (
    "A covariance structure is written around a random term: us(x | g), diag(x | g), cs(x | g), "
    "ar1(0 + f | g), or with one standard deviation for all effects diag(x | g, hom = TRUE)."
)
_MINUS_FIRST: Final = "Write what is subtracted before the random terms; lme4 loses this minus."


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A random-effects term.

    Attributes
    ----------
    effects, group : Node
        The parts to the left and to the right of the bar.
    double : bool
        Whether the bar is ``||``.
    structure : {"us", "diag", "cs", "ar1"}, optional
        The covariance structure whose call is around the bar, as in ``ar1(0 + t | g)``.
    options : tuple of Argument
        Further arguments of that call.
    span : tuple of int
        The position in the text, parentheses included.
    """

    effects: Node
    group: Node
    double: bool = False
    structure: Kind | None = None
    options: tuple[Argument, ...] = ()
    span: Span = field(default=(0, 0), compare=False, repr=False)

    def __str__(self) -> str:
        return deparse(self.node)

    @property
    def hom(self) -> bool | None:
        """Whether the structure is homogeneous, by its argument ``hom``; None if not said."""
        for option in self.options:
            match option.value:
                case Constant(text=said) | Name(name=said):
                    return said in {"TRUE", "T"}
        return None

    @property
    def node(self) -> Node:
        """The term as part of a tree."""
        operator = "||" if self.double else "|"
        bar = Binary(operator=operator, left=self.effects, right=self.group, span=self.span)
        if self.structure is None:
            return Paren(inner=bar, span=self.span)
        arguments = (Argument(value=bar, span=self.span), *self.options)
        return Call(function=self.structure, arguments=arguments, span=self.span)


def is_structured(node: Node) -> bool:
    """Whether the node is a bar within the call of a covariance structure."""
    match node:
        case Call(
            function=function,
            arguments=(Argument(name=None, value=Binary(operator="|" | "||")), *_),
        ):
            return function in STRUCTURES
        case _:
            return False


def bar_of(node: Node) -> Bar | None:
    """The node as a random-effects term, unchecked; None if it is not one."""
    match node:
        case Paren(inner=Binary(operator="|" | "||") as bar):
            structure, options = None, ()
        case Call(function=structure, arguments=(Argument(value=Binary() as bar), *options)):
            if not is_structured(node):
                return None
        case _:
            return None
    return Bar(
        effects=bar.left,
        group=bar.right,
        double=bar.operator == "||",
        structure=structure,
        options=tuple(options),
        span=node.span,
    )


def split(right: Node, text: str) -> tuple[Node, tuple[Bar, ...]]:
    """The right side of a formula without its random terms, and these in their order.

    Parameters
    ----------
    right : Node
    text : str
        The text from which the tree was read, for the carets.

    Raises
    ------
    FormulaSyntaxError
        At a bar that lme4 would not interpret as written.
    """
    splitter = _Splitter(text)
    fixed = splitter.without_bars(right) or Number(value=1)
    return fixed, tuple(splitter.bars)


class _Splitter:
    """Collects bars on the way through a sum."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.bars: list[Bar] = []

    def without_bars(self, node: Node) -> Node | None:
        first, chain = left_spine(node, SUMS)
        kept = self._summand(first)
        changed = kept is not first
        for operation in chain:
            known = len(self.bars)
            right = self._summand(operation.right)
            if operation.operator == "-" and len(self.bars) > known:
                self._refuse(operation.at, "a minus before a random term", "'+'", _ADD_ONLY)
            if operation.operator == "-" and kept is None:
                self._refuse(operation.at, "a minus after random terms", "'+'", _MINUS_FIRST)
            changed |= right is not operation.right
            if kept is None or right is None:
                kept = kept or right
            elif changed:
                kept = Binary(
                    operator=operation.operator,
                    left=kept,
                    right=right,
                    span=operation.span,
                    at=operation.at,
                )
            else:
                kept = operation
        return kept

    def _summand(self, node: Node) -> Node | None:
        if (bar := bar_of(node)) is not None:
            self._check(node, bar)
            self.bars.append(bar)
            return None
        match node:
            case Paren(inner=inner):
                kept = self.without_bars(inner)
                return kept and (node if kept is inner else Paren(inner=kept, span=node.span))
            case Unary(operator="+", operand=operand):
                kept = self.without_bars(operand)
                return kept and (
                    node if kept is operand else Unary(operator="+", operand=kept, span=node.span)
                )
            case Binary(operator="+" | "-"):
                return self.without_bars(node)
        refuse_bars(node, self._text)
        return node

    def _check(self, node: Node, bar: Bar) -> None:
        """Refuse a second bar in the term, and anything that cannot be a grouping factor."""
        (first, *options) = node.arguments if isinstance(node, Call) else (node,)
        at, *others = sorted(inner.at for inner in bars_in(first))
        if others:
            self._refuse(others[0], "a second bar", "only one in a term", _WRITE)
        if bar.structure is not None:
            if bar.double:
                remedy = "Write diag(effects | group) for effects without correlations."
                self._refuse(at, f"'||' within {bar.structure}()", "'|'", remedy)
            for option in options:
                refuse_bars(option, self._text)
            self._check_options(bar)
        self._check_group(bar.group)

    def _check_options(self, bar: Bar) -> None:
        """A structure has one argument besides the bar, `hom`, which is TRUE or FALSE."""
        for number, option in enumerate(bar.options):
            match option:
                case Argument(
                    name="hom", value=Constant(text="TRUE" | "FALSE") | Name(name="T" | "F")
                ):
                    if number == 0 and bar.structure != "us":
                        continue
            known = "nothing" if bar.structure == "us" else "hom = TRUE or hom = FALSE"
            self._refuse(option.value.span, f"{deparse(option.value)!r}", known, _OPTIONS)

    def _check_group(self, node: Node) -> None:
        first, chain = left_spine(node, _GROUPING)
        for part in (first, *(operation.right for operation in chain)):
            match part:
                case Name() | Call():
                    continue
                case Paren(inner=inner):
                    self._check_group(inner)
                case Binary(operator=operator) if operator in _GROUPING:
                    self._check_group(part)
                case _:
                    self._refuse(part.span, f"{deparse(part)!r}", _GROUP, _ONE_EACH)

    def _refuse(self, at: Span, found: str, expected: str, remedy: str) -> NoReturn:
        raise FormulaSyntaxError(
            text=self._text, start=at[0], stop=at[1], expected=expected, found=found, remedy=remedy
        )


def bars_in(node: Node) -> Iterator[Binary]:
    """All operations `|` and `||` in the node, in the order of the text."""
    for part in walk(node):
        if isinstance(part, Binary) and part.operator in BARS:
            yield part


def refuse_bars(node: Node, text: str) -> None:
    """Raise at a bar that is not a random term at its position: bare, in a call, in a product."""
    for bar in bars_in(node):
        bare = bar is node
        raise FormulaSyntaxError(
            text=text,
            start=bar.at[0],
            stop=bar.at[1],
            expected="a random term in parentheses, such as (1 | g),"
            if bare
            else "a separate random term, such as + (1 | g),",
            found=f"{bar.operator!r} outside parentheses"
            if bare
            else f"{bar.operator!r} within another term",
            remedy=_WRITE if bare else f"{_WRITE} {_LOGICAL}",
        )


_INDICATOR: Final = re.compile(r'dummy\((?P<factor>.+?), "(?P<level>(?:[^"\\]|\\.)*)"\)')


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelBlock:
    """The level that a term belongs to, according to the names of its effects.

    Attributes
    ----------
    by : str
        The column whose level it is.
    level : str
    names : tuple of str
        The effects without the indicator, named as in a term for all levels.
    """

    by: str
    level: str
    names: tuple[str, ...]


def level_block(slopes: Sequence[Node], *, group: Node, by: str, level: str) -> Bar:
    """The term that gives one level of a factor a separate random intercept and slopes.

    Parameters
    ----------
    slopes : sequence of Node
        None for an intercept only.
    group : Node
    by, level : str
        A column, and one of its levels.

    Examples
    --------
    >>> str(level_block([Name(name="x")], group=Name(name="g"), by="f", level="a"))
    '(0 + dummy(f, "a") + dummy(f, "a"):x | g)'
    """
    indicator = Call(
        function="dummy",
        arguments=(Argument(value=Name(name=by)), Argument(value=String(value=level))),
    )
    products = [Binary(operator=":", left=indicator, right=slope) for slope in slopes]
    parts: list[Node] = [Number(value=0), indicator, *products]
    effects = reduce(lambda left, right: Binary(operator="+", left=left, right=right), parts)
    return Bar(effects=effects, group=group)


def read_level_block(names: Sequence[str]) -> LevelBlock | None:
    """The level that a term belongs to, by the names of its effects; None if there is none.

    Examples
    --------
    >>> read_level_block(['dummy(f, "a")', 'dummy(f, "a"):x'])
    LevelBlock(by='f', level='a', names=('(Intercept)', 'x'))
    """
    found = _INDICATOR.match(names[0])
    if found is None:
        return None
    indicator = found[0]
    if not all(name == indicator or name.startswith(f"{indicator}:") for name in names):
        return None
    by, level = _column(found["factor"]), unescape(found["level"])
    if by is None or level is None:
        return None
    rest = (name.removeprefix(indicator).removeprefix(":") for name in names)
    return LevelBlock(by=by, level=level, names=tuple(name or "(Intercept)" for name in rest))


def _column(text: str) -> str | None:
    """The column of that name; None if the text is not a column."""
    try:
        node = parse_tree(text)
    except FormulaError:
        return None
    return node.name if isinstance(node, Name) else None
