"""The system that lme4 solved: its matrices as it built them, and what it found.

Everything is taken from the fitted object, nothing from what lme4 was given: it is what a second
opinion has to start from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylme.lme4.records import integers, texts, vector

__all__ = ["System", "system_of"]


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
    groups : tuple of str
        The grouping factor of each term.
    factors : mapping
        Each grouping factor's levels, and the codes of the rows from 0.
    Lambdat_i, Lambdat_p, Lind : ndarray of int32
        The template of Λᵀ, and the element of theta in each place, from 1.
    weights, offset : ndarray, shape (n,)
    theta, beta, u, b : ndarray, shapes (m,), (p,), (q,), (q,)
    sigma, criterion : float
    vcov : ndarray, shape (p, p), or None
        None for a generalized model.
    gradient : ndarray, shape (m,), or None
        Of the criterion by lme4's finite differences, where it computed them.
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


def system_of(parts: Mapping[str, Any]) -> System:
    """The system from what `r/system.R` gives."""
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
    )
