"""The fitted model, the numbers that define the fit, and quantities computed from them alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, log

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from pylme.frame import label_index

__all__ = ["Estimates", "ModelInfo", "aic", "aicc", "bic", "coefficient_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """The model and the data that were fitted.

    Attributes
    ----------
    formula : str
        As the engine shows it.
    call : tuple of (str, str)
        The parts of the call that a summary prints: name and text, the formula first.
    title : str
        The method, in lme4's words.
    object_class : str
        lme4's class of the fit, "lmerMod" or "glmerMod".
    family, link : str or None
        None for a linear mixed model.
    reml : bool
    use_scale : bool
        Whether a residual scale is estimated.
    nobs : int
        Rows used.
    ngrps : mapping of str to int
        Levels of each grouping factor, in lme4's order.
    deviance_label : str
        This lme4's name for -2 log L: "deviance", or since version 1.1-37 "-2*log(L)".
    fit_messages : tuple of str
        lme4's messages on dropped or ill-scaled columns of X.
    versions : mapping of str to str
        Of the engine and of the software that it uses.
    outcomes : tuple of (str, str) or None
        For a binomial response of two levels: the failure and the success.
    """

    formula: str
    call: tuple[tuple[str, str], ...]
    title: str
    object_class: str
    family: str | None
    link: str | None
    reml: bool
    use_scale: bool
    nobs: int
    ngrps: Mapping[str, int]
    deviance_label: str
    fit_messages: tuple[str, ...]
    versions: Mapping[str, str]
    outcomes: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """The numbers that define the fit.

    Attributes
    ----------
    names : tuple of str, length p
        The fixed effects, by R's coefficient names.
    beta : ndarray, shape (p,)
    theta : ndarray, shape (m,)
        Relative covariance parameters.
    lower : ndarray, shape (m,)
        Their lower bounds: 0 on the diagonal of a Cholesky factor, -inf elsewhere.
    sigma : float
        Residual standard deviation; 1 for a family without a scale.
    criterion : float
        The REML criterion, or the deviance -2 log L.
    deviance : float
        R's ``deviance``: the criterion of a linear model, the residual deviance of a GLMM.
    loglik : float
    df : int
        Parameters counted by AIC.
    dropped : tuple of str
        Columns of a rank-deficient X that were left out.
    """

    names: tuple[str, ...]
    beta: NDArray[np.float64]
    theta: NDArray[np.float64]
    lower: NDArray[np.float64]
    sigma: float
    criterion: float
    deviance: float
    loglik: float
    df: int
    dropped: tuple[str, ...]


def aic(loglik: float, df: int) -> float:
    """Akaike's information criterion; of the restricted likelihood for a REML fit, as in R."""
    return -2.0 * loglik + 2.0 * df


def aicc(loglik: float, df: int, nobs: int) -> float:
    """AIC corrected for few rows; infinite where the parameters leave fewer than two of them."""
    left = nobs - df - 1
    return aic(loglik, df) + (2.0 * df * (df + 1) / left if left > 0 else inf)


def bic(loglik: float, df: int, nobs: int) -> float:
    """Schwarz's information criterion; of the restricted likelihood for a REML fit, as in R."""
    return -2.0 * loglik + df * log(nobs)


def coefficient_table(
    estimates: Estimates, vcov: NDArray[np.float64], info: ModelInfo
) -> pd.DataFrame:
    """Estimates, standard errors, statistics, and p-values where they are known.

    Standard errors are the square roots of the diagonal of the estimates' covariance matrix. A
    linear mixed model has a t value and no p-value, because its null distribution is not known;
    a generalized one has Wald's z and its two-sided p-value.

    Parameters
    ----------
    estimates : Estimates
    vcov : ndarray, shape (p, p)
    info : ModelInfo

    Returns
    -------
    DataFrame
        Index: coefficient names. Columns: ``estimate``, ``std_error``, ``statistic``, and
        ``p_value`` for a generalized linear mixed model without a scale, as in lme4.
    """
    error = np.sqrt(np.diag(vcov))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimates.beta / error
    columns = {"estimate": estimates.beta, "std_error": error, "statistic": statistic}
    if info.family is not None:
        columns["p_value"] = 2.0 * ndtr(-np.abs(statistic))
    # From one matrix: a column at a time takes three times as long, a tenth of a small fit.
    return pd.DataFrame(
        np.column_stack(list(columns.values())),
        index=label_index(estimates.names),
        columns=label_index(tuple(columns)),
    )
