"""Information criteria: AIC = -2 log L + 2 k, BIC = -2 log L + k log n, k parameters, n rows."""

from __future__ import annotations

from math import log

__all__ = ["aic", "bic"]


def aic(loglik: float, df: int) -> float:
    """Akaike's information criterion; of the restricted likelihood for a REML fit, as in R."""
    return -2.0 * loglik + 2.0 * df


def bic(loglik: float, df: int, nobs: int) -> float:
    """Schwarz's information criterion; of the restricted likelihood for a REML fit, as in R."""
    return -2.0 * loglik + df * log(nobs)
