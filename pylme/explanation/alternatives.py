"""Other random parts for the same data: equivalent ones, simpler ones, larger ones.

Candidates are derived from the terms. Each is built, and proposed only if the data identify all of
its parameters and its covariances have a known relation to those of the model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Final, Literal

from pylme.errors import DataError, FormulaError
from pylme.explanation.relation import relation_of
from pylme.formula import (
    Bar,
    Binary,
    Call,
    Name,
    Number,
    deparse,
    expand,
    formula_terms,
    level_block,
    model_terms,
    parse_formula,
    parse_tree,
)
from pylme.identifiability.comparison import compare_covariances
from pylme.identifiability.identify import identify
from pylme.identifiability.parameters import size_of
from pylme.model_matrix.build import build
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pylme.explanation.effects import Effect
    from pylme.explanation.parts import FixedPart, RandomPart
    from pylme.formula import Formula, Node
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["MOST_COMPARED", "Alternative", "Candidate", "alternatives", "candidates"]

#: For a factor with more levels, a block for each level is not proposed.
_MOST_LEVELS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A formula with another random part.

    Attributes
    ----------
    formula, random : str
        The whole formula, and the random part.
    reason : str
        The difference, in words.
    """

    formula: str
    random: str
    reason: str


def candidates(
    formula: Formula,
    parts: Sequence[RandomPart],
    fixed: FixedPart,
    between: Mapping[tuple[str, str], tuple[str, ...]],
) -> Iterator[Candidate]:
    """Other random parts, each with one term changed.

    Parameters
    ----------
    formula : Formula
    parts : sequence of RandomPart
        Of its terms, in any order.
    fixed : FixedPart
    between : mapping
        The levels of each factor that is constant within the levels of a grouping factor, by the
        names of both: (grouping factor, factor).
    """
    bars = expand(formula).bars
    by_label = {part.label: part for part in parts}
    yield from _pooled(formula, bars, by_label)
    for place, bar in enumerate(bars):
        part = by_label[str(bar)]
        if part.block is not None:
            continue
        others = [*bars[:place], *bars[place + 1 :]]
        if others:
            yield _candidate(formula, others, f"without {bar}")
        for replaced, reason in _instead(bar, part, fixed, between):
            changed = [*bars[:place], *replaced, *bars[place + 1 :]]
            yield _candidate(formula, changed, reason)


def _candidate(formula: Formula, bars: Iterable[Bar], reason: str) -> Candidate:
    random = " + ".join(dict.fromkeys(str(bar) for bar in bars))
    whole = f"{deparse(formula.response)} ~ {deparse(formula.fixed)} + {random}"
    return Candidate(formula=whole, random=random, reason=reason)


def _pooled(
    formula: Formula, bars: Sequence[Bar], by_label: Mapping[str, RandomPart]
) -> Iterator[Candidate]:
    """One term for all levels in place of the terms of each level."""
    blocks = [(bar, by_label[str(bar)].block) for bar in bars]
    factors = dict.fromkeys((deparse(b.group), k.by) for b, k in blocks if k is not None)
    for group, by in factors:
        own = [(b, k) for b, k in blocks if k and k.by == by and deparse(b.group) == group]
        if any(block.names != own[0][1].names for _, block in own):
            continue
        others = [bar for bar, block in blocks if not any(bar is each for each, _ in own)]
        one = Bar(effects=_sum(_without_indicator(own[0][0])), group=own[0][0].group)
        yield _candidate(formula, [one, *others], f"the same covariances for all levels of {by}")


def _instead(
    bar: Bar,
    part: RandomPart,
    fixed: FixedPart,
    between: Mapping[tuple[str, str], tuple[str, ...]],
) -> Iterator[tuple[list[Bar], str]]:
    """Possible replacements of one term, and how they differ."""
    inside = _between_in(part.effects, part.group, between)
    slopes, intercept = _without(bar, inside)
    if intercept:
        for by in inside or _between_in(fixed.effects, part.group, between):
            yield from _by_level(bar, slopes, by, between[part.group, by])
    if inside and (slopes or intercept):
        start: list[Node] = [] if intercept else [Number(value=0)]
        yield (
            [Bar(effects=_sum([*start, *slopes]), group=bar.group)],
            f"the same covariances for all levels of {' and '.join(inside)}",
        )
    yield from _fewer(bar, part)


def _fewer(bar: Bar, part: RandomPart) -> Iterator[tuple[list[Bar], str]]:
    """Without correlations, without slopes, with one variance for all levels of a factor."""
    if len(part.effects) < 2:
        return
    kinds = [[piece.kind for piece in effect.pieces] for effect in part.effects]
    if all(kind in ([], ["number"]) for kind in kinds):
        yield (
            [Bar(effects=bar.effects, group=bar.group, double=True)],
            "no correlations; where 0 lies on the covariates matters then",
        )
    factors = {piece.variable for effect in part.effects for piece in effect.pieces}
    terms = model_terms(bar.effects).terms
    if len(terms) == 1 and len(factors) == 1 and kinds[-1] in (["contrast"], ["level"]):
        cells = _interaction(bar.group, terms[0].variables[0])
        yield (
            [_intercepts(bar.group), _intercepts(cells)],
            f"one variance and one covariance for all levels of {factors.pop()}",
        )
    yield [_intercepts(bar.group)], "intercepts alone"


def _by_level(
    bar: Bar, slopes: Sequence[Node], by: str, levels: Sequence[str]
) -> Iterator[tuple[list[Bar], str]]:
    factor = parse_tree(by)
    if isinstance(factor, Name) and 1 < len(levels) <= _MOST_LEVELS:
        blocks = [
            level_block(slopes, group=bar.group, by=factor.name, level=level) for level in levels
        ]
        yield blocks, f"separate covariances for each level of {by}"


def _between_in(
    effects: Iterable[Effect],
    group: str,
    between: Mapping[tuple[str, str], tuple[str, ...]],
) -> list[str]:
    """The factors in the effects that are constant within the groups."""
    variables = dict.fromkeys(
        piece.variable
        for effect in effects
        for piece in effect.pieces
        if piece.kind in ("contrast", "level")
    )
    return [variable for variable in variables if (group, variable) in between]


def _without(bar: Bar, variables: Sequence[str]) -> tuple[list[Node], bool]:
    """The terms without these variables but for the intercept, and whether that is left too."""
    terms = model_terms(bar.effects)
    intercept = terms.intercept
    left: dict[str, Node] = {}
    for term in terms.terms:
        kept = [node for node in term.variables if deparse(node) not in variables]
        if kept:
            product = reduce(_interaction, kept)
            left[deparse(product)] = product
        else:
            intercept = True
    return list(left.values()), intercept


def _without_indicator(bar: Bar) -> list[Node]:
    """The slopes of a term for one level of a factor."""
    slopes: list[Node] = []
    for term in model_terms(bar.effects).terms:
        kept = [
            node
            for node in term.variables
            if not (isinstance(node, Call) and node.function == "dummy")
        ]
        slopes += [reduce(_interaction, kept)] if kept else []
    return slopes


def _interaction(left: Node, right: Node) -> Node:
    return Binary(operator=":", left=left, right=right)


def _intercepts(group: Node) -> Bar:
    return Bar(effects=Number(value=1), group=group)


def _sum(parts: Sequence[Node]) -> Node:
    nodes = parts or [Number(value=1)]
    return reduce(lambda a, b: Binary(operator="+", left=a, right=b), nodes)


Kind = Literal["equivalent", "simpler", "larger"]
_KINDS: Final[dict[str, Kind]] = {
    "the same": "equivalent", "contains": "simpler", "special case": "larger",
}  # fmt: skip
#: Covariance parameters of the model and a proposal together, above which they are not compared:
#: each of several proposals takes several analyses.
MOST_COMPARED: Final = 250
_ORDER: Final = ("equivalent", "simpler", "larger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another random part for the same data, all of whose parameters are identified.

    Attributes
    ----------
    kind : {"equivalent", "simpler", "larger"}
        Its covariances are those of the model, or special cases of them, or contain them as special
        cases.
    formula : str
        The whole formula.
    random : str
        Its random part.
    n_parameters : int
        The number of variances and covariances.
    reason : str
        What is different, in words.
    """

    kind: Kind
    formula: str
    random: str
    n_parameters: int
    reason: str


def alternatives(
    spec: ModelSpec,
    design: ModelMatrices,
    parts: Sequence[RandomPart],
    fixed: FixedPart,
    between: Mapping[tuple[str, str], tuple[str, ...]],
) -> tuple[Alternative, ...]:
    """The random parts to propose, at most one for each idea.

    Parameters
    ----------
    spec : ModelSpec
    design : ModelMatrices
        Built from it.
    parts : sequence of RandomPart
    fixed : FixedPart
    between : mapping
        The levels of each factor that is constant within the levels of a grouping factor, by the
        names of both: (grouping factor, factor).
    """
    found: dict[str, Alternative] = {}
    for candidate in candidates(spec.formula, parts, fixed, between):
        try:
            made = _judged(spec, design, candidate.formula, candidate.random, candidate.reason)
        except (DataError, FormulaError):
            # A model that cannot be built is not proposed.
            continue
        if made is not None:
            found.setdefault(made.formula, made)
    return tuple(
        sorted(found.values(), key=lambda each: (_ORDER.index(each.kind), -each.n_parameters))
    )


def _judged(
    spec: ModelSpec, design: ModelMatrices, formula: str, random: str, reason: str
) -> Alternative | None:
    with silenced():
        parsed = parse_formula(formula)
        other = build(replace(spec, formula=parsed, terms=formula_terms(parsed)))
    if other.formula == design.formula or any(t.n_effects >= other.n for t in other.terms):
        return None
    if size_of(design) + size_of(other) > MOST_COMPARED:
        return None
    identified = identify(other)
    kind = _KINDS.get(relation_of(compare_covariances(design, other)))
    if identified.directions or kind is None:
        return None
    return Alternative(
        kind=kind,
        formula=other.formula,
        random=random,
        n_parameters=identified.n_parameters,
        reason=reason,
    )
