"""Principal components of the random effects of each grouping factor.

With the singular value decomposition T = U D Vᵀ of the relative covariance factor, the effects have
the covariance matrix σ²U D²Uᵀ: the components are the columns of U and their standard deviations,
relative to σ, are on the diagonal of D. A component of zero means that the model has more
correlations and variances than the data support (Bates, Kliegl, Vasishth & Baayen 2015,
arXiv:1506.04967, section 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.linalg import block_diag

from pylme.covariance.roots import square_root

if TYPE_CHECKING:
    from pylme.results.varcorr import VarCorr

__all__ = ["principal_components"]


def principal_components(varcorr: VarCorr) -> dict[str, pd.DataFrame]:
    """The components by grouping factor.

    Parameters
    ----------
    varcorr : VarCorr
        Term by term.

    Returns
    -------
    dict
        Frames with a row for each component: ``sd`` relative to σ, ``proportion`` and
        ``cumulative`` of the variance (NaN where there is none), and the loading of each effect.
    """
    variance = 1.0 if varcorr.sigma is None else varcorr.sigma**2
    factors = [square_root(term.cov / variance) for term in varcorr.terms]
    found: dict[str, pd.DataFrame] = {}
    for group in dict.fromkeys(term.group for term in varcorr.terms):
        own = [i for i, term in enumerate(varcorr.terms) if term.group == group]
        rotation, sd, _ = np.linalg.svd(block_diag(*(factors[i] for i in own)))
        # The sign of a component is arbitrary: its largest loading is positive.
        largest = np.abs(rotation).argmax(axis=0)
        rotation = rotation * np.sign(rotation[largest, np.arange(len(sd))])
        total = float((sd**2).sum())
        share = sd**2 / total if total > 0 else np.full(len(sd), np.nan)
        table = pd.DataFrame(
            {"sd": sd, "proportion": share, "cumulative": share.cumsum()},
            index=pd.Index([f"PC{i + 1}" for i in range(len(sd))], name="component"),
        )
        names = [name for i in own for name in varcorr.terms[i].names]
        loadings = pd.DataFrame(rotation.T, index=table.index, columns=names)
        found[group] = pd.concat([table, loadings], axis=1)
    return found
