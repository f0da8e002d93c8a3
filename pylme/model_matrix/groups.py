"""Grouping factors: a column, or the combinations of several that occur."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from pylme.arrays import locked
from pylme.errors import GroupingFactorError
from pylme.formula import Binary, Name, Paren, deparse, model_terms
from pylme.frame import Factor
from pylme.model_matrix.values import as_factor, used_levels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pylme.formula import Node
    from pylme.model_matrix.values import Value

__all__ = [
    "combined",
    "distinct",
    "group_factor",
    "group_label",
    "group_names",
    "group_variables",
    "require_levels",
    "require_names_of_combinations",
]


def group_variables(group: Node) -> tuple[Node, ...]:
    """The variables whose combinations are the levels, those that vary slowest first."""
    match group:
        case Paren(inner=inner):
            return group_variables(inner)
        case Binary(operator=":", left=left, right=right):
            return group_variables(left) + group_variables(right)
    return model_terms(group).variables


def group_label(group: Node) -> str:
    """What lme4 calls a grouping factor: R's text of it, which has no quotes around a lone name."""
    return group.name if isinstance(group, Name) else deparse(group)


def group_factor(group: Node, values: Mapping[str, Value]) -> Factor:
    """The grouping factor, with the levels that occur; combinations are joined by colons.

    Parameters
    ----------
    group : Node
    values : mapping
        The variables of the model, by their texts.
    """
    return combined([used_levels(as_factor(values[deparse(p)])) for p in group_variables(group)])


def combined(parts: Sequence[Factor]) -> Factor:
    """The combinations of factors that occur; a missing level anywhere is not allowed for."""
    factor = parts[0]
    for part in parts[1:]:
        factor = _combinations(factor, part)
    return factor


def _combinations(outer: Factor, inner: Factor) -> Factor:
    width = len(inner.levels)
    pairs = outer.codes.astype(np.int64) * width + inner.codes
    found, codes = distinct(pairs, len(outer.levels) * width)
    levels = tuple(
        f"{outer.levels[pair // width]}:{inner.levels[pair % width]}" for pair in found.tolist()
    )
    return Factor(codes=locked(codes.astype(np.int32)), levels=levels, values=levels)


def distinct(pairs: NDArray[np.int64], size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The values that occur, sorted, and the position of each value among them.

    Parameters
    ----------
    pairs : ndarray of int, shape (n,)
        From 0 to `size` less one.
    size : int
    """
    # A table of all values is quicker than sorting as long as it is not much larger than the data.
    if size > 4 * len(pairs):
        found, codes = np.unique(pairs, return_inverse=True)
        return found.astype(np.intp), codes.astype(np.intp)
    occurs = np.bincount(pairs, minlength=size) > 0
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[pairs]


def require_levels(term: str, group: str, levels: int) -> None:
    """Raise for a grouping factor with one level."""
    if levels < 2:
        raise GroupingFactorError(
            term=term,
            found=f"the grouping factor {group} has one level",
            remedy="A variance between groups needs at least two groups; leave the term out.",
        )


def require_names_of_combinations(term: str, group: Node, values: Mapping[str, Value]) -> None:
    """Raise where two combinations of levels have one name: R would make one level of them.

    Parameters
    ----------
    term : str
        For the message.
    group : Node
    values : mapping
        The variables of the group, by their texts.
    """
    parts = [as_factor(values[deparse(variable)]) for variable in group_variables(group)]
    if len(parts) < 2 or not any(":" in level for part in parts for level in part.levels):
        return
    name, times = Counter(combined([used_levels(part) for part in parts]).levels).most_common(1)[0]
    if times > 1:
        raise GroupingFactorError(
            term=term,
            found=f"{times} combinations of levels have the name {name!r}, as R joins levels by "
            "colons and takes equal names for one level",
            remedy="Replace the colons in the levels by another character, in pandas with "
            ".str.replace(':', '_').",
        )


def group_names(group: Node) -> frozenset[str]:
    """The columns that are grouping factors themselves, which R makes factors on the left too."""
    return frozenset(part.name for part in group_variables(group) if isinstance(part, Name))
