"""`||` and `/` in random terms written out, as lme4 1.1-31 does.

(x*f || g) is (1 | g) + (0 + x | g) + (0 + f | g) + (0 + x:f | g): one random term for each term of
the left side, whose columns stay correlated if it has several (a factor is not split into its
levels). (x | a/b/c) is (x | c:(b:a)) + (x | b:a) + (x | a): from the finest group to the coarsest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from typing import TYPE_CHECKING

from pylme.errors import FormulaError
from pylme.formula.bars import Bar, bar_of
from pylme.formula.deparse import deparse
from pylme.formula.formula import read_formula
from pylme.formula.nodes import SUMS, Binary, Name, Node, Number, Paren, Unary, left_spine, walk
from pylme.formula.terms import ModelTerms, model_terms
from pylme.versions import has

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylme.formula.formula import Formula

_NEST = frozenset({"/"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarTerms:
    """A random-effects term of the expanded formula.

    Attributes
    ----------
    bar : Bar
    terms : ModelTerms
        Of its left side.
    label : str
        The term without its parentheses, as in ``Days | Subject``.
    group : str
        lme4's name of the grouping factor: R's text of it, without quotes around a single name.
    factors : tuple of pairs
        The variables whose combinations are the levels, with their texts; those that vary slowest
        first.
    texts : tuple of str
        The texts of these variables.
    names : frozenset of str
        The columns that are grouping factors themselves, and so factors on the left side too.
    """

    bar: Bar
    terms: ModelTerms
    label: str
    group: str
    factors: tuple[tuple[str, Node], ...]
    texts: tuple[str, ...]
    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FormulaTerms:
    """The expanded terms of a formula, computed once: its fixed part and its random terms.

    Attributes
    ----------
    response : str
        R's text of the left side.
    fixed : ModelTerms
        Of the fixed part; the response is the first of its variables.
    random : tuple of BarTerms
        With `||` and `/` written out.
    predictors : mapping
        All variables but the response, by their texts.
    variables : mapping
        The response and the predictors.
    """

    response: str
    fixed: ModelTerms
    random: tuple[BarTerms, ...]
    predictors: Mapping[str, Node]
    variables: Mapping[str, Node]


# A pure function of a record that cannot change: the same model is fitted again and again.
@lru_cache(maxsize=256)
def formula_terms(formula: Formula) -> FormulaTerms:
    """The terms of a formula.

    Raises
    ------
    FormulaError
        As `expand` and `model_terms`.
    """
    response = deparse(formula.response)
    fixed = model_terms(formula.fixed, response=formula.response)
    random = tuple(_random_part(bar) for bar in expand(formula).bars)
    predictors = dict(zip(fixed.texts, fixed.variables, strict=True))
    predictors.pop(response, None)
    for part in random:
        predictors |= zip(part.terms.texts, part.terms.variables, strict=True)
    for part in random:
        predictors |= part.factors
    return FormulaTerms(
        response=response,
        fixed=fixed,
        random=random,
        predictors=predictors,
        variables={response: formula.response} | predictors,
    )


def _random_part(bar: Bar) -> BarTerms:
    variables = group_variables(bar.group)
    texts = tuple(deparse(variable) for variable in variables)
    return BarTerms(
        bar=bar,
        terms=model_terms(bar.effects),
        label=f"{deparse(bar.effects)} | {deparse(bar.group)}",
        group=group_label(bar.group),
        factors=tuple(zip(texts, variables, strict=True)),
        texts=texts,
        names=frozenset(part.name for part in variables if isinstance(part, Name)),
    )


def group_label(group: Node) -> str:
    """lme4's name of a grouping factor: R's text, without quotes around a single name."""
    if has("bare_group"):
        variables = group_variables(group)
        if len(variables) > 1:
            return ":".join(map(deparse, variables))
        (group,) = variables
    return group.name if isinstance(group, Name) else deparse(group)


def group_variables(group: Node) -> tuple[Node, ...]:
    """The variables whose combinations are the levels, those that vary slowest first."""
    match group:
        case Paren(inner=inner):
            return group_variables(inner)
        case Binary(operator=":", left=left, right=right):
            return group_variables(left) + group_variables(right)
        case Name():
            return (group,)
    return model_terms(group).variables


def expand(formula: Formula) -> Formula:
    """The formula without `||`, and without `/` between grouping factors.

    Its text is the expanded one. Two constructions that fail in lme4 1.1-31 work here:
    ``(1 || g)``, and names that need back-quotes.

    Parameters
    ----------
    formula : Formula

    Returns
    -------
    Formula

    Raises
    ------
    FormulaError
        For a nesting that lme4 cannot read, as in ``(1 | a/(b/c))`` or ``(1 | a:b/c)``; for
        ``(0 || g)``, which has no effects.

    Examples
    --------
    >>> str(expand(parse_formula("y ~ x + (x || a/b)")))
    'y ~ x + (1 | b:a) + (1 | a) + (0 + x | b:a) + (0 + x | a)'
    """
    if not any(bar.double or _nests(bar.group) for bar in formula.bars):
        return formula
    right = _expanded(formula.right)
    return read_formula(deparse(Binary(operator="~", left=formula.response, right=right)))


def _expanded(node: Node) -> Node:
    """A sum in which each random term has become one or more."""
    first, chain = left_spine(node, SUMS)
    result = _sum(_summands(first))
    for operation in chain:
        for part in _summands(operation.right):
            result = Binary(operator=operation.operator, left=result, right=part)
    return result


def _summands(node: Node) -> list[Node]:
    if (bar := bar_of(node)) is not None:
        return [part.node for part in _bars(bar)]
    match node:
        case Paren(inner=inner):
            return [Paren(inner=_expanded(inner))]
        case Unary(operator="+", operand=inner):
            return [Unary(operator="+", operand=_sum(_summands(inner)))]
        case Binary(operator="+" | "-"):
            return [_expanded(node)]
    return [node]


def _bars(bar: Bar) -> list[Bar]:
    effects = _effects(bar) if bar.double else [bar.effects]
    groups = _groups(bar)
    return [
        replace(bar, effects=effect, group=group, double=False)
        for effect in effects
        for group in groups
    ]


def _effects(bar: Bar) -> list[Node]:
    terms = model_terms(bar.effects)
    effects: list[Node] = [Number(value=1)] if terms.intercept else []
    for term in terms.terms:
        interaction = reduce(_interaction, term.variables)
        effects.append(_sum([Number(value=0), interaction]))
    if not effects:
        raise FormulaError(
            asked=f"Expanding the random term {bar}",
            found="there is no effect to the left of the bars",
            remedy="Write 1 for an intercept by group, or leave the term out.",
        )
    return effects


def _groups(bar: Bar) -> list[Node]:
    if not _nests(bar.group):
        return [bar.group]
    outermost, chain = left_spine(bar.group, _NEST)
    if not isinstance(outermost, Name) or any(_nests(inner.right) for inner in chain):
        raise FormulaError(
            asked=f"Expanding the random term {bar}",
            found=f"lme4 cannot read the grouping factor {deparse(bar.group)}: left of the first "
            "'/' must stand a single column, and right of it no further '/' in parentheses or "
            "calls",
            remedy="Write each level as a separate term: (1 | a/b) is (1 | b:a) + (1 | a).",
        )
    groups: list[Node] = [outermost]
    for inner in chain:
        groups.insert(0, _interaction(inner.right, groups[0]))
    return groups


def _nests(group: Node) -> bool:
    return any(isinstance(part, Binary) and part.operator == "/" for part in walk(group))


def _interaction(left: Node, right: Node) -> Node:
    return Binary(operator=":", left=left, right=right)


def _sum(parts: Iterable[Node]) -> Node:
    return reduce(lambda left, right: Binary(operator="+", left=left, right=right), parts)
