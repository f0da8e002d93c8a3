"""The records of a fit from the lists that R hands over.

A vector of one value arrives as a scalar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.arrays import read_only
from pylme.results.estimates import Estimates
from pylme.results.optinfo import Lme4Checks, OptInfo
from pylme.results.varcorr import VarCorr, VarCorrTerm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["estimates_of", "integers", "optinfo_of", "texts", "varcorr_of", "vector"]


def texts(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """A character vector as a tuple."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def vector(value: Any) -> NDArray[np.float64]:
    """A numeric vector as an array."""
    return read_only(np.atleast_1d(value))


def integers(value: Any) -> NDArray[np.int32]:
    """An integer vector as an array."""
    return np.atleast_1d(np.asarray(value, dtype=np.int32))


def estimates_of(parts: Mapping[str, Any]) -> Estimates:
    """The numbers that define a fit."""
    return Estimates(
        names=texts(parts["names"]),
        beta=vector(parts["beta"]),
        theta=vector(parts["theta"]),
        lower=vector(parts["lower"]),
        sigma=float(parts["sigma"]),
        criterion=float(parts["criterion"]),
        deviance=float(parts["deviance"]),
        loglik=float(parts["loglik"]),
        df=int(parts["df"]),
        dropped=texts(parts["dropped"]),
    )


def varcorr_of(parts: Mapping[str, Any]) -> VarCorr:
    """Variances and correlations of the random effects."""
    terms = tuple(
        VarCorrTerm(
            group=term["group"],
            label=term["label"],
            names=texts(term["names"]),
            cov=read_only(term["cov"]),
            sd=vector(term["sd"]),
            corr=read_only(term["corr"]),
        )
        for term in parts["terms"]
    )
    return VarCorr(terms=terms, sigma=parts["sigma"])


def optinfo_of(parts: Mapping[str, Any]) -> OptInfo:
    """The optimiser's record."""
    gradient, hessian = parts["gradient"], parts["hessian"]
    checks = None
    if parts["checked"]:
        checks = Lme4Checks(
            messages=texts(parts["messages"]),
            codes=tuple(int(code) for code in np.atleast_1d(parts["codes"])),
            gradient=parts["gradient_checked"],
            hessian=parts["hessian_checked"],
        )
    return OptInfo(
        optimizer=" + ".join(texts(parts["optimizer"])),
        control={name: _plain(value) for name, value in (parts["control"] or {}).items()},
        theta=vector(parts["theta"]),
        par=vector(parts["par"]),
        feval=_count(parts["feval"]),
        conv_opt=int(np.max(parts["conv_opt"])),
        message=parts["message"],
        checks=checks,
        gradient=None if gradient is None else vector(gradient),
        hessian=None if hessian is None else read_only(np.atleast_2d(hessian)),
        warnings=texts(parts["warnings"]),
    )


def _plain(value: Any) -> Any:
    """An option as JSON has it too."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def _count(value: float | None) -> int | None:
    return None if value is None or np.isnan(value) else int(value)
