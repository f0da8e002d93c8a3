"""Formulas rewritten before use: the dot replaced, redundant parentheses removed.

lme4 1.1 reads the content of parentheses twice, and that of two pairs four times: twenty pairs
around a name take minutes. R keeps the parentheses of a call in the name of its column, so a
formula with few parentheses is not changed. In a formula with many, each pair directly within a
pair is removed, and in the sums of the model each pair that does not change the sum.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Final, NoReturn

from pylme.errors import FormulaError, FormulaSyntaxError
from pylme.formula.bars import is_structured
from pylme.formula.deparse import deparse
from pylme.formula.formula import read_formula
from pylme.formula.nodes import (
    BARS,
    SUMS,
    Argument,
    Binary,
    Call,
    Name,
    Number,
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

__all__ = ["without_idle_parentheses"]


def with_dot(formula: Formula, names: Iterable[str]) -> Formula:
    """The formula with each `.` replaced by the sum of all other columns.

    These are all columns except those of the response and the grouping factors. lme4 1.1-31 would
    also include the grouping factors among the fixed effects, and the response where it is
    transformed (``log(y) ~ . + (1 | g)``), which gives meaningless models. Columns that the formula
    also names elsewhere are included, as in R, so that ``. - x`` leaves `x` out.

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
        If a dot is in the response, in a call or a grouping factor, or if there is no other
        column.

    Examples
    --------
    >>> str(with_dot(parse_formula("y ~ . + (1 | g)"), ["y", "a", "b", "g"]))
    'y ~ a + b + (1 | g)'
    """
    if not formula.has_dot:
        return formula
    names = tuple(names)
    named = {*formula.response_columns_in(names), *formula.grouping_columns}
    others = [name for name in names if name not in named]
    dots = _Dots(formula.text, others)
    dots.refuse_in(formula.response)
    right = dots.replaced(formula.right)
    return read_formula(deparse(Binary(operator="~", left=formula.response, right=right)))


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


#: Pairs within each other that a formula may have and stay as it is.
_FEW: Final = 3
#: Pairs within each other that lme4 reads in a second.
_MOST: Final = 12


def without_idle_parentheses(formula: Formula) -> Formula:
    """The formula, or an equivalent one with fewer parentheses.

    Parameters
    ----------
    formula : Formula

    Raises
    ------
    FormulaError
        If too many are left.
    """
    # They are counted only where there are enough of them.
    if formula.text.count("(") <= _FEW or _depth(formula.tree) <= _FEW:
        return formula
    tree = replace(
        formula.tree,
        left=_simplified(formula.response, model=False),
        right=_simplified(formula.right, model=True),
    )
    simpler = read_formula(deparse(tree))
    depth = _depth(simpler.tree)
    if depth > _MOST:
        raise FormulaError(
            asked="Reading the formula",
            found=f"parentheses stand {depth} deep within each other, which takes lme4 twice as "
            f"long for each pair; at most {_MOST} are read",
            remedy="Write it with fewer, or compute the column in Python and name it.",
        )
    return simpler


def _depth(tree: Node) -> int:
    """The depth of nested parentheses."""
    deepest = 0
    waiting: list[tuple[Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        match node:
            case Paren(inner=inner):
                deepest = max(deepest, depth + 1)
                waiting.append((inner, depth + 1))
            case Binary(left=left, right=right):
                waiting += [(left, depth), (right, depth)]
            case Unary(operand=operand):
                waiting.append((operand, depth))
            case Call(arguments=arguments):
                waiting += [(argument.value, depth) for argument in arguments]
            case Argument(value=value):
                waiting.append((value, depth))
    return deepest


def _simplified(node: Node, *, model: bool) -> Node:
    """A part of the formula; `model` where operators are those of models, not arithmetic."""
    chain: list[Binary] = []
    while isinstance(node, Binary):
        chain.append(node)
        node = node.left
        if model and chain[-1].operator in SUMS and isinstance(node, Paren):
            inner = _inside(node)
            node = inner if _is_sum(inner) else node
    result = _operand(node, model=model)
    for binary in reversed(chain):
        grouping = binary.operator in BARS
        right = _simplified(binary.right, model=model and not grouping)
        if model and binary.operator == "+" and isinstance(right, Paren) and _adds(right.inner):
            result = _appended(result, right.inner)
        else:
            result = replace(binary, left=result, right=right)
    return result


def _operand(node: Node, *, model: bool) -> Node:
    match node:
        case Paren():
            inner = _simplified(_inside(node), model=model)
            return inner if model and isinstance(inner, Name | Number) else Paren(inner=inner)
        case Unary(operand=operand):
            return replace(node, operand=_simplified(operand, model=model))
        case Call(arguments=arguments):
            plain = [replace(a, value=_simplified(a.value, model=False)) for a in arguments]
            return replace(node, arguments=tuple(plain))
        case _:
            return node


def _inside(node: Paren) -> Node:
    """The content of the innermost of directly nested pairs."""
    inner = node.inner
    while isinstance(inner, Paren):
        inner = inner.inner
    return inner


def _is_sum(node: Node) -> bool:
    return isinstance(node, Binary) and node.operator in SUMS


def _adds(node: Node) -> bool:
    """Whether a node is a sum without a minus, which would remove terms that precede it."""
    added = False
    while isinstance(node, Binary) and node.operator in SUMS:
        if node.operator == "-":
            return False
        added, node = True, node.left
    return added and not isinstance(node, Unary)


def _appended(left: Node, total: Node) -> Node:
    """The terms of a sum added to the preceding sum."""
    chain: list[Binary] = []
    while isinstance(total, Binary) and total.operator == "+":
        chain.append(total)
        total = total.left
    result: Node = Binary(operator="+", left=left, right=total)
    for binary in reversed(chain):
        result = replace(binary, left=result)
    return result
