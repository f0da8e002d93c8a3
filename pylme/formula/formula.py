"""A whole formula: response, fixed effects, random effects, and the columns that it names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pylme.errors import FormulaSyntaxError, NoRandomEffectsError
from pylme.formula.bars import Bar, is_structured, refuse_bars, split
from pylme.formula.deparse import deparse
from pylme.formula.nodes import Binary, Call, Name, Node, Paren, Unary, walk
from pylme.formula.parse import parse_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Names that R knows by itself. A column of such a name hides R's value from the formula.
R_VALUES: Final = frozenset({"T", "F", "pi", "letters", "LETTERS", "month.abb", "month.name"})
#: R's functions that code a factor. Never columns: C(f, x) calls the function that x names.
CONTRAST_FUNCTIONS: Final = frozenset(
    {"contr.treatment", "contr.sum", "contr.helmert", "contr.poly", "contr.SAS"}
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Formula:
    """A two-sided formula of lme4; ``str()`` gives it as R writes it, in one line.

    Two formulas are equal if R writes them alike. The names in a formula are collected once, when
    it is read. R's own `T`, `F`, `pi` and the like count as columns only where the data have a
    column of that name; the methods ending in `_in` take the names of the columns of the data.

    Attributes
    ----------
    text : str
        The text that was parsed; the spans of all nodes are positions in it.
    line : str
        The formula as R writes it.
    tree : Binary
        The whole formula as one tree.
    response : Node
        The left side.
    right : Node
        The right side, with its bars.
    fixed : Node
        The right side without its bars, ``1`` if nothing else is left (lme4's ``nobars``).
    bars : tuple of Bar
        The random-effects terms, in written order.
    names, response_names, effect_names : tuple of str
        The variables, including R's own values, each once in order of appearance: those named
        anywhere, those on the left side, and those used other than as a grouping factor.
    grouping_columns : tuple of str
        The columns that group by themselves or in interactions, such as g and h in (1 | g/h).
    functions : tuple of str
        The functions that are called, each once; covariance structures are not called.
    operators : frozenset of str
        The operators between two operands.
    """

    text: str
    line: str
    tree: Binary
    response: Node
    right: Node
    fixed: Node
    bars: tuple[Bar, ...]
    names: tuple[str, ...]
    response_names: tuple[str, ...]
    effect_names: tuple[str, ...]
    grouping_columns: tuple[str, ...]
    functions: tuple[str, ...]
    operators: frozenset[str]

    def __str__(self) -> str:
        return self.line

    def __repr__(self) -> str:
        return f"<Formula {self.line}>"

    def __eq__(self, other: object) -> bool:
        return self.line == other.line if isinstance(other, Formula) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.line)

    def __reduce__(self) -> tuple[object, ...]:
        # The text is the formula; a tree of a long sum is too deep for pickle.
        return read_formula, (self.text,)

    @property
    def has_dot(self) -> bool:
        """Whether the formula has a dot, for all other columns."""
        return "." in self.names

    @property
    def columns(self) -> tuple[str, ...]:
        """The variables named anywhere, but for R's own values."""
        return _columns(self.names, ())

    def columns_in(self, available: Iterable[str]) -> tuple[str, ...]:
        """As `columns`, with those of R's own values that the data has a column for."""
        return _columns(self.names, available)

    def response_columns_in(self, available: Iterable[str]) -> tuple[str, ...]:
        """The variables on the left side; R's own values only if the data has a column for them."""
        return _columns(self.response_names, available)

    @property
    def structured(self) -> bool:
        """Whether a random term has a covariance structure, other than unstructured."""
        return any(bar.structure not in {None, "us"} for bar in self.bars)

    @property
    def effect_columns(self) -> tuple[str, ...]:
        """The columns used otherwise than as a grouping factor, as g in (1 | factor(g))."""
        return _columns(self.effect_names, ())

    def effect_columns_in(self, available: Iterable[str]) -> tuple[str, ...]:
        """As `effect_columns`, with those of R's own values that the data has a column for."""
        return _columns(self.effect_names, available)

    def only_grouping_in(self, available: Iterable[str]) -> frozenset[str]:
        """The columns that nothing but grouping uses: they become factors, whatever their type."""
        return frozenset(self.grouping_columns).difference(self.effect_columns_in(available))


def _columns(names: tuple[str, ...], available: Iterable[str]) -> tuple[str, ...]:
    hidden = R_VALUES.difference(available) | {"."}
    return tuple([name for name in names if name not in hidden])


def read_formula(text: str) -> Formula:
    """Parse the text of a formula, without a proposal where it has prefixes of packages.

    Raises
    ------
    FormulaError, OptionError
        As `parse_formula`, which users call.
    """
    return _parsed(text) if isinstance(text, str) else _read(text)


def _read(text: str) -> Formula:
    match parse_tree(text):
        case Binary(operator="~", left=response, right=right):
            refuse_bars(response, text)
            fixed, bars = split(right, text)
            return _described(text, response, right, fixed, bars)
        case Unary(operator="~", span=(start, _)):
            raise FormulaSyntaxError(
                text=text,
                start=start,
                stop=start + 1,
                expected="a response",
                found="nothing to the left of '~'",
                remedy="Write the response before the '~'.",
            )
        case _:
            raise FormulaSyntaxError(
                text=text,
                start=len(text.rstrip()),
                stop=len(text.rstrip()),
                expected="'~'",
                found="the end of the formula",
                remedy="Write the response, '~', and the model's terms: y ~ x + (1 | g).",
            )


_parsed = lru_cache(maxsize=256)(_read)


def _described(
    text: str, response: Node, right: Node, fixed: Node, bars: tuple[Bar, ...]
) -> Formula:
    """The formula, with the names in it."""
    tree = Binary(operator="~", left=response, right=right)
    groups = [part for bar in bars for part in _group_parts(bar.group)]
    computed = [part for part in groups if not isinstance(part, Name)]
    elsewhere = {
        name
        for place in (response, fixed, *(bar.effects for bar in bars), *computed)
        for name in _variables(place)
    }
    names, parts = _once(_variables(tree)), walk(tree)
    calls = (part for part in parts if isinstance(part, Call) and not is_structured(part))
    return Formula(
        text=text,
        line=deparse(tree),
        tree=tree,
        response=response,
        right=right,
        fixed=fixed,
        bars=bars,
        names=names,
        response_names=_once(_variables(response)),
        effect_names=tuple(name for name in names if name in elsewhere),
        grouping_columns=_once(part.name for part in groups if isinstance(part, Name)),
        functions=_once(part.function for part in calls),
        operators=frozenset(part.operator for part in parts if isinstance(part, Binary)),
    )


def require_bars(formula: Formula) -> None:
    """Raise `NoRandomEffectsError` for a formula without a random-effects term."""
    if not formula.bars:
        raise NoRandomEffectsError(formula=formula.line)


def _variables(node: Node) -> Iterator[str]:
    # ave()'s summary is a function by name. Nodes are known by identity, as two may be equal.
    functions: set[int] = set()
    for part in walk(node):
        match part:
            case Call(function="ave", arguments=arguments):
                functions |= {id(a.value) for a in arguments if a.name == "FUN"}
            case Name() if id(part) in functions:
                continue
        if isinstance(part, Name) and part.name not in CONTRAST_FUNCTIONS:
            yield part.name


def _group_parts(group: Node) -> Iterator[Node]:
    """The parts of an interaction or a nesting in a grouping factor."""
    waiting = [group]
    while waiting:
        match waiting.pop():
            case Paren(inner=inner):
                waiting.append(inner)
            case Binary(left=left, right=right):
                waiting += [right, left]
            case part:
                yield part


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
