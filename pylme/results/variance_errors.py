"""Standard errors of variances, covariances, standard deviations and correlations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.covariance.cells import cells

if TYPE_CHECKING:
    import pandas as pd

    from pylme.results.varcorr import VarCorr

__all__ = ["VarianceErrors", "varcorr_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceErrors:
    """Standard errors of all variance components, in the order of the terms.

    NaN for a term on the boundary, whose estimates are not normal in any sample.

    Attributes
    ----------
    cov : tuple of ndarray, shapes (k, k)
        Of the elements of each term's covariance matrix.
    sdcor : tuple of ndarray, shapes (k, k)
        Of its standard deviations on the diagonal, of its correlations off it.
    variance, sigma : float
        Of the residual variance and of its root.
    """

    cov: tuple[NDArray[np.float64], ...]
    sdcor: tuple[NDArray[np.float64], ...]
    variance: float
    sigma: float


def varcorr_table(varcorr: VarCorr, errors: VarianceErrors) -> pd.DataFrame:
    """Every variance and covariance with its standard error, and so the root or correlation.

    Returns
    -------
    DataFrame
        Columns ``grp``, ``var1``, ``var2``, ``vcov``, ``vcov_std_error``, ``sdcor``,
        ``sdcor_std_error``; the rows as in ``varcorr.to_frame()``.
    """
    frame = varcorr.to_frame()
    places = [np.array(cells(len(term.names), "cov.last")) for term in varcorr.terms]
    for at, (name, parts, residual) in enumerate(
        (
            ("vcov_std_error", errors.cov, errors.variance),
            ("sdcor_std_error", errors.sdcor, errors.sigma),
        )
    ):
        values = [part[place[:, 0], place[:, 1]] for part, place in zip(parts, places, strict=True)]
        frame.insert(4 + 2 * at, name, np.concatenate([*values, [residual]]))
    return frame
