"""The order and the names of blocks, of the elements of θ, and of variances and covariances.

θ runs through the lower triangle column by column (Bates, Mächler, Bolker & Walker 2015, section
2.2), and so do tables of variances and covariances in the order ``"lower.tri"``. R's
``as.data.frame(VarCorr(fit))`` puts the variances first by default, ``"cov.last"``.

A block has the name of its grouping factor. Where a factor has several terms, all names go through
R's ``make.names(unique = TRUE)``, as in lme4's VarCorr: the second ``Subject`` becomes
``Subject.1``, and ``recipe:replicate`` becomes ``recipe.replicate``. Elements of θ have the names
of lme4's ``getME(fit, "theta")``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from pylme.r_names import make_name, make_unique

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = [
    "RESIDUAL_VARIANCE",
    "CellOrder",
    "block_labels",
    "cells",
    "covariance_name",
    "lower_triangle_places",
    "theta_names",
]

CellOrder: TypeAlias = Literal["cov.last", "lower.tri"]

#: The name of the residual variance among the covariance parameters.
RESIDUAL_VARIANCE: Final = "sigma^2"


@cache
def cells(k: int, order: CellOrder = "lower.tri") -> tuple[tuple[int, int], ...]:
    """The places (row, column) of the lower triangle of a k by k matrix.

    Examples
    --------
    >>> cells(2), cells(2, "cov.last")
    (((0, 0), (1, 0), (1, 1)), ((0, 0), (1, 1), (1, 0)))
    """
    if order == "lower.tri":
        return tuple((row, column) for column in range(k) for row in range(column, k))
    below = ((row, column) for column in range(k) for row in range(column + 1, k))
    return (*((i, i) for i in range(k)), *below)


@cache
def lower_triangle_places(k: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of `cells(k)` as read-only arrays, for indexing."""
    columns, rows = np.triu_indices(k)
    for places in (rows, columns):
        places.flags.writeable = False
    return rows, columns


def block_labels(groups: Iterable[str]) -> tuple[str, ...]:
    """The name of each term's block, from the terms' grouping factors.

    Parameters
    ----------
    groups : iterable of str

    Examples
    --------
    >>> block_labels(["a:b", "g"]), block_labels(["a:b", "g", "g"])
    (('a:b', 'g'), ('a.b', 'g', 'g.1'))
    """
    names = tuple(groups)
    if len(set(names)) == len(names):
        return names
    made = [make_name(name) for name in names]
    # Names that are syntactic already keep their form, whatever the others are turned into.
    order = sorted(range(len(names)), key=lambda at: made[at] != names[at])
    labels = dict(zip(order, make_unique([made[at] for at in order]), strict=True))
    return tuple(labels[at] for at in range(len(names)))


def theta_names(terms: Iterable[tuple[str, Sequence[str]]]) -> tuple[str, ...]:
    """lme4's names of the elements of θ.

    Parameters
    ----------
    terms : iterable of (str, sequence of str)
        The grouping factor and the effects of each term.

    Examples
    --------
    >>> theta_names([("Subject", ["(Intercept)", "Days"])])
    ('Subject.(Intercept)', 'Subject.Days.(Intercept)', 'Subject.Days')
    """
    return tuple(
        f"{group}.{names[row]}" if row == column else f"{group}.{names[row]}.{names[column]}"
        for group, names in terms
        for row, column in cells(len(names))
    )


def covariance_name(label: str, row: str, column: str) -> str:
    """The name of one variance, where both effects are the same, or covariance.

    Examples
    --------
    >>> covariance_name("g", "x", "x"), covariance_name("g", "x", "(Intercept)")
    ('var(x | g)', 'cov((Intercept), x | g)')
    """
    return f"var({row} | {label})" if row == column else f"cov({column}, {row} | {label})"
