"""The covariance parameters of a design, one for each element of theta, with names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["SIGMA", "CovarianceParameter", "covariance_parameters", "places_of", "term_labels"]

#: The name of the residual variance.
SIGMA: Final = "sigma^2"


@dataclass(frozen=True, slots=True, kw_only=True)
class CovarianceParameter:
    """An entry of the covariance matrix of a term.

    Attributes
    ----------
    term : int
        The position of the term in the design.
    row, column : int
        The place in the lower triangle of the matrix.
    name : str
        As ``var(ses | sch.id)`` or ``cov((Intercept), ses | sch.id)``.
    """

    term: int
    row: int
    column: int
    name: str


def covariance_parameters(terms: Sequence[RandomTerm]) -> tuple[CovarianceParameter, ...]:
    """The parameters in the order of theta: term by term, the lower triangles by columns."""
    labels = term_labels([term.group for term in terms])
    return tuple(
        CovarianceParameter(
            term=position,
            row=row,
            column=column,
            name=f"var({term.names[row]} | {label})"
            if row == column
            else f"cov({term.names[column]}, {term.names[row]} | {label})",
        )
        for position, (term, label) in enumerate(zip(terms, labels, strict=True))
        for column in range(len(term.names))
        for row in range(column, len(term.names))
    )


def places_of(
    parameters: Sequence[CovarianceParameter], term: int
) -> tuple[list[int], list[int], list[int]]:
    """Where the parameters of a term stand among all, and their rows and columns in its matrix."""
    places = [i for i, p in enumerate(parameters) if p.term == term]
    return (
        places,
        [parameters[i].row for i in places],
        [parameters[i].column for i in places],
    )


def term_labels(groups: Sequence[str]) -> list[str]:
    """lme4's names of terms: the grouping factors, made unique as g, g.1, g.2."""
    labels: list[str] = []
    for group in groups:
        label, count = group, 0
        while label in labels or (count and label in groups):
            count += 1
            label = f"{group}.{count}"
        labels.append(label)
    return labels
