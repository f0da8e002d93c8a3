"""Standard errors and degrees of freedom of predictions.

The target is the mean μ = xᵀβ + zᵀb with the included effects z, or a new observation μ + ε. A
level that the data of the model did not have is drawn anew and adds z_newᵀΣz_new to the variance;
so does each excluded term for a new observation, which belongs to some group of it. Of a linear
model the degrees of freedom are those of the target's own variance, and the variance of an
observation includes what the uncertainty of θ adds (Prasad & Rao 1990, JASA 85; Kenward & Roger
1997, Biometrics 53). Of a generalized model all is conditional on θ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.families import family_of_name, row_derivatives
from pylme.inference.prediction.generalized import WorkingModel
from pylme.inference.prediction.rows import term_at
from pylme.inference.targets import NewEffects, Targets, infer

if TYPE_CHECKING:
    from pylme.inference.ddf import Ddf
    from pylme.inference.kernels import Kernels
    from pylme.inference.prediction.question import Rows
    from pylme.results.fitted_model import FittedModel

__all__ = ["Uncertainty", "of_generalized", "of_linear"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Uncertainty:
    """Of each prediction, arrays of shape (n,).

    Attributes
    ----------
    estimate : ndarray
        xᵀβ̂ + zᵀb̂, by the estimates that the standard errors belong to.
    std_error, df : ndarray
    without_new : ndarray or None
        The standard error without the variance of the effects drawn anew; None where there are
        none.
    includes : list of str or None
        What varies, in words; None where no effects are drawn anew.
    """

    estimate: NDArray[np.float64]
    std_error: NDArray[np.float64]
    df: NDArray[np.float64]
    without_new: NDArray[np.float64] | None
    includes: list[str] | None


def of_linear(kernels: Kernels, rows: Rows, *, ddf: Ddf) -> Uncertainty:
    """Of a linear mixed model.

    Parameters
    ----------
    kernels : Kernels
        Of the fit.
    rows : Rows
    ddf : {"satterthwaite", "kenward-roger", "normal"}
    """
    targets = Targets(
        x=rows.made.X, z=rows.z if rows.parts else None, new=_new(rows), noise=rows.noise
    )
    if ddf == "kenward-roger":
        kernels = kernels.restricted
    adjusted = None
    if rows.noise is not None:
        # The information about θ is that of a REML fit.
        adjusted = ddf != "normal" and kernels.linear.reml
    inferred = infer(kernels, targets, ddf=ddf, adjusted=adjusted, joint=False)
    estimate = rows.made.X @ kernels.beta
    if rows.parts:
        estimate = estimate + rows.z @ kernels.b
    without = None
    if targets.new:
        plain = replace(targets, new=())
        if adjusted is None:
            adjusted = ddf == "kenward-roger" and targets.z is None
        without = infer(kernels, plain, ddf="normal", adjusted=adjusted, joint=False).std_error
    return Uncertainty(
        estimate=estimate,
        std_error=inferred.std_error,
        df=inferred.df,
        without_new=without,
        includes=_includes(rows, targets.new) if targets.new else None,
    )


def of_generalized(model: FittedModel, rows: Rows, modes: NDArray[np.float64]) -> Uncertainty:
    """Of a generalized linear mixed model, on the scale of the linear predictor.

    Parameters
    ----------
    model : FittedModel
    rows : Rows
    modes : ndarray, shape (q,)
        Conditional modes in the order of Zᵀ's rows.
    """
    info, estimates, design = model.info(), model.estimates(), model.design
    family = family_of_name(info.family, info.link)
    Zt = design.Zt
    eta = design.X @ estimates.beta + Zt.T @ modes + design.offset
    trials = design.y.sum(axis=1) if design.y.ndim == 2 else 1.0
    working = row_derivatives(family, np.zeros(len(eta)), eta, design.weights * trials).expected
    scale = estimates.sigma if info.use_scale else 1.0
    at_mode = WorkingModel(
        X=design.X,
        Zt=Zt,
        terms=design.terms,
        theta=estimates.theta,
        weights=working,
        vcov=model.vcov(),
        scale=scale,
    )
    plain = at_mode.variances(rows.made.X, rows.z)
    new = _new(rows)
    total = plain.copy()
    factors = [term.factor(estimates.theta) for term in rows.terms]
    for effects in new:
        spread = effects.columns @ factors[effects.term]
        drawn = scale**2 * (spread * spread).sum(axis=1)
        total += np.where(effects.levels < 0, 0.0, drawn)
    return Uncertainty(
        estimate=rows.made.X @ estimates.beta + rows.z @ modes,
        std_error=np.sqrt(total),
        df=np.full(len(total), np.inf),
        without_new=np.sqrt(plain) if new else None,
        includes=_includes(rows, new) if new else None,
    )


def _new(rows: Rows) -> tuple[NewEffects, ...]:
    """The effects that are drawn anew."""
    included = {part.position: part.columns for part in rows.parts}
    found = []
    for place, term in enumerate(rows.terms):
        if place not in included and rows.noise is None:
            continue
        own = term_at(rows.made, term)
        unknown = own.codes < 0
        if not unknown.any():
            continue
        columns = np.zeros_like(own.columns)
        chosen = list(included.get(place, range(len(term.names))))
        columns[:, chosen] = own.columns[:, chosen]
        levels = np.where(unknown, np.arange(len(unknown)), -1)
        found.append(NewEffects(term=place, levels=levels, columns=columns))
    return tuple(found)


def _includes(rows: Rows, new: tuple[NewEffects, ...]) -> list[str]:
    """What the variance of each prediction includes, as "fixed effects, new Subject, residual"."""
    n = len(rows.made.X)
    included = {part.position for part in rows.parts}
    drawn = {effects.term: effects.levels >= 0 for effects in new}
    words: list[dict[str, None]] = [{"fixed effects": None} for _ in range(n)]
    for place, term in enumerate(rows.terms):
        anew = drawn.get(place, np.zeros(n, dtype=bool))
        for word, unknown in zip(words, anew.tolist(), strict=True):
            if unknown or place in included:
                word[f"new {term.group}" if unknown else term.group] = None
    if rows.noise is not None:
        for word in words:
            word["residual"] = None
    return [", ".join(word) for word in words]
