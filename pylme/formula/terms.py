"""R's algebra of terms: how `terms.formula()` interprets + - * : / ^ %in%, 0, 1 and offset().

A term is a set of variables, here the bits of an integer, in the order in which the variables
appear. Sums and products are lists of terms, each term once. Terms are ordered by their number of
variables, and where that is equal by appearance.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final, NoReturn

from pylme.errors import FormulaError
from pylme.formula.deparse import deparse
from pylme.formula.nodes import (
    Binary,
    Call,
    Constant,
    Name,
    Node,
    Number,
    Paren,
    String,
    Unary,
    left_spine,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

ALGEBRA: Final = frozenset({"+", "-", "*", ":", "/", "^", "%in%"})
# y ~ (a + … + z)^26 has 67 million terms: R would compute for hours.
_MOST_TERMS: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """The interaction of one or more variables.

    Attributes
    ----------
    variables : tuple of Node
    texts : tuple of str
        The variables as R writes them.
    """

    variables: tuple[Node, ...]
    texts: tuple[str, ...]

    @property
    def label(self) -> str:
        """The term as R labels it: its variables joined by colons."""
        return ":".join(self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTerms:
    """The terms of a model.

    Attributes
    ----------
    intercept : bool
    terms : tuple of Term
        By degree, then by appearance.
    offsets : tuple of Node
        Calls of ``offset()``.
    variables : tuple of Node
        By appearance, including offsets and variables of terms that were removed again.
    texts : tuple of str
        The variables as R writes them.
    """

    intercept: bool
    terms: tuple[Term, ...]
    offsets: tuple[Node, ...]
    variables: tuple[Node, ...]
    texts: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """R's ``term.labels``."""
        return tuple(term.label for term in self.terms)


def model_terms(node: Node, *, response: Node | None = None) -> ModelTerms:
    """The terms of one side of a formula.

    Parameters
    ----------
    node : Node
        Without bars and without a dot.
    response : Node, optional
        The left side. As in R it is the first of the variables, which decides on the order
        of variables within a term that names it too.

    Raises
    ------
    FormulaError
        For anything that is not a term: a number other than 0 and 1, a string, a power below 2.

    Examples
    --------
    >>> model_terms(parse_formula("y ~ x*f - 1 + offset(w)").fixed).labels
    ('x', 'f', 'x:f')
    """
    algebra = _Algebra(node)
    if response is not None:
        algebra.variable(response)
    terms = algebra.terms_of(node)
    texts, variables = tuple(algebra.variables), tuple(algebra.variables.values())
    offsets = [i for i, variable in enumerate(variables) if _is_offset(variable)]
    omitted = sum(1 << i for i in offsets)
    places = [_positions(term) for term in sorted(terms, key=int.bit_count) if not term & omitted]
    return ModelTerms(
        intercept=algebra.intercept,
        terms=tuple(
            Term(
                variables=tuple(variables[i] for i in term),
                texts=tuple(texts[i] for i in term),
            )
            for term in places
        ),
        offsets=tuple(variables[i] for i in offsets),
        variables=variables,
        texts=texts,
    )


def _is_offset(variable: Node) -> bool:
    return isinstance(variable, Call) and variable.function == "offset"


class _Algebra:
    """Sets of variables as integers, in lists without repetition (the keys of a dict).

    R uses a 0 or a 1 anywhere in the formula, even in a product, and the last one decides on the
    intercept; each minus around it reverses its meaning.
    """

    def __init__(self, whole: Node) -> None:
        self._whole = whole
        self._subtracting = False
        self.intercept = True
        # By their text, since a tree may be too deep to be hashed.
        self.variables: dict[str, Node] = {}
        self._bits: dict[str, int] = {}

    def variable(self, node: Node) -> int:
        """The bit of a variable, which may be new or known."""
        text = deparse(node)
        self.variables.setdefault(text, node)
        return self._bits.setdefault(text, 1 << len(self._bits))

    def terms_of(self, node: Node) -> dict[int, None]:
        first, chain = left_spine(node, ALGEBRA)
        terms = self._operand(first)
        for operation in chain:
            terms = self._combined(operation, terms)
            if len(terms) > _MOST_TERMS:
                self._refuse(operation, f"gives more than {_MOST_TERMS:,} terms")
        return terms

    def _operand(self, node: Node) -> dict[int, None]:
        match node:
            case Paren(inner=inner) | Unary(operator="+", operand=inner):
                return self.terms_of(inner)
            case Unary(operator="-", operand=removed):
                return self._without({}, removed)
            case Constant(text="NULL"):
                return {}
            case Number(value=0 | 1) | Constant(text="TRUE" | "FALSE"):
                one = node.text == "TRUE" if isinstance(node, Constant) else node.value == 1
                self.intercept = one is not self._subtracting
                return {}
            case Number() | Constant() | String():
                self._refuse(node, "is not a term of a model")
            case Name(name="."):
                self._refuse(node, "stands for columns of data that is not known here")
            case Binary(operator="|" | "||" | "~"):
                self._refuse(node, "is not a term of the fixed effects")
        return {self.variable(node): None}

    def _combined(self, operation: Binary, left: dict[int, None]) -> dict[int, None]:
        match operation.operator:
            case "-":
                return self._without(left, operation.right)
            case "^":
                return self._power(left, operation)
            case operator:
                right = self.terms_of(operation.right)
        match operator:
            case "+":
                left.update(right)
                return left
            case "*" | "/" if not left:
                # R loses the right side of a product or a nesting whose left side has no terms.
                return left
            case "*":
                return left | right | self._crossed(left, right)
            case ":":
                return self._crossed(left, right)
            case "/":
                return left | self._crossed([_union(left)], right)
            case _:
                return dict.fromkeys(term | _union(right) for term in left)

    def _without(self, terms: dict[int, None], removed: Node) -> dict[int, None]:
        self._subtracting = not self._subtracting
        for term in self.terms_of(removed):
            terms.pop(term, None)
        self._subtracting = not self._subtracting
        return terms

    def _power(self, terms: dict[int, None], operation: Binary) -> dict[int, None]:
        exponent = operation.right
        if not (
            isinstance(exponent, Number) and exponent.value.is_integer() and exponent.value > 1
        ):
            self._refuse(operation, "has no whole number of 2 or more as its power")
        powers = terms
        for _ in range(int(exponent.value) - 1):
            before, powers = powers, self._crossed(powers, terms)
            if list(before) == list(powers):
                break
        return powers

    def _crossed(self, left: Iterable[int], right: Iterable[int]) -> dict[int, None]:
        crossed: dict[int, None] = {}
        for one, other in product(left, right):
            crossed[one | other] = None
            if len(crossed) > _MOST_TERMS:
                self._refuse(self._whole, f"gives more than {_MOST_TERMS:,} terms")
        return crossed

    def _refuse(self, node: Node, found: str) -> NoReturn:
        raise FormulaError(
            asked=f"Expanding the terms of {deparse(self._whole)!r}",
            found=f"{deparse(node)!r} {found}",
            remedy="A term is a column, a call such as log(x) or I(2 * x), or an interaction of "
            "these; 0 and 1 stand for the intercept.",
        )


def _positions(term: int) -> list[int]:
    """Where the bits of a term are set, from the lowest."""
    places = []
    while term:
        lowest = term & -term
        places.append(lowest.bit_length() - 1)
        term ^= lowest
    return places


def _union(terms: Iterable[int]) -> int:
    """The variables of all terms, as one term."""
    union = 0
    for term in terms:
        union |= term
    return union
