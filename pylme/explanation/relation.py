"""How the covariances of two formulas lie to each other, as one word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pylme.inference.likelihood_ratio_tests.nesting import covariances_within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.identifiability.comparison import CovarianceComparison
    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["MIRRORED", "Relation", "relation_of", "relation_of_structures"]

Relation = Literal[
    "the same", "special case", "contains", "same but for bounds", "neither", "not determined"
]
#: The same, said of the second formula.
MIRRORED: Final[dict[Relation, Relation]] = {
    "the same": "the same",
    "special case": "contains",
    "contains": "special case",
    "same but for bounds": "same but for bounds",
    "neither": "neither",
    "not determined": "not determined",
}


def relation_of(comparison: CovarianceComparison) -> Relation:
    """What the covariances of the first formula are to those of the second.

    Where one is proven to allow all that the other allows, that decides. Otherwise the linear
    combinations do: of matrices that span the same ones, it is left open whether the bounds of the
    parameters (no variance is negative) make a difference.

    Parameters
    ----------
    comparison : CovarianceComparison

    Returns
    -------
    {"the same", "special case", "contains", "same but for bounds", "neither", "not determined"}
        The last where they have too many parameters to be compared.
    """
    if comparison.ranks is None:
        return "not determined"
    inside, outside = comparison.first_in_second, comparison.second_in_first
    if inside and outside:
        return "the same"
    if inside or outside:
        return "special case" if inside else "contains"
    first, second, both = comparison.ranks
    if first == second == both:
        return "same but for bounds"
    if both == second:
        return "special case"
    return "contains" if both == first else "neither"


def relation_of_structures(first: Sequence[RandomTerm], second: Sequence[RandomTerm]) -> Relation:
    """The same where a term has a covariance structure, which is no linear space of matrices.

    Parameters
    ----------
    first, second : sequence of RandomTerm
        Of the same rows.

    Returns
    -------
    {"the same", "special case", "contains", "not determined"}
        The last where neither contains the other factor by factor.
    """
    inside, outside = covariances_within(first, second), covariances_within(second, first)
    if inside and outside:
        return "the same"
    if inside or outside:
        return "special case" if inside else "contains"
    return "not determined"
