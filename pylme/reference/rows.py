"""What each row has: fitted value, residuals, hat value, influence, by broom.mixed's names.

Fitted values are μ = Xβ̂ + Zb̂ + offset. A row's residual variance is σ²/w, so that its weighted
residual is √w (y - μ), which R calls the deviance and the Pearson residual of a linear model.

With V = I + ZΛΛᵀZᵀ the fitted values are (I - V⁻¹)y + V⁻¹Xβ̂, so that the hat values, the diagonal
of the matrix that takes y to them, are

    hat_i = z_iᵀΛA⁻¹Λᵀz_i + ‖R_X⁻ᵀ(V⁻¹X)_i‖²

The first part is the sum of squares of a column of L⁻¹ΛᵀZᵀ, which lme4's ``hatvalues`` takes. All
columns are the well-conditioned ones, with the root of the weights in them. With several factors
and the notation of `pylme.reference.criterion.crossed`, ΛA⁻¹Λᵀ has the blocks D + DBD₂BᵀD, -DBD₂
and D₂, with Z₁ᵀZ₂ in the place of B.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.linalg import solve_triangular

from pylme.reference.criterion.one_factor import OneFactor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.random_term import RandomTerm
    from pylme.reference.criterion.crossed import Crossed
    from pylme.reference.criterion.likelihood import Evaluation
    from pylme.reference.criterion.prepare import Problem
    from pylme.results.fitted_model import ResidualType

__all__ = ["hat_values", "influence", "linear_predictor", "random_part", "residuals"]


def random_part(terms: Sequence[RandomTerm], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Zb, shape (n,)."""
    total = np.zeros(len(terms[0].codes))
    for term in terms:
        modes = b[term.rows].reshape(len(term.levels), len(term.names))
        total += np.einsum("nk,nk->n", term.columns, modes[term.codes])
    return total


def linear_predictor(
    design: ModelMatrices, beta: NDArray[np.float64], b: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Xβ + offset, and Zb with it where b is given, shape (n,)."""
    fixed: NDArray[np.float64] = design.X @ beta + design.offset
    return fixed if b is None else fixed + random_part(design.terms, b)


def residuals(
    design: ModelMatrices, mu: NDArray[np.float64], sigma: float, kind: ResidualType
) -> NDArray[np.float64]:
    """Residuals of one kind, shape (n,)."""
    raw = design.y - mu
    if kind in {"response", "working"}:
        return raw
    weighted: NDArray[np.float64] = np.sqrt(design.weights) * raw
    return weighted / sigma if kind == "scaled" else weighted


def influence(
    design: ModelMatrices,
    mu: NDArray[np.float64],
    fixed: NDArray[np.float64],
    hat: NDArray[np.float64] | None,
    sigma: float,
) -> dict[str, NDArray[np.float64]]:
    """What broom.mixed's ``augment`` adds to the model frame.

    Cook's distances are (r/(1 - hat))² hat / (σ² p) with r the weighted residuals, as in R.

    Parameters
    ----------
    design : ModelMatrices
    mu, fixed : ndarray, shape (n,)
        Fitted values, with the random effects and without.
    hat : ndarray, shape (n,), or None
        None for a model without fixed effects, for which lme4 gives neither these nor distances.
    sigma : float
    """
    roots = np.sqrt(design.weights)
    raw = design.y - mu
    weighted = roots * raw
    distances = {}
    if hat is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            cooks = (weighted / (1.0 - hat)) ** 2 * hat / (sigma**2 * design.p)
        cooks[np.isinf(cooks)] = np.nan
        distances = {".hat": hat, ".cooksd": cooks}
    return {
        ".fitted": mu, ".resid": raw, **distances, ".fixed": fixed, ".mu": mu,
        ".offset": design.offset, ".sqrtXwt": roots, ".sqrtrwt": roots,
        ".weights": design.weights, ".wtres": weighted,
    }  # fmt: skip


def hat_values(
    problem: Problem, theta: NDArray[np.float64], evaluation: Evaluation
) -> NDArray[np.float64]:
    """The hat value of each row, shape (n,).

    Parameters
    ----------
    problem : Problem
        Of a single response.
    theta : ndarray, shape (m,)
        lme4's.
    evaluation : Evaluation
        At theta.
    """
    columns, criterion = problem.columns, problem.criterion
    T = problem.layout.matrices(problem.conditioned(theta[None]))
    z = [Z.T @ columns.base for Z in columns.z_of_base]
    X = columns.x_of_base.T @ columns.base
    if isinstance(criterion, OneFactor):
        random = _of_one(problem, criterion, T, z[0], X)
        left = solve_triangular(evaluation.RX[0], X, lower=True)
    else:
        left = solve_triangular(evaluation.RX[0], X, lower=True)
        random = _of_several(problem, cast("Crossed", criterion), T, z, left)
    result: NDArray[np.float64] = random + (left * left).sum(axis=0)
    return result


def _of_one(
    problem: Problem,
    criterion: OneFactor,
    T: list[NDArray[np.float64]],
    z: NDArray[np.float64],
    X: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The random part's share with one factor; X becomes (V⁻¹X)ᵀ."""
    codes, K = problem.layout.factors[0].codes, len(z)
    D = criterion.spread(T, 0)
    taken = (D @ criterion.levels[K:].transpose(2, 1, 0)).transpose(2, 0, 1)
    for a in range(K):
        X -= taken[:, codes, a] * z[a]
    return _within(D, z, codes)


def _of_several(
    problem: Problem,
    criterion: Crossed,
    T: list[NDArray[np.float64]],
    z: list[NDArray[np.float64]],
    X: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The same of several factors, whose effects are not independent given the data; of R_X⁻ᵀXᵀ."""
    state, remainder = criterion.state(T), criterion.remainder
    leading, *others = problem.layout.factors
    # What is left of X within each level, times the covariances of the effects.
    parts = [state.W1[:-1].swapaxes(1, 2)]
    parts += [
        remainder.of_factor(f, state.W2)[:-1].swapaxes(1, 2) for f in criterion.remainder.factors
    ]
    for factor, part, matrix, own in zip(problem.layout.factors, parts, T, z, strict=True):
        taken = part @ (matrix[0] @ matrix[0].T)
        for a in range(factor.width):
            X -= taken[:, factor.codes, a] * own[a]
    total = _within(criterion.spread(T, 0), z[0], leading.codes)
    places = [
        (remainder.starts[f] + factor.codes * factor.width + a, z[f + 1][a])
        for f, factor in enumerate(others)
        for a in range(factor.width)
    ]
    for at, left in places:
        for to, right in places:
            total += state.left.between(at, to) * left * right
        BD2 = state.left.towards(leading.codes, at)
        for a in range(leading.width):
            DBD2 = (state.leading.DR[a, :, leading.codes] * BD2.T).sum(axis=1)
            total -= 2.0 * DBD2 * z[0][a] * left
    return total


def _within(
    D: NDArray[np.float64], z: NDArray[np.float64], codes: NDArray[np.int32]
) -> NDArray[np.float64]:
    """The z_iᵀD_jz_i of each row i and its level j."""
    total = np.zeros(z.shape[1])
    for a in range(len(z)):
        for b in range(len(z)):
            total += D[codes, a, b] * z[a] * z[b]
    return total
