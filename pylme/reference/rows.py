"""What each row has: fitted value, residuals, influence, by broom.mixed's names.

Fitted values are μ = Xβ̂ + Zb̂ + offset. A row's residual variance is σ²/w, so that its weighted
residual is √w (y - μ), which R calls the deviance and the Pearson residual of a linear model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.random_term import RandomTerm
    from pylme.results.protocol import ResidualType

__all__ = ["influence", "linear_predictor", "random_part", "residuals"]


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
