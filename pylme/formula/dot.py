"""The dot of R's formulas: all the other columns."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, NoReturn

from pylme.errors import FormulaSyntaxError
from pylme.formula.bars import is_structured
from pylme.formula.deparse import deparse
from pylme.formula.formula import parse_formula
from pylme.formula.nodes import (
    BARS,
    Argument,
    Binary,
    Call,
    Name,
    Paren,
    Unary,
    left_spine,
    walk,
)
from pylme.formula.terms import ALGEBRA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylme.formula.formula import Formula
    from pylme.formula.nodes import Node


def with_dot(formula: Formula, names: Iterable[str]) -> Formula:
    """The formula with each `.` replaced by the sum of all other columns.

    These are all columns but those of the response and those that group. lme4 1.1-31 would put
    the grouping factors among the fixed effects too, and the response as well where it is
    transformed (``log(y) ~ . + (1 | g)``): models without an answer. Columns that the formula also
    names elsewhere stay in, as in R, so that ``. - x`` leaves `x` out.

    Parameters
    ----------
    formula : Formula
    names : iterable of str
        The columns of the data, in their order.

    Returns
    -------
    Formula
        `formula` itself if it has no dot.

    Raises
    ------
    FormulaSyntaxError
        If a dot stands in the response, in a call or as a grouping factor, or if there is no
        other column.

    Examples
    --------
    >>> str(with_dot(parse_formula("y ~ . + (1 | g)"), ["y", "a", "b", "g"]))
    'y ~ a + b + (1 | g)'
    """
    if not any(_is_dot(part) for part in walk(formula.tree)):
        return formula
    names = tuple(names)
    named = {*formula.response_columns_in(names), *formula.grouping_columns}
    others = [name for name in names if name not in named]
    dots = _Dots(formula.text, others)
    dots.refuse_in(formula.response)
    right = dots.replaced(formula.right)
    return parse_formula(deparse(Binary(operator="~", left=formula.response, right=right)))


def _is_dot(node: Node) -> bool:
    return isinstance(node, Name) and node.name == "."


class _Dots:
    """The replacement, and the text for the carets."""

    def __init__(self, text: str, others: list[str]) -> None:
        self._text = text
        self._others = others

    def replaced(self, node: Node) -> Node:
        first, chain = left_spine(node, ALGEBRA)
        result = self._operand(first, alone=not chain or chain[0].operator == "+")
        for operation in chain:
            right = self._operand(operation.right, alone=False)
            result = Binary(operator=operation.operator, left=result, right=right)
        return result

    def _operand(self, node: Node, *, alone: bool) -> Node:
        match node:
            case Name(name="."):
                return self._sum(node) if alone else Paren(inner=self._sum(node))
            case Paren(inner=Binary(operator=operator) as bar) if operator in BARS:
                return Paren(inner=self._bar(bar))
            case Paren(inner=inner):
                return Paren(inner=self.replaced(inner))
            case Unary(operator="+" | "-" as sign, operand=operand):
                return Unary(operator=sign, operand=self._operand(operand, alone=False))
            case Call(function=function, arguments=(Argument(value=Binary() as bar), *options)) if (
                is_structured(node)
            ):
                arguments = (Argument(value=self._bar(bar)), *options)
                return Call(function=function, arguments=arguments)
            case Binary(operator=operator) if operator in ALGEBRA:
                return self.replaced(node)
        self.refuse_in(node)
        return node

    def _bar(self, bar: Binary) -> Node:
        self.refuse_in(bar.right)
        return Binary(operator=bar.operator, left=self.replaced(bar.left), right=bar.right)

    def _sum(self, dot: Node) -> Node:
        if not self._others:
            self._refuse(
                dot,
                "a column other than the response and the grouping factors",
                "no column",
                "The dot stands for all other columns of the data, and there are none. Write 1 in "
                "its place, or add columns to the data.",
            )
        names: list[Node] = [Name(name=name) for name in self._others]
        return reduce(lambda left, right: Binary(operator="+", left=left, right=right), names)

    def refuse_in(self, node: Node) -> None:
        for part in walk(node):
            if _is_dot(part):
                self._refuse(
                    part,
                    "the name of a column",
                    "'.'",
                    "A dot stands for a sum of columns, among the fixed effects or left of a bar.",
                )

    def _refuse(self, node: Node, expected: str, found: str, remedy: str) -> NoReturn:
        raise FormulaSyntaxError(
            text=self._text,
            start=node.span[0],
            stop=node.span[1],
            expected=expected,
            found=found,
            remedy=remedy,
        )
