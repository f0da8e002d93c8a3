"""The combinations that leave no trace, from the conditioned parameters back to the raw ones.

A combination is a change C of the covariance matrix of each term. C̃ of the conditioned columns is
R⁻¹C̃R⁻ᵀ of the raw ones, where large numbers may cancel: what is left of them is told from what is
there by the sum of absolute values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.identifiability.null_space import echelon, entries_from
from pylme.identifiability.parameters import places_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.identifiability.conditioning import Conditioned
    from pylme.identifiability.parameters import CovarianceParameter

__all__ = ["raw_directions"]


def raw_directions(
    rows: NDArray[np.float64],
    parameters: Sequence[CovarianceParameter],
    terms: Sequence[Conditioned],
    rounding: NDArray[np.float64],
) -> NDArray[np.float64]:
    """A sparse basis in the raw parameters, shape (m, d + 1).

    Parameters
    ----------
    rows : ndarray, shape (m, d + 1)
        A basis in the conditioned parameters; σ² comes last.
    parameters : sequence of CovarianceParameter
    terms : sequence of Conditioned
    rounding : ndarray, shape (d + 1,)
        The rounding errors of the matrices of the conditioned parameters.
    """
    if not len(rows):
        return rows
    order = _simplest_first(parameters)
    back = np.argsort(order)
    least = entries_from(rounding)
    sparse = echelon(rows[:, order], least[order])[:, back]
    raw = sparse.copy()
    scales = np.ones(len(parameters) + 1)
    for position, term in enumerate(terms):
        places, row, column = places_of(parameters, position)
        change = np.zeros((len(rows), *term.R.shape))
        change[:, row, column] = change[:, column, row] = sparse[:, places]
        inverse = term.inverse
        exact = inverse @ change @ inverse.T
        bound = np.abs(inverse) @ np.abs(change) @ np.abs(inverse).T
        exact[np.abs(exact) <= least.max() * bound] = 0.0
        raw[:, places] = exact[:, row, column]
        lengths = np.linalg.norm(term.R, axis=0)
        scales[places] = lengths[row] * lengths[column]
    found = echelon((raw * scales)[:, order], least[order])[:, back]
    return found / scales


def _simplest_first(parameters: Sequence[CovarianceParameter]) -> NDArray[np.intp]:
    """σ², then term by term the covariances of each column with those before, and its variance.

    What comes later is said in terms of what comes before.
    """
    keys = [(-1, -1, -1, len(parameters))]
    keys += [(p.term, p.row, p.column, i) for i, p in enumerate(parameters)]
    return np.array([i for *_, i in sorted(keys)], dtype=np.intp)
