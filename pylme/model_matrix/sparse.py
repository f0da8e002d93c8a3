"""Zᵀ and the template of Λᵀ as sparse matrices, entry by entry as lme4 stores them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from pylme.covariance.structure import Unstructured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["lambda_template", "random_matrix", "start"]


def random_matrix(terms: Sequence[RandomTerm], nrow: int) -> sparse.csc_matrix:
    """Zᵀ, shape (q, n), without stored zeros; a row of an unknown level has none of its effects.

    Parameters
    ----------
    terms : sequence of RandomTerm
    nrow : int
        n, the number of rows of the data.
    """
    widths = [len(term.names) for term in terms]
    total = sum(widths)
    values = np.empty((nrow, total))
    places = np.empty((nrow, total), dtype=np.int32)
    start = 0
    for term, width in zip(terms, widths, strict=True):
        block = slice(start, start + width)
        values[:, block] = term.columns
        values[term.codes < 0, block] = 0.0
        first = term.rows.start + width * np.maximum(term.codes, 0)
        places[:, block] = first[:, None] + np.arange(width, dtype=np.int32)
        start += width
    q = terms[-1].rows.stop
    pointers = np.arange(
        0, nrow * total + 1, total, dtype=np.int32 if nrow * total < 2**31 else int
    )
    matrix = sparse.csc_matrix((values.ravel(), places.ravel(), pointers), shape=(q, nrow))
    matrix.eliminate_zeros()
    return matrix


def lambda_template(
    terms: Sequence[RandomTerm],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """The pattern of Λᵀ by columns, and the element of theta in each place.

    Each level of a term has the same upper triangle. Theta runs through the lower triangle of the
    term's factor column by column.

    Returns
    -------
    pointers : ndarray of int32, shape (q + 1,)
    indices : ndarray of int32, shape (nnz,)
        Rows, in order within a column.
    Lind : ndarray of int32, shape (nnz,)
        Positions in theta, from 1 as in lme4.
    """
    counts: list[NDArray[np.int32]] = [np.zeros(1, dtype=np.int32)]
    indices: list[NDArray[np.int32]] = []
    lind: list[NDArray[np.int32]] = []
    for term in terms:
        size, levels = len(term.names), len(term.levels)
        # The entries (i, j), i ≤ j, of an upper triangle by columns; of the factor's lower
        # triangle by columns (j, i) is entry number i·size − i(i−1)/2 + (j − i).
        j = np.repeat(np.arange(size), np.arange(1, size + 1))
        i = np.concatenate([np.arange(stop) for stop in range(1, size + 1)])
        theta = i * size - i * (i - 1) // 2 + j - i + term.thetas.start + 1
        first = term.rows.start + size * np.arange(levels)
        indices.append((first[:, None] + i).ravel().astype(np.int32))
        lind.append(np.tile(theta.astype(np.int32), levels))
        counts.append(np.tile(np.arange(1, size + 1, dtype=np.int32), levels))
    pointers = np.cumsum(np.concatenate(counts), dtype=np.int32)
    return pointers, np.concatenate(indices), np.concatenate(lind)


def start(terms: Sequence[RandomTerm]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """lme4's starting theta, 1 on the diagonal and 0 below it, and the lower bounds."""
    structures = [Unstructured(size=len(term.names)) for term in terms]
    return (
        np.concatenate([structure.start() for structure in structures]),
        np.concatenate([structure.lower_bounds() for structure in structures]),
    )
