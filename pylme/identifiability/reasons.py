"""Why the data do not identify a combination of covariance parameters: a fact, in words."""

from __future__ import annotations

from itertools import chain, combinations
from typing import TYPE_CHECKING, Final

from pylme.text import counted, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylme.identifiability.facts import Column, DesignFacts, NullCombination

__all__ = ["BESIDE_FIXED", "IN_ROWS", "reason", "ways"]


def _zero_column(trace: NullCombination, facts: DesignFacts) -> str | None:
    for column in trace.columns:
        if not facts.occurs(column).any():
            return f"{facts.name(column)} is zero in every row"
    return None


def _one_row(trace: NullCombination, facts: DesignFacts) -> str | None:
    """A level of one row, or one row for each effect: its effects are residuals."""
    if not trace.residual:
        return None
    for term in trace.terms:
        if facts.most_rows(term) == 1:
            return (
                f"each level of {facts.group(term)} has one row, so its variance cannot be "
                "distinguished from the residual variance"
            )
    if all(facts.once(column) for column in trace.columns):
        return (
            f"no level of {facts.group(trace.terms[0])} has two rows with "
            f"{_names(trace.columns, facts)}, so these variances cannot be distinguished from the "
            "residual variance"
        )
    return None


def _saturated(trace: NullCombination, facts: DesignFacts) -> str | None:
    """As many columns as rows within a level."""
    if not trace.residual:
        return None
    for term in trace.terms:
        group, rows = facts.group(term), facts.most_rows(term)
        columns = sum(facts.group(of) == group for of, _ in trace.columns)
        if rows <= columns:
            return (
                f"no level of {group} has more rows ({rows}) than these are columns ({columns}), "
                "so their variances cannot be distinguished from the residual variance"
            )
    return None


def _never_together(trace: NullCombination, facts: DesignFacts) -> str | None:
    if len(trace.pairs) > 1 or trace.residual:
        return None
    ((one, other),) = trace.pairs
    if (facts.occurs(one) & facts.occurs(other)).any():
        return None
    return f"no level of {facts.group(one[0])} has both {facts.name(one)} and {facts.name(other)}"


def _same_groups(trace: NullCombination, facts: DesignFacts) -> str | None:
    for one, other in combinations(trace.terms, 2):
        groups = facts.group(one), facts.group(other)
        if groups[0] != groups[1] and facts.alike(one, other):
            return f"{groups[0]} and {groups[1]} divide the rows into the same groups"
    return None


def _same_columns(trace: NullCombination, facts: DesignFacts) -> str | None:
    """A column that occurs in two terms of one factor."""
    for one, other in combinations(trace.columns, 2):
        group = facts.group(one[0])
        if one[0] != other[0] and group == facts.group(other[0]) and facts.dependent([one, other]):
            names = dict.fromkeys((facts.name(one), facts.name(other)))
            return f"two terms on {group} span the same column: {listed(list(names), most=6)}"
    return None


def _dependent_columns(trace: NullCombination, facts: DesignFacts) -> str | None:
    if len(trace.terms) > 1 or not facts.dependent(trace.columns):
        return None
    fewest = _fewest(trace.columns, facts.dependent)
    return f"the columns {_names(fewest, facts)} are linearly dependent"


def _constant_variable(trace: NullCombination, facts: DesignFacts) -> str | None:
    """A column other than the intercept that is constant within the levels."""
    if not _on_one_factor(trace, facts):
        return None
    group = facts.group(trace.terms[0])
    for column in trace.columns:
        if facts.variables(column) and facts.in_levels(column) is not None:
            whole = facts.distinct([facts.in_levels(each) for each in facts.siblings(column)])
            name = ":".join(facts.variables(column)) if whole else facts.name(column)
            count = whole or facts.distinct([facts.in_levels(column)])
            return f"{name} does not vary within {group}, where it takes {counted(count, 'value')}"
    return None


def _constant_factor(trace: NullCombination, facts: DesignFacts) -> str | None:
    """A column that is a multiple of another within the levels, such as x:f of x."""
    if not _on_one_factor(trace, facts):
        return None
    group = facts.group(trace.terms[0])
    # The later of two columns is said to be the multiple, where both are one of the other.
    earlier = combinations(trace.columns, 2)
    for column, base in chain.from_iterable(((two, one), (one, two)) for one, two in earlier):
        if facts.multiples(column, base) is None:
            continue
        more = [v for v in facts.variables(column) if v not in facts.variables(base)]
        if more and set(facts.variables(base)) < set(facts.variables(column)):
            each = [facts.multiples(sibling, base) for sibling in facts.siblings(column)]
            if count := facts.distinct(each):
                return (
                    f"{':'.join(more)} does not vary within {group}, where it takes "
                    f"{counted(count, 'value')}"
                )
        names = f"{facts.name(column)} is a multiple of {facts.name(base)}"
        return f"{names} within every level of {group}"
    return None


def _few_rows(trace: NullCombination, facts: DesignFacts) -> str | None:
    """Fewer rows within each level than columns."""
    rows = facts.most_rows(trace.terms[0])
    if not _on_one_factor(trace, facts) or rows >= len(trace.columns):
        return None
    return (
        f"no level of {facts.group(trace.terms[0])} has more than {counted(rows, 'row')}, too few "
        f"to tell the columns {_names(trace.columns, facts)} apart"
    )


def _dependent_within(trace: NullCombination, facts: DesignFacts) -> str | None:
    if not _on_one_factor(trace, facts) or not facts.dependent_within(trace.columns):
        return None
    fewest = _fewest(trace.columns, facts.dependent_within)
    group = facts.group(trace.terms[0])
    return (
        f"the columns {_names(fewest, facts)} are linearly dependent within every level of {group}"
    )


def ways(trace: NullCombination, facts: DesignFacts) -> str:
    """The reasons that can hold for any combination that is not identified."""
    names = [facts.design.terms[term].written for term in trace.terms]
    if len(names) == 1 and not trace.residual:
        levels = len(facts.design.terms[trace.terms[0]].levels)
        return (
            f"the {levels} levels of {facts.group(trace.terms[0])} show fewer variances and "
            f"covariances than {names[0]} has"
        )
    what = listed([*names, *(["the residual"] if trace.residual else [])], most=6)
    return f"in these rows the same covariances come about in more than one way from {what}"


def _on_one_factor(trace: NullCombination, facts: DesignFacts) -> bool:
    """Whether all terms divide the rows into the same groups, without σ²."""
    first, *others = trace.terms
    return not trace.residual and all(facts.alike(first, other) for other in others)


def _names(columns: Sequence[Column], facts: DesignFacts) -> str:
    return listed([facts.name(column) for column in columns], most=6)


def _fewest(
    columns: tuple[Column, ...], dependent: Callable[[Sequence[Column]], bool]
) -> tuple[Column, ...]:
    """The smallest set of the columns that is still linearly dependent."""
    for column in columns:
        fewer = tuple(other for other in columns if other != column)
        if fewer and dependent(fewer):
            return _fewest(fewer, dependent)
    return columns


#: In the order in which they are asked for; the last one always holds.
IN_ROWS: Final[Sequence[Callable[[NullCombination, DesignFacts], str | None]]] = (
    _zero_column,
    _one_row,
    _saturated,
    _never_together,
    _same_groups,
    _same_columns,
    _dependent_columns,
    _constant_variable,
    _constant_factor,
    _few_rows,
    _dependent_within,
    ways,
)


def _in_fixed_effects(trace: NullCombination, facts: DesignFacts) -> str | None:
    if not trace.absorbed:
        return None
    names = listed([facts.name(column) for column in trace.absorbed], most=6)
    return (
        f"the fixed effects already contain {names} for every level of "
        f"{facts.group(trace.absorbed[0][0])}, which leaves no variation for random ones"
    )


def _few_rows_left(trace: NullCombination, facts: DesignFacts) -> str | None:
    """Very few rows are left after fitting the fixed effects."""
    n, p = facts.design.n, facts.design.p
    left = n - p
    if left * (left + 1) // 2 >= trace.parameters:
        return None
    return (
        f"{counted(n, 'row')} and {counted(p, 'fixed effect')} leave "
        f"{counted(left, 'free number')}, too few for {trace.parameters} variances and covariances"
    )


def _ways_beside(trace: NullCombination, facts: DesignFacts) -> str:
    return f"once the fixed effects are taken out, {ways(trace, facts)}"


#: In the order in which they are asked for; the last one always holds.
BESIDE_FIXED: Final[Sequence[Callable[[NullCombination, DesignFacts], str | None]]] = (
    _in_fixed_effects,
    _few_rows_left,
    _ways_beside,
)


def reason(trace: NullCombination, facts: DesignFacts) -> str:
    """The reason why a combination of parameters is not identified: the first that holds."""
    asked = IN_ROWS if trace.plain else BESIDE_FIXED
    found = (fact(trace, facts) for fact in asked)
    return next(text for text in found if text is not None)
