"""Parentheses that say nothing, taken out where there are so many that they cost time.

lme4 1.1 reads what is within parentheses twice, and what is within two pairs four times: twenty
pairs around a name take minutes. R keeps the parentheses of a call in the name of its column, so a
formula with few of them stays as it is written. Of a formula with many, each pair within a pair
goes, and in the model's own sums each pair without which the sum is the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pylme.errors import FormulaError
from pylme.formula.deparse import deparse
from pylme.formula.formula import parse_formula
from pylme.formula.nodes import BARS, SUMS, Argument, Binary, Call, Name, Number, Paren, Unary

if TYPE_CHECKING:
    from pylme.formula.formula import Formula
    from pylme.formula.nodes import Node

__all__ = ["without_idle_parentheses"]

#: Pairs within each other that a formula may have and stay as it is.
_FEW: Final = 3
#: Pairs within each other that lme4 reads in a second.
_MOST: Final = 12


def without_idle_parentheses(formula: Formula) -> Formula:
    """The formula, or one that means the same and has fewer parentheses.

    Parameters
    ----------
    formula : Formula

    Raises
    ------
    FormulaError
        If too many are left.
    """
    if _depth(formula.tree) <= _FEW:
        return formula
    tree = replace(
        formula.tree,
        left=_simplified(formula.response, model=False),
        right=_simplified(formula.right, model=True),
    )
    simpler = parse_formula(deparse(tree))
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
    """The most pairs of parentheses within each other."""
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
    """What is within the innermost of pairs that enclose each other."""
    inner = node.inner
    while isinstance(inner, Paren):
        inner = inner.inner
    return inner


def _is_sum(node: Node) -> bool:
    return isinstance(node, Binary) and node.operator in SUMS


def _adds(node: Node) -> bool:
    """Whether a node is a sum without a minus, which would take out of what stands before it."""
    added = False
    while isinstance(node, Binary) and node.operator in SUMS:
        if node.operator == "-":
            return False
        added, node = True, node.left
    return added and not isinstance(node, Unary)


def _appended(left: Node, total: Node) -> Node:
    """The terms of a sum added to what stands before it."""
    chain: list[Binary] = []
    while isinstance(total, Binary) and total.operator == "+":
        chain.append(total)
        total = total.left
    result: Node = Binary(operator="+", left=left, right=total)
    for binary in reversed(chain):
        result = replace(binary, left=result)
    return result
