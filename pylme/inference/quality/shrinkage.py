"""What each group's own rows say of its effects, beside the conditional modes.

Of a level j the unpooled effects are the least-squares coefficients on Z_j of what the fixed
effects and the other random effects leave of its rows; the conditional modes shrink them towards
zero. NaN where a level's rows do not determine them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pylme.errors import UnknownNameError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.inference.kernels import Kernels
    from pylme.results.linear_problem import LinearProblem

__all__ = ["shrinkage", "unpooled"]


def shrinkage(kernels: Kernels, group: str | None) -> pd.DataFrame:
    """The unpooled effects and the modes of a grouping factor, a row for each level and effect.

    Raises
    ------
    UnknownNameError
        If no such grouping factor exists.
    """
    linear = kernels.linear
    groups = tuple(dict.fromkeys(term.group for term in linear.terms))
    if group is not None and group not in groups:
        raise UnknownNameError(what="grouping factor", name=group, known=groups)
    group = groups[0] if group is None else group
    parts = []
    for position, term in enumerate(linear.terms):
        if term.group == group:
            own = unpooled(linear, kernels.beta, kernels.b, position)
            modes = kernels.b[term.rows].reshape(own.shape)
            parts += [
                pd.DataFrame(
                    {
                        "group": group, "level": list(term.levels), "term": name,
                        "unpooled": own[:, a], "estimate": modes[:, a],
                    }
                )
                for a, name in enumerate(term.names)
            ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def unpooled(
    linear: LinearProblem, beta: NDArray[np.float64], b: NDArray[np.float64], term: int
) -> NDArray[np.float64]:
    """The unpooled effects of a term, shape (levels, k).

    Parameters
    ----------
    linear : LinearProblem
    beta : ndarray, shape (p,)
    b : ndarray, shape (q,)
        Conditional modes.
    term : int
        The term's position.
    """
    left = linear.y_less_offset - linear.X @ beta
    for position, other in enumerate(linear.terms):
        if position != term:
            modes = b[other.rows].reshape(len(other.levels), -1)
            left = left - np.einsum("nk,nk->n", other.columns, modes[other.codes])
    own = linear.terms[term]
    weights = np.ones(len(left)) if linear.weights is None else linear.weights
    J, k = len(own.levels), len(own.names)
    C, h = np.zeros((J, k, k)), np.zeros((J, k))
    for a in range(k):
        h[:, a] = np.bincount(own.codes, weights * own.columns[:, a] * left, minlength=J)
        for c in range(k):
            product = weights * own.columns[:, a] * own.columns[:, c]
            C[:, a, c] = np.bincount(own.codes, product, minlength=J)
    found = np.full((J, k), np.nan)
    size = np.sqrt(np.maximum(C.diagonal(axis1=1, axis2=2), np.finfo(float).tiny))
    cosines = C / (size[:, :, None] * size[:, None])
    sound = np.linalg.eigvalsh(cosines)[:, 0] > 1e-10
    found[sound] = np.linalg.solve(C[sound], h[sound][..., None])[..., 0]
    return found
