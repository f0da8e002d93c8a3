"""Responses drawn from a fitted model: some random effects held at their modes, the others drawn.

Effects of a term that are drawn come from their own covariance matrix, whatever others of the term
are held: a term of which all is drawn contributes zᵀΣz to the variance of a row, and one of which
all is held contributes nothing. The residual standard deviation of a row is σ/√w.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.draws.conditional import draw_given_means
from pylme.draws.normal import draw_with_numpy
from pylme.draws.parts import Step
from pylme.families import Family, link_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DrawnEffects", "ResponseModel", "draw_from_model"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnEffects:
    """Effects of a term that are drawn anew.

    Attributes
    ----------
    levels : int
    codes : ndarray of int, shape (n,)
    columns : ndarray, shape (n, k)
    covariance : ndarray, shape (k, k)
    """

    levels: int
    codes: NDArray[np.int32]
    columns: NDArray[np.float64]
    covariance: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResponseModel:
    """A model of a response, with its estimates.

    Attributes
    ----------
    eta : ndarray, shape (n,)
        The linear predictor, offset and held random effects included.
    drawn : tuple of DrawnEffects
    family : Family or None
        None for a linear model.
    sigma : float
    weights : ndarray, shape (n,)
        Prior weights.
    trials : ndarray, shape (n,), or None
        The numbers of trials of a response of successes and failures.
    """

    eta: NDArray[np.float64]
    drawn: tuple[DrawnEffects, ...]
    family: Family | None
    sigma: float
    weights: NDArray[np.float64]
    trials: NDArray[np.float64] | None


def draw_from_model(
    model: ResponseModel, generators: Sequence[np.random.Generator]
) -> NDArray[np.float64]:
    """A response for each generator, shape (replicates, n).

    Of successes and failures it is the number of successes; of other binomial responses the
    proportion.

    Parameters
    ----------
    model : ResponseModel
    generators : sequence of Generator
    """
    n, R = len(model.eta), len(generators)
    steps = [
        Step(size=part.levels, covariance=part.covariance, terms=(), sd=np.empty(0))
        for part in model.drawn
    ]
    if model.family is None:
        sd = model.sigma / np.sqrt(model.weights)
        steps.append(Step(size=n, covariance=None, terms=(), sd=sd))
    numbers = draw_with_numpy(generators, steps, empirical=False) if steps else []
    eta = np.tile(model.eta, (R, 1))
    for part, effects in zip(model.drawn, numbers, strict=False):
        for column, own in zip(part.columns.T, np.moveaxis(effects, 2, 0), strict=True):
            eta += own[:, part.codes] * column
    if model.family is None:
        return eta + numbers[-1]
    mean = link_of(model.family.link).mean(eta)
    return np.array(
        [
            draw_given_means(
                model.family, own, generator,
                sigma=model.sigma, weights=model.weights, trials=model.trials,
            )
            for own, generator in zip(mean, generators, strict=True)
        ]
    )  # fmt: skip
