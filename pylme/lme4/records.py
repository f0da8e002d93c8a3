"""The records of a fit, made from the lists that R returns.

A vector of one value arrives as a scalar. The system that lme4 solved, with the matrices that it
built, comes from the fitted object only, not from lme4's input, because an independent check must
start from what lme4 actually solved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylme.arrays import read_only
from pylme.covariance.structure import Kind
from pylme.results.estimates import Estimates
from pylme.results.optinfo import Lme4Checks, OptInfo
from pylme.results.varcorr import VarCorr, VarCorrTerm

__all__ = [
    "System",
    "estimates_of",
    "integers",
    "optinfo_of",
    "system_of",
    "texts",
    "varcorr_of",
    "vector",
]


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
            kind=term["kind"],
            hom=term["hom"],
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
    """An option as a value that JSON can represent."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def _count(value: float | None) -> int | None:
    return None if value is None or np.isnan(value) else int(value)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class System:
    """A fitted model's matrices under lme4's names, and its estimates.

    Attributes
    ----------
    linear, reml : bool
    y : ndarray, shape (n,)
    X : ndarray, shape (n, p)
    x_names : tuple of str, length p
    Zt_x, Zt_i, Zt_p : ndarray, shapes (nnz,), (nnz,), (n + 1,)
        Zᵀ in compressed columns.
    Gp : ndarray of int32, shape (terms + 1,)
        Where the terms begin among the random effects.
    cnms : tuple of tuple of str
        The names of the columns of each term.
    kinds, homs : tuple
        The covariance structure of each term, and whether it is homogeneous.
    groups : tuple of str
        The grouping factor of each term.
    factors : mapping
        Each grouping factor's levels, and the codes of the rows from 0.
    Lambdat_i, Lambdat_p, Lind : ndarray of int32
        The template of Λᵀ, and the element of theta at each position, from 1.
    weights, offset : ndarray, shape (n,)
    theta, beta, u, b : ndarray, shapes (m,), (p,), (q,), (q,)
    sigma, criterion : float
    vcov : ndarray, shape (p, p), or None
        None for a generalized model.
    gradient : ndarray, shape (m,), or None
        Of the criterion by lme4's finite differences, where it computed them.
    trials : ndarray, shape (n,), or None
        R's numbers of trials of a generalized model, 1 where the response is no pair of counts.
    n_agq : int or None
        Points of the quadrature of a generalized model.
    shape : float or None
        The ϑ of a negative binomial.
    """

    linear: bool
    reml: bool
    y: NDArray[np.float64]
    X: NDArray[np.float64]
    x_names: tuple[str, ...]
    Zt_x: NDArray[np.float64]
    Zt_i: NDArray[np.int32]
    Zt_p: NDArray[np.int32]
    Gp: NDArray[np.int32]
    cnms: tuple[tuple[str, ...], ...]
    kinds: tuple[Kind, ...]
    homs: tuple[bool, ...]
    groups: tuple[str, ...]
    factors: Mapping[str, tuple[tuple[str, ...], NDArray[np.int32]]]
    Lambdat_i: NDArray[np.int32]
    Lambdat_p: NDArray[np.int32]
    Lind: NDArray[np.int32]
    weights: NDArray[np.float64]
    offset: NDArray[np.float64]
    theta: NDArray[np.float64]
    beta: NDArray[np.float64]
    u: NDArray[np.float64]
    b: NDArray[np.float64]
    sigma: float
    criterion: float
    vcov: NDArray[np.float64] | None
    gradient: NDArray[np.float64] | None
    trials: NDArray[np.float64] | None = None
    n_agq: int | None = None
    shape: float | None = None


def system_of(parts: Mapping[str, Any]) -> System:
    """The system from the result of `r/system.R`."""
    names = texts(parts["factors"])
    assigned = integers(parts["assign"]) - 1
    levels, codes = parts["levels"], parts["codes"]
    gradient = parts["gradient"]
    X = parts["X"]
    return System(
        linear=parts["linear"],
        reml=parts["reml"],
        y=np.atleast_1d(parts["y"]),
        X=np.asarray(X, dtype=np.float64),
        x_names=texts(parts["x_names"]),
        Zt_x=np.atleast_1d(parts["Zt_x"]),
        Zt_i=integers(parts["Zt_i"]),
        Zt_p=integers(parts["Zt_p"]),
        Gp=integers(parts["Gp"]),
        cnms=tuple(texts(names) for names in parts["cnms"]),
        kinds=tuple(kind for kind, _ in parts["structures"]),
        homs=tuple(hom for _, hom in parts["structures"]),
        groups=tuple(names[at] for at in assigned),
        factors={
            name: (texts(level), integers(code) - np.int32(1))
            for name, level, code in zip(names, levels, codes, strict=True)
        },
        Lambdat_i=integers(parts["Lambdat_i"]),
        Lambdat_p=integers(parts["Lambdat_p"]),
        Lind=integers(parts["Lind"]),
        weights=np.atleast_1d(parts["weights"]),
        offset=np.atleast_1d(parts["offset"]),
        theta=vector(parts["theta"]),
        beta=vector(parts["beta"]),
        u=np.atleast_1d(parts["u"]),
        b=np.atleast_1d(parts["b"]),
        sigma=float(parts["sigma"]),
        criterion=float(parts["criterion"]),
        vcov=None if parts["vcov"] is None else np.asarray(parts["vcov"]),
        gradient=None if gradient is None else vector(gradient),
        trials=None if parts["trials"] is None else vector(parts["trials"]),
        n_agq=None if parts["n_agq"] is None else int(parts["n_agq"]),
        shape=None if parts["shape"] is None else float(parts["shape"]),
    )
