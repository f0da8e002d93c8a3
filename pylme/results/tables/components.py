"""Standard deviations and correlations of random effects, each under a name of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme.covariance.names import block_labels, cells

if TYPE_CHECKING:
    from pylme.results.varcorr import VarCorr, VarCorrTerm

__all__ = ["components"]


def components(varcorr: VarCorr) -> dict[str, float]:
    """Standard deviations and correlations of each term, then the residual standard deviation.

    Parameters
    ----------
    varcorr : VarCorr

    Returns
    -------
    dict of str to float
        By names such as ``sd Days | Subject`` and ``corr (Intercept), Days | Subject``; of a
        covariance structure its parameters, ``sd * | Subject`` of all effects and ``corr rho``.
    """
    found: dict[str, float] = {}
    labels = block_labels(term.group for term in varcorr.terms)
    for term, label in zip(varcorr.terms, labels, strict=True):
        if term.structure.kind != "us":
            found |= _of_structure(term, label)
            continue
        found |= {f"sd {n} | {label}": float(s) for n, s in zip(term.names, term.sd, strict=True)}
        for row, column in cells(len(term.names)):
            if row > column:
                pair = f"corr {term.names[column]}, {term.names[row]} | {label}"
                found[pair] = float(term.corr[row, column])
    if varcorr.sigma is not None:
        found["sd Residual"] = float(varcorr.sigma)
    return found


def _of_structure(term: VarCorrTerm, label: str) -> dict[str, float]:
    names = term.structure.component_names(term.names)
    shown = [name.replace("sd__", "sd ").replace("cor__", "corr ") for name in names]
    (values,) = term.structure.component_values(term.sd[None], term.corr[None])
    return {f"{n} | {label}": float(value) for n, value in zip(shown, values, strict=True)}
