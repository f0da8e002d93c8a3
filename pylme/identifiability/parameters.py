"""The covariance parameters of a design, one for each element of theta, and how many are analysed.

The analysis needs the singular values of a matrix with as many columns as parameters, k(k + 1)/2
for a term of k effects: its cost grows with the sixth power of k. Up to 500 parameters (31 effects
in one term) it takes about a second. For more parameters, only counts are reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse

from pylme.covariance.names import block_labels, cells, parameter_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.random_term import RandomTerm

__all__ = [
    "MOST_PARAMETERS",
    "CovarianceParameter",
    "covariance_parameters",
    "places_of",
    "size_of",
    "unseen_pairs",
    "what_was_done",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CovarianceParameter:
    """An entry of the covariance matrix of a term.

    Attributes
    ----------
    term : int
        The position of the term in the design.
    row, column : int
        The position in the lower triangle of the matrix.
    name : str
        Such as ``var(ses | sch.id)`` or ``cov((Intercept), ses | sch.id)``.
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
            name=parameter_name(term.names[row], term.names[column], label=label),
        )
        for position, (term, label) in enumerate(zip(terms, labels, strict=True))
        for row, column in cells(len(term.names))
    )


def places_of(
    parameters: Sequence[CovarianceParameter], term: int
) -> tuple[list[int], list[int], list[int]]:
    """The positions of a term's parameters, and their rows and columns in its matrix."""
    places = [i for i, p in enumerate(parameters) if p.term == term]
    return (
        places,
        [parameters[i].row for i in places],
        [parameters[i].column for i in places],
    )


MOST_PARAMETERS: Final = 500


def size_of(design: ModelMatrices) -> int:
    """The number of covariance parameters."""
    return sum(term.structure.n_free for term in design.terms)


def unseen_pairs(term: RandomTerm) -> int:
    """The covariances of a term that are not identified because no level has both columns."""
    here = sparse.csr_array(
        ((term.columns != 0).astype(np.float64).ravel(), _places(term)),
        shape=(len(term.levels), len(term.names)),
    )
    here.data = np.minimum(here.data, 1.0)
    together = (here.T @ here).toarray()
    return int(np.count_nonzero(np.triu(together == 0, 1)))


def _places(term: RandomTerm) -> tuple[np.ndarray, np.ndarray]:
    n, k = term.columns.shape
    return np.repeat(term.codes, k), np.tile(np.arange(k), n)


def what_was_done(design: ModelMatrices) -> str:
    """What was examined where there are too many parameters, and what was found."""
    pairs = {term.label: unseen_pairs(term) for term in design.terms}
    seen = "; ".join(
        f"{count:,} covariances of ({label}) belong to two effects that no level has both of, so "
        "the data show nothing of them"
        for label, count in pairs.items()
        if count
    )
    counted = "it was only counted which pairs of effects occur together: "
    return (
        f"not determined: above {MOST_PARAMETERS} covariance parameters "
        f"{counted}{seen or 'each pair occurs together in some level'}"
    )
