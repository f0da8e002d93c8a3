"""Bars around marginal means by which they are compared by eye.

Two means differ, by the adjusted test of their difference, about where their bars do not overlap.
The half lengths r ≥ 0 solve r_i + r_j ≈ c s.e.(difference) over all pairs in the least squares
sense, with c the critical value of the adjustment; for equal standard errors they are exact
(Goldstein & Healy 1995, Journal of the Royal Statistical Society A 158). An interval of a mean says
nothing of differences.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

from pylme.inference.means.scale import link_scale
from pylme.inference.means.table import rows_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.inference.means.adjustment import Adjust
    from pylme.inference.means.marginal_means import MarginalMeans

__all__ = ["comparison_bars"]


def comparison_bars(
    means: MarginalMeans, adjust: Adjust
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ends of the bars on the scale of the means; NaN where there is nothing to compare.

    Parameters
    ----------
    means : MarginalMeans
    adjust : str
        As for `MarginalMeans.contrast`.
    """
    plain = replace(means, scale=link_scale(means.scale.name), library="pandas")
    eta = plain.to_frame()["estimate"].to_numpy()
    reach = np.full(len(eta), np.nan)
    groups = rows_by(plain.levels, plain.by)
    k = len(groups[0])
    if k > 1:
        pairs = plain.contrast("pairwise", adjust=adjust).to_frame()
        width = 0.5 * (pairs["conf_high"] - pairs["conf_low"]).to_numpy()
        for rows, own in zip(groups, width.reshape(len(groups), -1), strict=True):
            reach[rows] = half_lengths(own, k)
    ends = np.array([means.scale.value(eta - reach), means.scale.value(eta + reach)])
    return ends.min(axis=0), ends.max(axis=0)


def half_lengths(widths: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """The r of k means from the least differences of their pairs, in the order of i < j.

    NaN for a mean that is in no pair.
    """
    i, j = np.triu_indices(k, 1)
    known = ~np.isnan(widths)
    design = np.zeros((len(widths), k))
    design[np.arange(len(widths)), i] = design[np.arange(len(widths)), j] = 1.0
    lengths = np.full(k, np.nan)
    used = design[known].any(axis=0)
    if k == 2 or int(known.sum()) == 1:
        # One pair: half of it for each.
        lengths[used] = 0.5 * widths[known][0] if known.any() else np.nan
    elif used.any():
        lengths[used] = nnls(design[np.ix_(known, used)], widths[known])[0]
    return lengths
