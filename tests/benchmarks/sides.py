"""A fit from a data frame in memory to what is read of it, on each side."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import pylme

if TYPE_CHECKING:
    import pandas as pd

    from .native_r import NativeR

__all__ = ["Timed", "fit_by_glmm", "fit_by_pylme", "fit_in_r"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """The seconds that a fit took, and what it came to.

    Attributes
    ----------
    criterion : float
        REML.
    fixef, errors : ndarray of shape (p,)
        Fixed effects and their standard errors.
    sdcor : ndarray
        Standard deviations and correlations, as lme4 orders them, that of the residuals last.
    """

    seconds: float
    criterion: float
    fixef: np.ndarray
    errors: np.ndarray
    sdcor: np.ndarray


def fit_by_pylme(formula: str, data: pd.DataFrame, engine: str) -> Timed:
    """Ours, by the public interface."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        fit = pylme.lmer(formula, data, engine=engine)
        fixef, sdcor, table = fit.fixef, fit.varcorr.to_frame()["sdcor"], fit.coef_table
        seconds = time.perf_counter() - start
    return Timed(
        seconds=seconds,
        criterion=fit.criterion,
        fixef=fixef.to_numpy(),
        errors=table["std_error"].to_numpy(),
        sdcor=sdcor.to_numpy(),
    )


def fit_in_r(formula: str, name: str, r: NativeR) -> Timed:
    """lme4's lmer on a frame that R has read."""
    seconds, criterion, fixef, errors, sdcor = r.fit(name, formula)
    return Timed(
        seconds=seconds.item(), criterion=criterion.item(), fixef=fixef, errors=errors, sdcor=sdcor
    )


def fit_by_glmm(formula: str, data: pd.DataFrame, *, satterthwaite: bool) -> Timed:
    """glmm's; Satterthwaite's degrees of freedom are its default, and more than is read here.

    Its names have no dots in them: those of formula and data must be free of them.
    """
    import glmm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        fit = glmm.fit(data, formula, satterthwaite=satterthwaite)
        fixef, errors = fit.beta, fit.se
        blocks = [fit.stddev_corr(i) for i in range(len(fit.re_groups))]
        seconds = time.perf_counter() - start
    sdcor = [np.append(sd, corr[np.tril_indices_from(corr, -1)]) for sd, corr in blocks]
    return Timed(
        seconds=seconds,
        criterion=-2 * fit.loglik,
        fixef=fixef,
        errors=errors,
        sdcor=np.concatenate([*sdcor, [fit.dispersion**0.5]]),
    )
