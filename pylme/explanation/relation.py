"""How the covariances of two formulas lie to each other, as one word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from pylme.design.identifiability.comparison import CovarianceComparison

__all__ = ["MIRRORED", "Relation", "relation_of"]

Relation = Literal["the same", "special case", "contains", "neither"]
#: The same, said of the second formula.
MIRRORED: Final[dict[Relation, Relation]] = {
    "the same": "the same",
    "special case": "contains",
    "contains": "special case",
    "neither": "neither",
}


def relation_of(comparison: CovarianceComparison) -> Relation:
    """What the covariances of the first formula are to those of the second.

    Proven inclusions decide; where there is no proof, the linear combinations do.

    Parameters
    ----------
    comparison : CovarianceComparison

    Returns
    -------
    {"the same", "special case", "contains", "neither"}
    """
    first, second, both = comparison.ranks
    inside = comparison.first_in_second or (first < both == second)
    outside = comparison.second_in_first or (second < both == first)
    if (inside and outside) or first == second == both:
        return "the same"
    if inside:
        return "special case"
    return "contains" if outside else "neither"
