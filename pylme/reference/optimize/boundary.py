"""The boundary: the conditions for a minimum there, ways off it, and the step onto it.

At a minimum M_t ⪰ 0 and M_tT_t = 0 for each term t. A negative eigenvalue λ of M_t with its
eigenvector v says that Σ_t + εvvᵀ has a lower criterion for small ε: by λε + ½ form(vvᵀ, vvᵀ)ε²,
which is least, with a gain of λ²/(2 form), at ε = -λ/form. (The first-order conditions of a
semidefinite programme: Vandenberghe & Boyd 1996, SIAM Review 38(1).)

Whether a covariance matrix is singular must not depend on the units of the covariates: pivots of T
are judged in terms of columns of mean square 1, where 1 is the residual standard deviation, and
null directions among effects by their correlations.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.covariance.roots import lower_root, triangular
from pylme.reference.criterion.trial_points import evaluated
from pylme.reference.problem.layout import gradient, hessian
from pylme.results.certificate import FLAT
from pylme.tolerances import SINGULAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.model_matrix.random_term import RandomTerm
    from pylme.reference.criterion.likelihood import Evaluation
    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.problem.layout import Layout

__all__ = [
    "SMALL",
    "Escape",
    "escape",
    "on_the_boundary",
    "rank_reduced",
    "singular_directions",
    "with_variance",
]

#: The most variance, relative to the residual's, that is added where the curvature gives no bound.
MOST: Final = 1.0
#: A standard deviation below this part of the residual one counts as zero.
SMALL: Final = SINGULAR
#: Below this standard deviation the criterion at the boundary itself is evaluated too. The search
#: cannot tell: the criterion is even in theta, and at 0.01 differs from its value at zero by only
#: about 1e-8.
NEAR: Final = 1e-2
#: Where the optimum lies on the boundary, adding variance promises no more than this, which is
#: rounding error.
NO_ESCAPE: Final = 1e-13
#: A correlation nearer to plus or minus one than this counts as plus or minus one.
_ONE: Final = 1e-6


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


def rank_reduced(
    T: NDArray[np.float64], threshold: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """T with small pivots set to zero, and with them their columns.

    What stands below a zero pivot moves into the columns after it: TTᵀ changes by the pivots alone.

    Parameters
    ----------
    T : ndarray, shape (..., k, k)
        Lower triangular, diagonal of zero or more.
    threshold : ndarray, shape (k,), or float
    """
    k = T.shape[-1]
    limit = np.broadcast_to(threshold, (k,))
    if (T.diagonal(axis1=-2, axis2=-1) > limit).all():
        return T
    made = T.reshape(-1, k, k).copy()
    for j in range(k):
        low = np.flatnonzero(made[:, j, j] <= limit[j])
        made[low, j, j] = 0.0
        if len(low) and j + 1 < k:
            made[low, j + 1 :, j + 1 :] = lower_root(made[low, j + 1 :, j:])
            made[low, j + 1 :, j] = 0.0
    return made.reshape(T.shape)


def column_sizes(problem: Problem) -> list[NDArray[np.float64]]:
    """The root mean squares of the caller's columns of each factor's block, shapes (K_f,)."""
    return [np.linalg.norm(np.linalg.inv(C), axis=0) for C in problem.columns.C]


def on_the_boundary(
    problem: Problem, theta: NDArray[np.float64], evaluation: Evaluation
) -> tuple[NDArray[np.float64], Evaluation]:
    """Theta with pivots that are nearly zero set to zero, if the optimum lies there.

    The optimum lies there if the criterion is no higher and, for pivots that are not below lme4's
    tolerance, does not fall when variance is added. A search ends at an arbitrary small distance
    from the boundary. On the boundary, variances are exactly zero and correlations exactly plus or
    minus one.

    Parameters
    ----------
    problem : Problem
        Of a single response.
    theta : ndarray, shape (m,)
        lme4's.
    evaluation : Evaluation
        At theta.
    """
    value = float(evaluation.criterion[0])
    highest = value + 1e-9 + 1e-14 * abs(value)
    for limit in (NEAR, SMALL):
        nearest = _without_pivots(problem, theta, limit)
        if np.array_equal(nearest, theta):
            break
        inner = problem.layout.matrices(problem.conditioned(nearest[None]))
        there = evaluated(problem.criterion, inner)
        if there is None or float(there.criterion[0]) > highest:
            continue
        if limit == SMALL or _holds(problem, there):
            return nearest, there
        settled, there = _settled(problem, nearest, inner, there)
        if float(there.criterion[0]) <= highest and _holds(problem, there):
            return settled, there
    return theta, evaluation


def _holds(problem: Problem, evaluation: Evaluation) -> bool:
    """Whether the criterion does not fall with variance that is added."""
    found = escape(problem.layout, evaluation.M, evaluation.form)
    return bool(found.gain[0] <= NO_ESCAPE)


def _settled(
    problem: Problem,
    theta: NDArray[np.float64],
    inner: list[NDArray[np.float64]],
    evaluation: Evaluation,
) -> tuple[NDArray[np.float64], Evaluation]:
    """Theta after one more step of Newton's along the boundary.

    A search ends where a step would gain less than the criterion's rounding errors. Small slopes by
    the other variances remain, and setting one more variance to zero adds to them. Such slopes can
    promise more than `NO_ESCAPE` without being evidence about the boundary.
    """
    layout = problem.layout
    slope = gradient(layout, inner, evaluation.M)[0]
    curvatures, axes = np.linalg.eigh(hessian(layout, inner, evaluation.M, evaluation.form)[0])
    # A direction that is flat but for rounding errors is left alone.
    bent = curvatures > FLAT * curvatures[-1]
    along = axes[:, bent]
    moved = problem.callers(layout.theta(inner) - along @ (along.T @ slope / curvatures[bent]))[0]
    # The criterion is even in what is zero; eigenvectors know that up to rounding errors.
    moved[theta == 0] = 0.0
    there = evaluated(problem.criterion, layout.matrices(problem.conditioned(moved[None])))
    return (theta, evaluation) if there is None else (moved, there)


def _without_pivots(
    problem: Problem, theta: NDArray[np.float64], limit: float
) -> NDArray[np.float64]:
    """lme4's theta with pivots below a limit, of columns of mean square 1, set to zero."""
    matrices = problem.layout.matrices(theta[None])
    for factor, T, size in zip(
        problem.layout.factors, matrices, column_sizes(problem), strict=True
    ):
        for place in factor.places:
            T[0, place, place] = rank_reduced(T[0, place, place], limit / size[place])
    return np.asarray(problem.layout.theta(matrices)[0])


def singular_directions(
    term: RandomTerm, T: NDArray[np.float64], size: NDArray[np.float64]
) -> tuple[str, ...]:
    """In words, along what the covariance matrix of a term has no variance.

    Parameters
    ----------
    term : RandomTerm
    T : ndarray, shape (k, k)
        The relative covariance factor of the caller's columns.
    size : ndarray, shape (k,)
        The root mean squares of these columns.
    """
    scaled = size[:, None] * T
    sd = np.linalg.norm(scaled, axis=1)
    zero = sd <= SMALL
    said = [f"the variance of {name} is zero" for name in np.array(term.names)[zero].tolist()]
    rest = np.flatnonzero(~zero)
    unit = scaled[rest] / sd[rest, None]
    correlations = unit @ unit.T
    pairs = [
        (i, j) for i, j in combinations(range(len(rest)), 2) if abs(correlations[i, j]) > 1.0 - _ONE
    ]
    for i, j in pairs:
        one = "1" if correlations[i, j] > 0 else "-1"
        said.append(f"the correlation of {term.names[rest[i]]} and {term.names[rest[j]]} is {one}")
    if not said:
        lengths = np.linalg.norm(T[rest], axis=1)
        said.append(_dependence([term.names[i] for i in rest], unit, lengths))
    return tuple(f"in {term.written} {words}" for words in said)


def _dependence(names: list[str], unit: NDArray[np.float64], lengths: NDArray[np.float64]) -> str:
    """The combination of effects that varies least, its largest coefficient 1."""
    null = np.linalg.svd(unit)[0][:, -1] / lengths
    weights = null / null[np.argmax(np.abs(null))]
    parts = [f"{weight:+.3g} {name}" for weight, name in zip(weights, names, strict=True)]
    return f"the combination {' '.join(parts)} does not vary"
