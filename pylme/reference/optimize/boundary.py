"""The boundary: what must hold there, and how the criterion falls where it does not.

At a minimum M_t ⪰ 0 and M_tT_t = 0 for each term t. A negative eigenvalue λ of M_t with its
eigenvector v says that Σ_t + εvvᵀ has a lower criterion for small ε: by λε + ½ form(vvᵀ, vvᵀ)ε²,
which is least, with a gain of λ²/(2 form), at ε = -λ/form. (The first-order conditions of a
semidefinite programme: Vandenberghe & Boyd 1996, SIAM Review 38(1).)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.covariance.roots import triangular

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.reference.problem.terms import Layout

__all__ = ["Escape", "escape", "with_variance"]

#: The most variance, relative to the residual's, that is added where the curvature gives no bound.
MOST: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Escape:
    """The direction in which each response's criterion falls most, if it falls.

    Attributes
    ----------
    gain : ndarray, shape (R,)
        How far, by the quadratic model; 0 where M_t ⪰ 0 for all terms.
    factor : ndarray of int, shape (R,)
    vector : ndarray, shape (R, K)
        The direction within the factor's block, padded with zeros to the widest.
    variance : ndarray, shape (R,)
        ε.
    """

    gain: NDArray[np.float64]
    factor: NDArray[np.intp]
    vector: NDArray[np.float64]
    variance: NDArray[np.float64]


def escape(layout: Layout, M: Sequence[NDArray[np.float64]], form: NDArray[np.float64]) -> Escape:
    """Where M_t is not positive semidefinite, and what that promises."""
    R = len(form)
    widest = max(factor.width for factor in layout.factors)
    gain, variance = np.zeros(R), np.zeros(R)
    at = np.zeros(R, dtype=np.intp)
    vector = np.zeros((R, widest))
    start = 0
    for f, factor in enumerate(layout.factors):
        K = factor.width
        for place in factor.places:
            values, vectors = np.linalg.eigh(M[f][:, place, place])
            least = values[:, 0]
            if not (least < 0).any():
                continue
            v = np.zeros((R, widest))
            v[:, place] = vectors[:, :, 0]
            curvature = _curvature(form, v[:, :K], start)
            # An effect whose column is zero has neither slope nor curvature.
            size = np.full(R, np.inf)
            np.divide(-least, curvature, out=size, where=curvature > 0)
            size = np.clip(size, 0.0, MOST)
            promised = np.where(
                least < 0, -least * size - 0.5 * np.maximum(curvature, 0) * size**2, 0
            )
            better = promised > gain
            gain[better], variance[better] = promised[better], size[better]
            at[better], vector[better] = f, v[better]
        start += K * K
    return Escape(gain=gain, factor=at, vector=vector, variance=variance)


def _curvature(
    form: NDArray[np.float64], v: NDArray[np.float64], start: int
) -> NDArray[np.float64]:
    K = v.shape[1]
    outer = (v[:, :, None] * v[:, None]).reshape(len(v), K * K)
    own = form[:, start : start + K * K, start : start + K * K]
    curvature: NDArray[np.float64] = np.einsum("ri,rij,rj->r", outer, own, outer)
    return curvature


def with_variance(
    layout: Layout, T: list[NDArray[np.float64]], found: Escape, share: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """The factors of Σ + share·ε vvᵀ: what [T, √ε v] is when made lower triangular."""
    made = []
    for f, (factor, matrix) in enumerate(zip(layout.factors, T, strict=True)):
        new = matrix.copy()
        for place in factor.places:
            mine = (found.factor == f) & np.any(found.vector[:, place] != 0, axis=1)
            if mine.any():
                size = np.sqrt(share[mine] * found.variance[mine])
                extra = size[:, None] * found.vector[mine, place]
                wide = np.concatenate([matrix[mine, place, place], extra[..., None]], axis=2)
                new[mine, place, place] = triangular(wide)
        made.append(new)
    return made
