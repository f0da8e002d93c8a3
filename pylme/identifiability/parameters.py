"""The covariance parameters of a design, one for each element of theta, with names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylme.covariance.cells import cells
from pylme.covariance.names import block_labels, covariance_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["CovarianceParameter", "covariance_parameters", "places_of"]


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
    labels = block_labels(term.group for term in terms)
    return tuple(
        CovarianceParameter(
            term=position,
            row=row,
            column=column,
            name=covariance_name(label, term.names[row], term.names[column]),
        )
        for position, (term, label) in enumerate(zip(terms, labels, strict=True))
        for row, column in cells(len(term.names))
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
