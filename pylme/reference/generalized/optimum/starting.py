"""Where a search starts: a generalized linear model, then variances by EM on what it leaves.

The model without random effects is fitted by Fisher scoring. With its scores s and weights W, in
well-conditioned columns, α_j = Z_jᵀs and C_j = Z_jᵀWZ_j of each grouping factor give the variance
of the best linear predictors, ten times from Σ = I:

    b_j = Σ(I + C_jΣ)⁻¹α_j        Σ ← mean_j[b_jb_jᵀ + Σ(I + C_jΣ)⁻¹]

which takes no time that grows with the rows. Factors are started one by one.

References
----------
McCullagh & Nelder (1989), Generalized Linear Models, 2nd edition, section 2.5.
Laird & Ware (1982), Biometrics 38, 963-974.
Breslow & Clayton (1993), Journal of the American Statistical Association 88, 9-25.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.covariance.roots import square_root
from pylme.families import link_of
from pylme.families.rows import RowValues
from pylme.reference.generalized.mode import Penalised, possible_values

if TYPE_CHECKING:
    from pylme.families.rows import RowFunction
    from pylme.reference.generalized.criterion import GeneralizedCriterion

__all__ = ["GlmFit", "fit_glm", "joint_beginning", "starting_factors", "starting_shape"]

MOST_ITERATIONS: Final = 40
#: A relative change of the deviance that ends the scoring.
ENOUGH: Final = 1e-8
EM_STEPS: Final = 10
#: The greatest variance, in well-conditioned columns, that a search starts with.
GREATEST: Final = 100.0
#: The share of the Poisson variance below which a count is nearly all of its level.
LITTLE: Final = 1e-6
#: The least and the greatest 1/ϑ that a search starts with.
INVERSE_SHAPES: Final = (0.01, 10.0)
SHAPE_STEPS: Final = 20
#: The predicted fall of D + uᵀu at which the joint mode is near enough to start from.
ROUGHLY: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GlmFit:
    """The model without random effects.

    Attributes
    ----------
    beta : ndarray, shape (p,)
    eta : ndarray, shape (n,)
    values : RowValues
    converged : bool
    """

    beta: NDArray[np.float64]
    eta: NDArray[np.float64]
    values: RowValues
    converged: bool


def fit_glm(
    rows: RowFunction,
    Xt: NDArray[np.float64],
    offset: NDArray[np.float64],
    eta: NDArray[np.float64] | None = None,
) -> GlmFit | None:
    """Fit the model without random effects; None where no linear predictor is possible.

    Parameters
    ----------
    rows : RowFunction
    Xt : ndarray, shape (p, n)
    offset : ndarray, shape (n,)
    eta : ndarray, shape (n,), optional
        Where the scoring starts, in place of the responses moved away from their limits.
    """
    if eta is None:
        eta = link_of(rows.family.link).eta(_starting_means(rows))
    values = possible_values(rows, eta)
    if values is None:
        return None
    beta: NDArray[np.float64] | None = None
    deviance = np.inf
    for _ in range(MOST_ITERATIONS):
        d = values.derivatives
        w = np.maximum(d.expected, 1e-300)
        wX = w * Xt
        if beta is None:
            target = wX @ (eta - offset) + Xt @ d.score
            new = _solved(wX @ Xt.T, target)
        else:
            new = beta + _solved(wX @ Xt.T, Xt @ d.score)
        stepped = _possible_step(rows, Xt, offset, (beta, new), deviance)
        if stepped is None:
            break
        beta, eta, values = stepped
        before, deviance = deviance, float(values.deviance.sum())
        if abs(before - deviance) <= ENOUGH * (abs(deviance) + 0.1):
            return GlmFit(beta=beta, eta=eta, values=values, converged=True)
    if beta is None:
        return None
    return GlmFit(beta=beta, eta=eta, values=values, converged=False)


def _solved(gram: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(right):
        return right
    scale = 1.0 / np.sqrt(np.maximum(np.diag(gram), 1e-300))
    scaled = gram * np.outer(scale, scale)
    return scale * np.linalg.lstsq(scaled, scale * right, rcond=1e-14)[0]


def _possible_step(
    rows: RowFunction,
    Xt: NDArray[np.float64],
    offset: NDArray[np.float64],
    step: tuple[NDArray[np.float64] | None, NDArray[np.float64]],
    deviance: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], RowValues] | None:
    """The new coefficients, or the best part of the way to them."""
    beta, new = step
    for _ in range(25):
        eta = offset + new @ Xt
        values = possible_values(rows, eta)
        if values is not None and float(values.deviance.sum()) <= deviance * (1.0 + 1e-9):
            return new, eta, values
        if beta is None:
            # There is nothing to go back to: towards the mean of the responses' own predictors.
            return _flat(rows, Xt, offset)
        new = 0.5 * (beta + new)
    return None


def _flat(
    rows: RowFunction, Xt: NDArray[np.float64], offset: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], RowValues] | None:
    """Coefficients whose linear predictor is nearly constant, if that is possible."""
    mean = float(np.average(rows.y, weights=np.maximum(rows.weights, 1e-300)))
    if rows.family.name == "binomial":
        mean = min(max(mean, 0.01), 0.99)
    level = float(link_of(rows.family.link).eta(np.array([max(mean, 1e-6)]))[0])
    beta = np.asarray(np.linalg.lstsq(Xt.T, level - offset, rcond=None)[0])
    eta = offset + beta @ Xt
    values = possible_values(rows, eta)
    return None if values is None else (beta, eta, values)


def _starting_means(rows: RowFunction) -> NDArray[np.float64]:
    """The responses, away from the limits of their family, as R's families start."""
    y, a, name = rows.y, rows.weights, rows.family.name
    if name == "binomial":
        return np.asarray((a * y + 0.5) / (a + 1.0))
    if name == "poisson":
        return np.asarray(y + 0.1)
    if rows.family.shape is not None:
        return np.asarray(y + (y == 0.0) / 6.0)
    if name == "gaussian":
        least = float(np.abs(y[y != 0.0]).min(initial=1.0))
        return np.where(y > 0.0 if rows.family.link == "log" else y != 0.0, y, least)
    return y


def starting_factors(
    criterion: GeneralizedCriterion, values: RowValues
) -> list[NDArray[np.float64]]:
    """A relative covariance factor of each grouping factor, shapes (K_f, K_f).

    Parameters
    ----------
    criterion : GeneralizedCriterion
        In well-conditioned columns.
    values : RowValues
        At the linear predictor of the model without random effects.
    """
    d = values.derivatives
    phi = 1.0
    if criterion.objective.dispersed:
        n, p = len(d.score), criterion.p
        with np.errstate(divide="ignore", invalid="ignore"):
            squares = np.where(d.expected > 0.0, d.score**2 / d.expected, 0.0)
        phi = max(float(squares.sum()) / max(n - p, 1), 1e-300)
    alphas = criterion.algebra.gather(d.score / np.sqrt(phi))
    factors = []
    for f, factor in enumerate(criterion.layout.factors):
        C = criterion.algebra.level_sums(f, d.expected)
        allowed = np.zeros((factor.width, factor.width), dtype=np.bool_)
        for place in factor.places:
            allowed[place, place] = True
        factors.append(square_root(_em(C, alphas[f], allowed)))
    return factors


def _em(
    C: NDArray[np.float64], alpha: NDArray[np.float64], allowed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Σ of one factor, shape (K, K)."""
    K = len(C)
    if K == 1:
        return _em_of_one(C[0, 0], alpha[0])
    C, alpha = np.moveaxis(C, -1, 0), alpha.T
    sigma = np.eye(K)
    for _ in range(EM_STEPS):
        # Σ(I + CΣ)⁻¹ = (I + ΣC)⁻¹Σ, the conditional covariance.
        V = np.linalg.solve(np.eye(K) + sigma @ C, np.broadcast_to(sigma, C.shape))
        b = np.einsum("jab,jb->ja", V, alpha)
        sigma = np.where(allowed, (b.T @ b + V.sum(axis=0)) / len(C), 0.0)
        sigma = 0.5 * (sigma + sigma.T)
    greatest = np.linalg.eigvalsh(sigma)[-1]
    return sigma * min(1.0, GREATEST / greatest) if greatest > 0 else np.eye(K)


def _em_of_one(C: NDArray[np.float64], alpha: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same of one effect, shape (1, 1)."""
    variance, square = 1.0, alpha * alpha
    for _ in range(EM_STEPS):
        V = variance / (1.0 + variance * C)
        variance = float((V * V) @ square + V.sum()) / len(C)
    return np.array([[min(variance, GREATEST) if variance > 0.0 else 1.0]])


def joint_beginning(
    criterion: GeneralizedCriterion, x: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]] | None]:
    """The parameters with the β of the joint mode, roughly, and the random effects of that mode.

    Coefficients of a model without random effects are those of the population mean, and nearer to
    zero than the conditional ones. Two or three steps of a penalised quasi-likelihood at the
    starting θ take most of the way (Breslow & Clayton 1993).

    Parameters
    ----------
    criterion : GeneralizedCriterion
        In well-conditioned columns.
    x : ndarray, shape (m + p [+ 1],)
    """
    m, p = criterion.m, criterion.p
    objective, _ = criterion.objective_at(x)
    penalised = Penalised(
        algebra=criterion.algebra, rows=objective.rows, T=criterion.factors(x[:m]),
        Xt=criterion.Xt, joint=True,
    )  # fmt: skip
    mode = penalised.mode(criterion.offset, x[m : m + p], tolerance=ROUGHLY)
    if mode is None:
        return x, None
    return np.concatenate([x[:m], mode.beta, x[m + p :]]), mode.u


def starting_shape(criterion: GeneralizedCriterion, glm: GlmFit) -> float:
    """The ϑ of a negative binomial that makes the residuals within levels as large as expected.

    Given the sum N of its level, a count of mean λ has the mean E = Np with p = λ/Σλ, and about
    the variance V = E(1-p) + [E²(1-2p) + p²ΣE²]/ϑ. Then Σ(y-E)²/V is about the number of counts;
    what the levels differ by takes no part in it, where residuals of the model without random
    effects would have all of it in ϑ. With several factors the greatest ϑ is taken, as each leaves
    to the residuals what the others explain.

    Parameters
    ----------
    criterion : GeneralizedCriterion
    glm : GlmFit
        Of Poisson counts.
    """
    y, mean = criterion.rows.y, criterion.rows.mean(glm.eta)
    inverses = []
    for factor in criterion.layout.factors:
        codes = factor.codes[criterion.algebra.order]
        p = mean / np.bincount(codes, mean)[codes]
        expected = p * np.bincount(codes, y)[codes]
        square = expected**2
        poisson = expected * (1.0 - p)
        # A level of one row, or without a count, has nothing to say.
        told = poisson > LITTLE * expected
        if told.any():
            more = square * (1.0 - 2.0 * p) + p * p * np.bincount(codes, square)[codes]
            inverses.append(_inverse_shape(((y - expected) ** 2)[told], poisson[told], more[told]))
    inverse = min(inverses, default=1.0)
    return float(1.0 / np.clip(inverse, *INVERSE_SHAPES))


def _inverse_shape(
    square: NDArray[np.float64], poisson: NDArray[np.float64], more: NDArray[np.float64]
) -> float:
    """The κ of Σ square/(poisson + κ·more) = n, by Newton's method; 0 where it is negative.

    The sum is convex and falls, so that the steps from 0 never pass the solution.
    """
    inverse = 0.0
    for _ in range(SHAPE_STEPS):
        variance = poisson + inverse * more
        ratio = square / variance
        step = (float(ratio.sum()) - len(ratio)) / float(ratio @ (more / variance))
        if not step > 1e-3 * inverse:
            break
        inverse += step
    return inverse
