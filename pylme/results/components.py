"""Standard deviations and correlations of random effects, each under a name of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme.covariance.names import block_labels, cells

if TYPE_CHECKING:
    from pylme.results.varcorr import VarCorr

__all__ = ["components"]


def components(varcorr: VarCorr) -> dict[str, float]:
    """Standard deviations and correlations of each term, then the residual standard deviation.

    Parameters
    ----------
    varcorr : VarCorr

    Returns
    -------
    dict of str to float
        By names such as ``sd Days | Subject`` and ``corr (Intercept), Days | Subject``.
    """
    found: dict[str, float] = {}
    labels = block_labels(term.group for term in varcorr.terms)
    for term, label in zip(varcorr.terms, labels, strict=True):
        found |= {f"sd {n} | {label}": float(s) for n, s in zip(term.names, term.sd, strict=True)}
        for row, column in cells(len(term.names)):
            if row > column:
                pair = f"corr {term.names[column]}, {term.names[row]} | {label}"
                found[pair] = float(term.corr[row, column])
    if varcorr.sigma is not None:
        found["sd Residual"] = float(varcorr.sigma)
    return found
