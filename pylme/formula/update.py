"""A formula changed by another one, in which a dot stands for what the first has on that side.

As R's ``update.formula`` does: ``. ~ . - x`` leaves x out, ``log(.) ~ .`` transforms the response,
``. ~ . + (0 + x | g)`` adds a random term. The fixed part of the result is simplified to its terms;
random terms follow it. Other than in R, a dot within a product stands for the fixed part alone, and
removing a term that the formula does not have is an error, since it is a slip of the pen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, NoReturn

from pylme.errors import FormulaError, FormulaSyntaxError
from pylme.formula.bars import bar_of, bars_in
from pylme.formula.deparse import deparse
from pylme.formula.formula import read_formula
from pylme.formula.nodes import (
    SUMS,
    Argument,
    Binary,
    Call,
    Name,
    Node,
    Number,
    Paren,
    Unary,
    left_spine,
    walk,
)
from pylme.formula.parse import parse_tree
from pylme.formula.terms import model_terms
from pylme.text import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.formula.bars import Bar
    from pylme.formula.formula import Formula
    from pylme.formula.terms import ModelTerms

__all__ = ["updated_formula"]


def updated_formula(formula: Formula, change: str) -> Formula:
    """The formula, changed.

    Parameters
    ----------
    formula : Formula
        Without dots.
    change : str
        Such as ``". ~ . - x"``, or one-sided: ``"~ . - x"``.

    Returns
    -------
    Formula

    Raises
    ------
    FormulaSyntaxError
        If `change` is not a formula.
    FormulaError
        If it removes a term that the formula does not have.

    Examples
    --------
    >>> str(updated_formula(parse_formula("y ~ x*f + (x | g)"), ". ~ . - x:f - (x | g) + (1 | g)"))
    'y ~ x + f + (1 | g)'
    """
    match parse_tree(change):
        case Binary(operator="~", left=left, right=right):
            response = _replaced(left, formula.response)
        case Unary(operator="~", operand=right):
            response = formula.response
        case _:
            raise FormulaSyntaxError(
                text=change,
                start=len(change.rstrip()),
                stop=len(change.rstrip()),
                expected="'~'",
                found="the end of the formula",
                remedy='Write what changes as a formula, as in ". ~ . - x".',
            )
    parts = _Parts(formula, change)
    parts.read(right, adding=True)
    fixed = model_terms(parts.fixed_part(), response=response)
    summands = [*_written(fixed, parts.lost), *(bar.node for bar in parts.bars)]
    whole = reduce(lambda a, b: Binary(operator="+", left=a, right=b), summands)
    return read_formula(deparse(Binary(operator="~", left=response, right=whole)))


def _written(terms: ModelTerms, lost: set[str]) -> list[Node]:
    """The terms of the fixed part as summands, without the offsets that were removed."""
    parts: list[Node] = [] if terms.intercept else [Number(value=0)]
    for term in terms.terms:
        parts += [reduce(lambda a, b: Binary(operator=":", left=a, right=b), term.variables)]
    parts += [offset for offset in terms.offsets if deparse(offset) not in lost]
    return parts or [Number(value=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    """A summand of the fixed part."""

    node: Node
    adding: bool


class _Parts:
    """The fixed summands and the random terms of the new formula, as they are read."""

    def __init__(self, old: Formula, text: str) -> None:
        self._old = old
        self._text = text
        self._fixed: list[_Signed] = []
        self.bars: list[Bar] = []
        #: Offsets that were removed, which R's algebra of terms keeps.
        self.lost: set[str] = set()

    def read(self, node: Node, *, adding: bool) -> None:
        """Read a sum, which is subtracted where `adding` is false."""
        first, chain = left_spine(node, SUMS)
        self._summand(first, adding=adding)
        for operation in chain:
            self._summand(operation.right, adding=adding == (operation.operator == "+"))

    def fixed_part(self) -> Node:
        """The fixed summands as one sum; terms that are removed must be there."""
        total: Node | None = None
        for part in self._fixed:
            node = Paren(inner=part.node)
            if not part.adding:
                self._require_terms(total, part.node)
            if total is None:
                total = node if part.adding else Unary(operator="-", operand=node)
            else:
                sign = "+" if part.adding else "-"
                total = Binary(operator=sign, left=total, right=node)
        return Number(value=1) if total is None else total

    def _summand(self, node: Node, *, adding: bool) -> None:
        bar = bar_of(node)
        match node:
            case _ if bar is not None:
                self._bar(bar, adding=adding)
            case Name(name="."):
                self._fixed.append(_Signed(node=self._old.fixed, adding=adding))
                for each in self._old.bars:
                    self._bar(each, adding=adding)
            case Unary(operator="+" | "-" as sign, operand=operand):
                self.read(operand, adding=adding == (sign == "+"))
            case Paren(inner=inner) if any(bars_in(inner)):
                self.read(inner, adding=adding)
            case _:
                replaced = _replaced(node, self._old.fixed)
                if replaced is not node:
                    for each in self._old.bars:
                        self._bar(each, adding=True)
                self._fixed.append(_Signed(node=replaced, adding=adding))

    def _bar(self, bar: Bar, *, adding: bool) -> None:
        if any(isinstance(part, Name) and part.name == "." for part in walk(bar.node)):
            raise FormulaSyntaxError(
                text=self._text,
                start=bar.span[0],
                stop=bar.span[1],
                expected="a random term without a dot",
                found="'.' within a random term",
                remedy="A dot stands for a whole side of the formula: write the columns.",
            )
        same = [known for known in self.bars if _meaning(known) == _meaning(bar)]
        if adding:
            self.bars += [] if same else [bar]
        elif same:
            self.bars = [known for known in self.bars if known not in same]
        else:
            self._refuse(str(bar), [str(known) for known in self.bars])

    def _require_terms(self, total: Node | None, removed: Node) -> None:
        if total is None:
            return
        known, gone = model_terms(total), model_terms(removed)
        sets = {frozenset(term.texts) for term in known.terms}
        offsets = {deparse(offset) for offset in known.offsets}
        labels = [*known.labels, *offsets]
        for term in gone.terms:
            if frozenset(term.texts) not in sets:
                self._refuse(term.label, labels)
        for offset in gone.offsets:
            if deparse(offset) not in offsets:
                self._refuse(deparse(offset), labels)
            self.lost.add(deparse(offset))

    def _refuse(self, term: str, known: Sequence[str]) -> NoReturn:
        raise FormulaError(
            asked=f"Updating {self._old} by {self._text!r}",
            found=f"there is no term {term} to remove",
            remedy=f"The terms are {listed(known)}." if known else "Nothing is left to remove.",
        )


def _meaning(bar: Bar) -> tuple[object, ...]:
    """What two random terms have in common that are the same, however they are written."""
    terms = model_terms(bar.effects)
    return (
        terms.intercept,
        frozenset(frozenset(term.texts) for term in terms.terms),
        deparse(bar.group),
        bar.double,
        bar.structure,
        tuple((option.name, deparse(option.value)) for option in bar.options),
    )


def _replaced(node: Node, by: Node) -> Node:
    """The node with each dot replaced, in parentheses where it does not stand alone."""
    match node:
        case Name(name="."):
            return by
        case Paren(inner=inner):
            new = _replaced(inner, by)
            return node if new is inner else Paren(inner=new)
        case Unary(operator=operator, operand=operand):
            new = _within(operand, by)
            return node if new is operand else Unary(operator=operator, operand=new)
        case Binary(operator=operator, left=left, right=right):
            a, b = _within(left, by), _within(right, by)
            same = a is left and b is right
            return node if same else Binary(operator=operator, left=a, right=b)
        case Call(function=function, arguments=arguments):
            values = [_replaced(argument.value, by) for argument in arguments]
            if all(new is old.value for new, old in zip(values, arguments, strict=True)):
                return node
            made = [
                Argument(name=old.name, value=new)
                for new, old in zip(values, arguments, strict=True)
            ]
            return Call(function=function, arguments=tuple(made))
    return node


def _within(node: Node, by: Node) -> Node:
    new = _replaced(node, by)
    return Paren(inner=new) if new is by and isinstance(by, Binary | Unary) else new
