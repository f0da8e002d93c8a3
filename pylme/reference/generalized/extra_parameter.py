"""What the parameter beside θ and β does at a fixed mode: ln ϑ, or ln 1/φ.

With τ = ln ϑ of a negative binomial and a dot for ∂/∂τ at a fixed η (`families.shape`),

    ∂𝒜/∂τ = -2ϑ Σ[ψ(y+ϑ) - ψ(ϑ) - log1p(μ/ϑ) + (μ-y)/(ϑ+μ)]
    ∂F/∂τ = ∂𝒜/∂τ + Σh ẇ + (ZΛλ)ᵀṡ
    u̇ = H⁻¹ΛᵀZᵀṡ

and the score of 𝒜 changes by ṡ. Where prior weights a are not 1, lme4's 𝒜 has 2(a-1)(y+ϑ) ln(μ+ϑ)
more. With τ = ln 1/φ of the likelihood proper the mode does not move, 𝒜's score and the penalty
change by themselves, and the rows not at all.

References
----------
Skaug & Fournier (2006), Computational Statistics & Data Analysis 51, 699-709.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pylme.families.shape import ShapeDerivatives, shape_derivatives

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylme.reference.generalized.mode import Mode
    from pylme.reference.generalized.objective import Objective

__all__ = ["ExtraCurvature", "extra_curvature", "extra_slope"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExtraCurvature:
    """Derivatives by τ at a fixed mode.

    Attributes
    ----------
    second : float
        Of 𝒜 and the penalty, the second.
    score : ndarray, shape (n,)
        The derivative of s^A.
    penalty : float
        The derivative of the factor of ûᵀû.
    rows : ShapeDerivatives, or None
        Of the rows, where they change.
    """

    second: float
    score: NDArray[np.float64]
    penalty: float
    rows: ShapeDerivatives | None


def extra_slope(
    objective: Objective,
    mode: Mode,
    k: float,
    parts: tuple[NDArray[np.float64], NDArray[np.float64]],
    *,
    observed: bool,
) -> float:
    """∂F/∂τ; 0 where τ is no parameter.

    Parameters
    ----------
    objective : Objective
    mode : Mode
    k : float
        1/φ, where it is a parameter.
    parts : tuple of ndarray, shapes (n,)
        h and ZΛλ.
    observed : bool
        Whether the determinant has the observed information.
    """
    if objective.likelihood:
        return _slope_of_precision(objective, mode, k)
    if objective.rows.family.shape is None:
        return 0.0
    h, along = parts
    by_shape = shape_derivatives(objective.rows, mode.eta, observed=observed)
    slope = _slope_of_shape(objective, mode.eta, objective.rows.family.shape)
    return slope + float(h @ by_shape.information + along @ by_shape.score)


def extra_curvature(
    objective: Objective, mode: Mode, k: float, *, observed: bool
) -> ExtraCurvature:
    """What second derivatives need, where τ is a parameter.

    Parameters
    ----------
    objective, mode, k, observed
        As for `extra_slope`.
    """
    if objective.likelihood:
        return ExtraCurvature(
            second=_curvature_of_precision(objective, mode, k),
            score=k * mode.values.derivatives.score, penalty=k, rows=None,
        )  # fmt: skip
    rows, shape = objective.rows, objective.rows.family.shape
    assert shape is not None  # noqa: S101  (of negative binomials, as no other has an extra)
    by_shape = shape_derivatives(rows, mode.eta, observed=observed)
    score = by_shape.score
    if not rows.plain:
        mean, a = rows.mean(mode.eta), rows.weights
        score = score / a + shape * (a - 1.0) * mean * (rows.y - mean) / (mean + shape) ** 2
    return ExtraCurvature(
        second=_curvature_of_shape(objective, mode.eta, shape),
        score=score,
        penalty=0.0,
        rows=by_shape,
    )


def _slope_of_precision(objective: Objective, mode: Mode, k: float) -> float:
    left = float(mode.values.deviance.sum()) + mode.usq
    if objective.rows.family.name == "Gamma":
        return float(k * (2.0 * objective.nu * (special.digamma(k) - np.log(k)) + left))
    return k * left - objective.nu


def _curvature_of_precision(objective: Objective, mode: Mode, k: float) -> float:
    slope = _slope_of_precision(objective, mode, k)
    if objective.rows.family.name == "Gamma":
        return slope + 2.0 * objective.nu * k * (k * float(special.zeta(2.0, k)) - 1.0)
    return slope + objective.nu


def _slope_of_shape(objective: Objective, eta: NDArray[np.float64], shape: float) -> float:
    """∂𝒜/∂ln ϑ."""
    rows = objective.rows
    y, mean = rows.y, rows.mean(eta)
    slope = (mean - y) / (shape + mean) - np.log1p(mean / shape)
    total = -float(slope.sum()) - _of_counts(objective, special.digamma, shape)
    if not rows.plain:
        more = np.log(mean + shape) + (y + shape) / (mean + shape)
        total += float(((rows.weights - 1.0) * more).sum())
    return 2.0 * shape * total


def _curvature_of_shape(objective: Objective, eta: NDArray[np.float64], shape: float) -> float:
    """∂²𝒜/∂(ln ϑ)²."""
    rows = objective.rows
    y, mean = rows.y, rows.mean(eta)
    part = mean / (shape * (shape + mean)) + (y - mean) / (shape + mean) ** 2
    # ψ′ is the zeta function of 2, which SciPy's polygamma calls with much around it.
    total = -float(part.sum()) - _of_counts(objective, partial(special.zeta, 2.0), shape)
    if not rows.plain:
        more = (2.0 * mean + shape - y) / (mean + shape) ** 2
        total += float(((rows.weights - 1.0) * more).sum())
    return 2.0 * shape**2 * total + _slope_of_shape(objective, eta, shape)


def _of_counts(
    objective: Objective, f: Callable[[NDArray[np.float64]], NDArray[np.float64]], shape: float
) -> float:
    """The sum of f(y + ϑ) - f(ϑ)."""
    assert objective.distinct is not None  # noqa: S101  (of negative binomials)
    y, times = objective.distinct
    return float(times @ (f(y + shape) - f(np.asarray(shape))))
