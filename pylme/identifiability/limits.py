"""How many covariance parameters are analysed, and what is said of more.

The analysis takes the singular values of a matrix as wide as the number of parameters, k(k + 1)/2
for a term of k effects: its cost grows with the sixth power of k. Up to 500 parameters (31 effects
in one term) it takes about a second. Of more, only what can be counted is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["MOST_PARAMETERS", "size_of", "unseen_pairs", "what_was_done"]

MOST_PARAMETERS: Final = 500


def size_of(design: ModelMatrices) -> int:
    """The number of covariance parameters."""
    return sum(term.thetas.stop - term.thetas.start for term in design.terms)


def unseen_pairs(term: RandomTerm) -> int:
    """The covariances of a term that no level can show, as it never has both columns."""
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
    """What was looked at where the parameters are too many, and what was found."""
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
