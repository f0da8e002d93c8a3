"""The boundary: singular covariance matrices, and what proves that an optimum lies there.

F depends on Λ through Σ = ΛΛᵀ only, smoothly where Σ is singular too. With α = Zᵀs, ρ = Zᵀr of the
gradient, and K = ZᵀWZ - ZᵀWZΛA⁻¹ΛᵀZᵀWZ,

    M = ∂F/∂Σ = K + ααᵀ + ½(ραᵀ + αρᵀ)

summed over levels (for the likelihood proper of a dispersion φ, ααᵀ/φ in the place of ααᵀ). At a
minimum M_t ⪰ 0 and M_tT_t = 0. Along an eigenvector v of M_t with eigenvalue -ℓ the criterion
falls: Σ_t ← Σ_t + εvvᵀ with ε = ℓ/f, f = Σ_j(vᵀK_jjv)², and the search goes on
(`pylme.reference.optimize.boundary` does the same for linear models).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.covariance.roots import lower_root
from pylme.reference.optimize.boundary import NEAR, rank_reduced

if TYPE_CHECKING:
    from pylme.reference.generalized.criterion import GeneralizedCriterion, Point

__all__ = ["Escape", "escape_from", "free_on_face", "snapped", "with_variance"]

Arrays = list[NDArray[np.float64]]
Places = Sequence[Sequence[slice]]

#: The greatest variance that is added at once, in well-conditioned columns.
MOST: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Escape:
    """The direction in which the criterion falls most where variance is added.

    Attributes
    ----------
    gain : float
        How far, by a quadratic model; 0 where M_t ⪰ 0 for all singular terms.
    factor : int
    vector : ndarray, shape (K_f,)
    variance : float
        ε.
    """

    gain: float
    factor: int
    vector: NDArray[np.float64]
    variance: float


def snapped(
    criterion: GeneralizedCriterion, x: NDArray[np.float64], places: Places | None = None
) -> NDArray[np.float64]:
    """The parameters with pivots that are nearly zero set to zero.

    Parameters
    ----------
    criterion : GeneralizedCriterion
        In well-conditioned columns.
    x : ndarray
    places : sequence of sequence of slice, optional
        For each factor, the rows of each of its terms that may change; by default all.
    """
    T = criterion.factors(x[: criterion.m])
    for f, T_f in enumerate(T):
        for place in _places(criterion, places)[f]:
            part = T_f[place, place]
            T_f[place, place] = rank_reduced(part * np.where(np.diag(part) < 0, -1.0, 1.0), NEAR)
    return np.concatenate([criterion.theta(T), x[criterion.m :]])


def _places(criterion: GeneralizedCriterion, places: Places | None) -> Places:
    return [factor.places for factor in criterion.layout.factors] if places is None else places


def free_on_face(criterion: GeneralizedCriterion, x: NDArray[np.float64]) -> NDArray[np.intp]:
    """The parameters that move without changing the rank of a covariance matrix."""
    layout = criterion.layout
    T = criterion.factors(x[: criterion.m])
    moves = np.ones(len(x), dtype=np.bool_)
    for k in range(criterion.m):
        pivot = T[layout.factor_of[k]][layout.column[k], layout.column[k]]
        moves[k] = pivot != 0.0
    return np.array([i for i in criterion.free if moves[i]], dtype=np.intp)


def escape_from(
    criterion: GeneralizedCriterion, point: Point, places: Places | None = None
) -> Escape:
    """Where M_t of a singular term is not positive semidefinite, and what that promises.

    Parameters
    ----------
    criterion : GeneralizedCriterion
        In well-conditioned columns.
    point : Point
        With its gradient.
    places : sequence of sequence of slice, optional
        For each factor, the rows of each of its terms in which variance may grow; by default all.
    """
    none = Escape(gain=0.0, factor=0, vector=np.zeros(1), variance=0.0)
    if point.mode is None or point.slopes is None:
        return none
    T = criterion.factors(point.x[: criterion.m])
    d = point.mode.values.derivatives
    w = d.observed if criterion.problem.laplace == "observed" else d.expected
    k = float(np.exp(point.x[-1])) if criterion.objective.likelihood else 1.0
    A = None
    best = none
    for f, factor in enumerate(criterion.layout.factors):
        allowed = _places(criterion, places)[f]
        singular = [p for p in allowed if (np.diag(T[f][p, p]) == 0.0).any()]
        if not singular:
            continue
        if A is None:
            A = criterion.algebra.factor(T, w)
            alpha = criterion.algebra.gather(d.score)
            rho = criterion.algebra.gather(point.slopes.r)
        K = criterion.algebra.precision(T, A, f)  # type: ignore[arg-type]
        cross = np.einsum("aj,bj->ab", rho[f], alpha[f])
        M = K.sum(axis=-1) + k * alpha[f] @ alpha[f].T + 0.5 * (cross + cross.T)
        for place in singular:
            values, vectors = np.linalg.eigh(M[place, place])
            least = float(values[0])
            if least >= 0.0:
                continue
            v = np.zeros(factor.width)
            v[place] = vectors[:, 0]
            f2 = float((np.einsum("a,abj,b->j", v, K, v) ** 2).sum())
            variance = min(MOST, -least / f2) if f2 > 0.0 else MOST
            gain = -least * variance - 0.5 * f2 * variance**2
            if gain > best.gain:
                best = Escape(gain=gain, factor=f, vector=v, variance=variance)
    return best


def with_variance(
    criterion: GeneralizedCriterion, x: NDArray[np.float64], found: Escape, share: float
) -> NDArray[np.float64]:
    """The parameters with variance added in the direction of an escape."""
    T = criterion.factors(x[: criterion.m])
    for place in criterion.layout.factors[found.factor].places:
        if (v := found.vector[place]).any():
            extra = np.sqrt(share * found.variance) * v[:, None]
            T_f = T[found.factor]
            T_f[place, place] = lower_root(np.concatenate([T_f[place, place], extra], axis=1))
    return np.concatenate([criterion.theta(T), x[criterion.m :]])
