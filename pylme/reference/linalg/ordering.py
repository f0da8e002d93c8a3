"""An order of elimination that keeps a sparse Cholesky factor sparse.

SuperLU orders by multiple minimum degree (Liu 1985, ACM Transactions on Mathematical Software
11(2)), but SciPy hands the order over with a factorization only. An incomplete one that drops all
that it may has the same order and next to no fill, whatever the complete one would have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spilu

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["elimination_order"]


def elimination_order(i: NDArray[np.intp], j: NDArray[np.intp], nodes: int) -> NDArray[np.intp]:
    """The position of each node in an order of elimination with little fill.

    Parameters
    ----------
    i, j : ndarray of int
        The pairs of different nodes that are neighbours, each pair once.
    nodes : int
        How many there are.
    """
    diagonal = np.arange(nodes)
    # Diagonally dominant, so that no pivot is refused.
    degree = np.bincount(i, minlength=nodes) + np.bincount(j, minlength=nodes)
    values = np.concatenate([np.full(2 * len(i), -1.0), degree + 1.0])
    matrix = sparse.csc_array(
        (values, (np.concatenate([i, j, diagonal]), np.concatenate([j, i, diagonal]))),
        shape=(nodes, nodes),
    )
    factor = spilu(
        matrix,
        drop_tol=1.0,
        fill_factor=1.0,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return np.asarray(factor.perm_c, dtype=np.intp)
