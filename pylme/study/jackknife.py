"""How much each group counts for the estimates: they are made again without it.

The groups of one factor are independent of each other, given that no other factor joins them; of
several factors the one with the fewest levels is taken, which of nested factors is the outermost.
The influence of group j is (J - 1)(t̄ - t_(-j)), with t_(-j) the estimate without it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pylme.design.values import read_only
from pylme.frame.columns import locked
from pylme.reference import fit_many
from pylme.study.estimate_rows import estimate_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.design.matrices import Design

__all__ = ["influences"]


def influences(design: Design, y: NDArray[np.float64], *, reml: bool) -> NDArray[np.float64]:
    """The influence of each group on each parameter, shape (groups, P).

    Parameters
    ----------
    design : Design
    y : ndarray, shape (n,)
    reml : bool

    Returns
    -------
    ndarray
        NaN for a group without which the model cannot be fitted.
    """
    term = min(design.terms, key=lambda term: len(term.levels))
    made = [_without(design, y, term.codes != j, reml=reml) for j in range(len(term.levels))]
    width = max(len(estimates) for estimates in made)
    without = np.full((len(made), width), np.nan)
    for row, estimates in zip(without, made, strict=True):
        row[: len(estimates)] = estimates
    return np.asarray((len(made) - 1) * (np.nanmean(without, axis=0) - without))


def _without(
    design: Design, y: NDArray[np.float64], kept: NDArray[np.bool_], *, reml: bool
) -> NDArray[np.float64]:
    """The estimates from some rows, or none. A level without rows adds nothing."""
    part = replace(
        design,
        X=read_only(design.X[kept]),
        y=y[kept],
        weights=design.weights[kept],
        offset=design.offset[kept],
        terms=tuple(
            replace(term, codes=locked(term.codes[kept]), columns=read_only(term.columns[kept]))
            for term in design.terms
        ),
    )
    if np.linalg.matrix_rank(part.X) < part.p:
        return np.empty(0)
    estimates: NDArray[np.float64] = estimate_rows(fit_many(part, y[None, kept], reml=reml))[0]
    return estimates
