"""Models whose criterion has no minimum, or no single one: what the data cannot determine.

*No residual.* Let Z₁ be the columns of some of the random effects, of all for a start. Where y lies
in the span of [X, Z₁], r² falls like 1/t² as their standard deviations grow like t, log|A| rises
like 2 rank(Z₁) log t, log|A| + log|S| like 2 (rank([X, Z₁]) - p) log t, and

    d(θ) = log|A| + ρ log|S| + ν log r² + … → -∞

where rank(Z₁) < n by ML, rank([X, Z₁]) < n by REML: the residual standard deviation goes to zero.
With fewer effects than rows all of Z decides. With as many, [X, Z] may span every response, and the
criterion have a minimum there; then the effects are examined alone and together.

The residual of least squares on [X, Z₁] decides; it is taken of the rows, since that of cross
products is lost in rounding. Columns may be dependent: a pivoted QR decomposition of few numbers
finds their rank; of many, each round of the iterated Tikhonov method
(Engl, Hanke & Neubauer 1996, *Regularization of Inverse Problems*, section 5.1) multiplies the part
of the residual along a singular value s by δ/(s² + δ), and leaves what is orthogonal to all columns
as it is.

A generalized model with an estimated dispersion (Gamma, inverse.gaussian, gaussian) has no finite
optimum where fixed and random effects can make each value its own mean: where g(y) less the offset
lies in the span of their columns, as y itself does for a linear model.

*Unidentified parameters.* With P the projection that takes the fixed effects out of weighted rows
and B_i = ∂V/∂ψ_i, the parameters are determined where the information tr(PB_iPB_j) has full rank;
that does not depend on V (Searle, Casella & McCulloch 1992, *Variance Components*, section 6.6),
which is taken as I here. Squared lengths lose half of the digits that distinguish a small
combination from none, so a small eigenvalue is only a suspicion, which the analysis of the design
(`Design.identifiability`) settles. With several factors that analysis is far quicker than the
search, and made at once.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import sparse
from scipy.linalg import qr
from scipy.sparse.linalg import splu

from pylme.families.family import has_dispersion
from pylme.families.link import link_of
from pylme.identifiability.identify import identify
from pylme.reference.criterion.prepare import NO_RESIDUAL, prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.identifiability.report import Direction
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.reference.criterion.prepare import Problem

__all__ = [
    "has_no_minimum",
    "has_no_residual",
    "problem_on_the_link",
    "unidentified",
    "without_minimum",
    "without_residual",
]

#: δ for columns of length 1, and the rounds: what columns explain along singular values above
#: 1e-4 falls by a factor of 1e12.
_DELTA: Final = 1e-10
_ROUNDS: Final = 6
#: Of so many numbers a pivoted QR decomposition is quick; it knows dependent columns by pivots that
#: are rounding errors.
_DENSE: Final = 250_000
_DEPENDENT: Final = 1e-12
#: Beyond so many effects not all choices are tried, which are 2 to that power.
MOST_EFFECTS: Final = 8


def without_minimum(problem: Problem, rss: NDArray[np.float64]) -> NDArray[np.bool_]:
    """For which of the responses the criterion has no minimum, judged from fits.

    Parameters
    ----------
    problem : Problem
    rss : ndarray, shape (R,)
        What the fits left of each response.
    """
    found = problem.suspects(rss)
    for r in np.flatnonzero(found):
        found[r] = has_no_minimum(problem.alone(int(r)))
    return found


def without_residual(problem: Problem) -> NDArray[np.intp]:
    """Of the responses, those that the fixed effects alone explain."""
    few = np.flatnonzero(problem.explained()[2])
    return np.array([r for r in few if has_no_residual(problem.alone(int(r)))], dtype=np.intp)


def has_no_residual(problem: Problem, length: float = 0.0) -> bool:
    """Whether the fixed effects alone explain the first response.

    Parameters
    ----------
    problem : Problem
    length : float
        Of the response before the offset was taken from it, if that is longer than after: a
        difference of large numbers has their rounding errors.
    """
    _, whole, little = problem.explained(length)
    if not little[0]:
        return False
    length = float(np.sqrt(whole[0]))
    # A single projection leaves rounding errors along the columns.
    (rest,) = _residuals(_fixed(problem), problem.columns.y[:1])
    return bool(np.linalg.norm(rest) <= NO_RESIDUAL * length)


def has_no_minimum(problem: Problem) -> bool:
    """Whether the criterion of the first response falls without bound as σ goes to zero.

    Parameters
    ----------
    problem : Problem
    """
    X, *effects = _columns(problem)
    if _falls(problem, X, effects):
        return True
    if not _saturated(problem) or len(effects) > MOST_EFFECTS:
        return False
    return any(
        _falls(problem, X, some)
        for size in range(1, len(effects))
        for some in combinations(effects, size)
    )


def _saturated(problem: Problem) -> bool:
    """Whether there are as many effects, fixed and random, as rows."""
    likelihood = problem.likelihood
    random = sum(factor.levels * factor.width for factor in problem.layout.factors)
    return likelihood.p + random >= likelihood.n


def _falls(problem: Problem, X: Any, effects: Sequence[Any]) -> bool:
    """Whether the criterion falls without bound as the variances of these effects grow."""
    y = problem.columns.y[0]
    length = np.sqrt(problem.explained()[1][0])
    probe = np.random.default_rng(0).standard_normal(len(y))
    probe /= np.linalg.norm(probe)
    Z = sparse.hstack(effects, format="csc")
    both = sparse.hstack([X, Z], format="csc")
    if problem.likelihood.reml:
        left, of_any = _residuals(both, np.stack([y, probe]))
    else:
        (left,), (of_any,) = _residuals(both, y[None]), _residuals(Z, probe[None])
    return bool(
        np.linalg.norm(left) <= NO_RESIDUAL * length
        and np.linalg.norm(of_any) > np.sqrt(NO_RESIDUAL)
    )


def _columns(problem: Problem) -> list[Any]:
    """X, and for each effect its columns by level: well-conditioned, sparse, of length 1."""
    columns, factors = problem.columns, problem.layout.factors
    n = columns.base.shape[1]
    parts = []
    for factor, combination in zip(factors, columns.z_of_base, strict=True):
        for column in (columns.base.T @ combination).T:
            shape = (n, factor.levels)
            parts.append(sparse.csc_array((column, (np.arange(n), factor.codes)), shape=shape))
    return [_fixed(problem), *(_of_length_one(part) for part in parts)]


def _fixed(problem: Problem) -> Any:
    columns = problem.columns
    return _of_length_one(sparse.csc_array(columns.base.T @ columns.x_of_base))


def _of_length_one(columns: Any) -> Any:
    """The columns scaled; those of zeros are left out."""
    lengths = np.sqrt(np.asarray(columns.multiply(columns).sum(axis=0)).ravel())
    used = lengths > 0
    return columns[:, np.flatnonzero(used)] @ sparse.diags_array(1.0 / lengths[used])


def _residuals(columns: Any, Y: NDArray[np.float64]) -> NDArray[np.float64]:
    """What least squares leaves of each row of Y, shape (R, n)."""
    if columns.shape[0] * columns.shape[1] <= _DENSE:
        # Effects of one factor in several terms can be as near to each other as a covariate is far
        # from zero.
        Q, R, _ = qr(columns.toarray(), mode="economic", pivoting=True)
        pivots = np.abs(R.diagonal())
        Q = Q[:, : int((pivots > _DEPENDENT * pivots[0]).sum())]
        rest = Y - (Y @ Q) @ Q.T
        return np.asarray(rest - (rest @ Q) @ Q.T)
    ridge = _DELTA * sparse.eye_array(columns.shape[1])
    solve = splu(sparse.csc_matrix(columns.T @ columns + ridge)).solve
    left = np.ascontiguousarray(Y.T)
    for _ in range(_ROUNDS):
        left = left - columns @ solve(columns.T @ left)
    return left.T


def unidentified(problem: Problem, design: ModelMatrices) -> tuple[Direction, ...]:
    """The combinations of covariance parameters that the data do not determine.

    Parameters
    ----------
    problem : Problem
    design : ModelMatrices
        That the problem was prepared from.
    """
    return () if problem.identified else identify(design).directions


def problem_on_the_link(design: ModelMatrices) -> Problem | None:
    """The model with g(y) as the response of a linear one, by ML as generalized models are.

    None where that says nothing: of a family without a dispersion, and of values that are no mean.

    Parameters
    ----------
    design : ModelMatrices
        Of a generalized model.
    """
    family = design.family
    if family is None or not has_dispersion(family) or design.y.ndim > 1:
        return None
    with np.errstate(all="ignore"):
        eta = link_of(family.link).eta(design.y) - design.offset
    if not np.isfinite(eta).all():
        return None
    weights = None if bool((design.weights == 1.0).all()) else design.weights
    return prepare(design.X, eta[None], design.terms, weights=weights, reml=False)
