"""The table of fixed effects.

Standard errors are the roots of the diagonal of the covariance matrix of the estimates. A linear
mixed model has a t value and no p-value, as its null distribution is not known;
a generalized one has Wald's z and its two-sided p-value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.results.estimates import Estimates, ModelInfo

__all__ = ["coefficient_table"]


def coefficient_table(
    estimates: Estimates, vcov: NDArray[np.float64], info: ModelInfo
) -> pd.DataFrame:
    """Estimates, standard errors, statistics, and p-values where they are known.

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
    table = pd.DataFrame(
        {"estimate": estimates.beta, "std_error": error, "statistic": statistic},
        index=list(estimates.names),
    )
    if info.family is not None:
        table["p_value"] = 2.0 * ndtr(-np.abs(statistic))
    return table
