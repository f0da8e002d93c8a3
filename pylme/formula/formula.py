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
from pylme.formula.remembered import remembered

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
    """A two-sided formula of lme4's; ``str()`` gives it as R writes it, in one line.

    Two formulas are equal if R writes them alike.

    Attributes
    ----------
    text : str
        What was parsed; the spans of all nodes are places in it.
    response : Node
        The left side.
    right : Node
        The right side, with its bars.
    fixed : Node
        The right side without its bars, ``1`` if nothing else is there (lme4's ``nobars``).
    bars : tuple of Bar
        The random-effects terms, in written order.
    """

    text: str
    response: Node
    right: Node
    fixed: Node
    bars: tuple[Bar, ...]

    def __str__(self) -> str:
        return deparse(self.tree)

    def __repr__(self) -> str:
        return f"<Formula {self}>"

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other) if isinstance(other, Formula) else NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))

    def __reduce__(self) -> tuple[object, ...]:
        # The text is the formula; a tree of a long sum is too deep for pickle.
        return parse_formula, (self.text,)

    @property
    @remembered
    def tree(self) -> Binary:
        """The whole formula as one tree."""
        return Binary(operator="~", left=self.response, right=self.right)

    @property
    def columns(self) -> tuple[str, ...]:
        """The variables named anywhere, each once, in order of appearance.

        R's own `T`, `F`, `pi` and the like are none, unless the data has a column of that name:
        `columns_in` knows.
        """
        return self.columns_in(())

    def columns_in(self, available: Iterable[str]) -> tuple[str, ...]:
        """As `columns`, with those of R's own values that the data has a column for."""
        hidden = R_VALUES.difference(available)
        return _once(name for name in _variables(self.tree) if name not in hidden)

    @property
    def response_columns(self) -> tuple[str, ...]:
        """The variables on the left side, without R's own values."""
        return self.response_columns_in(())

    def response_columns_in(self, available: Iterable[str]) -> tuple[str, ...]:
        """As `response_columns`, with those of R's own values that the data has a column for."""
        hidden = R_VALUES.difference(available)
        return _once(name for name in _variables(self.response) if name not in hidden)

    @property
    @remembered
    def grouping_columns(self) -> tuple[str, ...]:
        """The columns that group by themselves or in interactions, as g and h in (1 | g/h)."""
        return _once(
            part.name
            for bar in self.bars
            for part in _group_parts(bar.group)
            if isinstance(part, Name)
        )

    @property
    def effect_columns(self) -> tuple[str, ...]:
        """The columns used otherwise than as a grouping factor, as g in (1 | factor(g))."""
        return self.effect_columns_in(())

    def effect_columns_in(self, available: Iterable[str]) -> tuple[str, ...]:
        """As `effect_columns`, with those of R's own values that the data has a column for."""
        places: list[Node] = [self.response, self.fixed]
        for bar in self.bars:
            places.append(bar.effects)
            places += [part for part in _group_parts(bar.group) if not isinstance(part, Name)]
        used = {name for place in places for name in _variables(place)}
        return tuple(name for name in self.columns_in(available) if name in used)

    @property
    @remembered
    def functions(self) -> tuple[str, ...]:
        """The functions that are called, each once; covariance structures are not called."""
        return _once(
            part.function
            for part in walk(self.tree)
            if isinstance(part, Call) and not is_structured(part)
        )


def parse_formula(text: str) -> Formula:
    """The formula that a text is.

    Parameters
    ----------
    text : str
        In lme4's notation: ``"y ~ x + (x | g)"``.

    Returns
    -------
    Formula

    Raises
    ------
    FormulaSyntaxError
        With a caret at the place that cannot be read, or that lme4 would misread.
    CodeNotAllowedError
        Where it contains R code that is no formula.
    OptionError
        If `text` is no string.

    Examples
    --------
    >>> formula = parse_formula("math ~ ses*sector + (ses | sch.id)")
    >>> formula.columns
    ('math', 'ses', 'sector', 'sch.id')
    """
    return _parsed(text) if isinstance(text, str) else _read(text)


def _read(text: str) -> Formula:
    match parse_tree(text):
        case Binary(operator="~", left=response, right=right):
            refuse_bars(response, text)
            fixed, bars = split(right, text)
            return Formula(text=text, response=response, right=right, fixed=fixed, bars=bars)
        case Unary(operator="~", span=(start, _)):
            raise FormulaSyntaxError(
                text=text,
                start=start,
                stop=start + 1,
                expected="a response",
                found="nothing to the left of '~'",
                remedy="Write the column to be explained before the '~'.",
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


def require_bars(formula: Formula) -> None:
    """Raise `NoRandomEffectsError` for a formula without a random-effects term."""
    if not formula.bars:
        raise NoRandomEffectsError(formula=str(formula))


def _variables(node: Node) -> Iterator[str]:
    # ave()'s summary is a function by name. Nodes are known by identity, as two may be equal.
    functions: set[int] = set()
    for part in walk(node):
        match part:
            case Call(function="ave", arguments=arguments):
                functions |= {id(a.value) for a in arguments if a.name == "FUN"}
            case Name() if id(part) in functions:
                continue
        if isinstance(part, Name) and part.name != "." and part.name not in CONTRAST_FUNCTIONS:
            yield part.name


def _group_parts(group: Node) -> Iterator[Node]:
    """What is interacted or nested in a grouping factor."""
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
