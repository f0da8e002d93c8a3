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
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = [
    "BROOM_RESIDUAL",
    "RESIDUAL_VARIANCE",
    "CellOrder",
    "NameStyle",
    "block_labels",
    "cells",
    "lower_triangle_places",
    "parameter_name",
    "theta_name",
]

CellOrder: TypeAlias = Literal["cov.last", "lower.tri"]

#: The name of the residual variance among the covariance parameters.
RESIDUAL_VARIANCE: Final = "sigma^2"
#: broom.mixed's name of the residual standard deviation.
BROOM_RESIDUAL: Final = "sd__Observation"

#: How variances and covariances, or standard deviations and correlations, are written.
NameStyle: TypeAlias = Literal["cov", "sdcor", "sdcov", "many", "broom"]

#: For one effect, for two effects, and between two.
_STYLES: Final[dict[NameStyle, tuple[str, str, str]]] = {
    "cov": ("var({})", "cov({})", ", "),
    "sdcor": ("sd {}", "cor {}", ", "),
    "sdcov": ("sd {}", "cov {}", ", "),
    "many": ("sd[{}]", "corr[{}]", ", "),
    "broom": ("sd__{}", "cor__{}", "."),
}


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


def theta_name(group: str, row: str, column: str) -> str:
    """lme4's name of the element of θ in one cell of T, by the effects of its row and column.

    Examples
    --------
    >>> theta_name("Subject", "Days", "Days"), theta_name("Subject", "Days", "(Intercept)")
    ('Subject.Days', 'Subject.Days.(Intercept)')
    """
    return f"{group}.{row}" if row == column else f"{group}.{row}.{column}"


def parameter_name(
    row: str, column: str, *, label: str | None = None, style: NameStyle = "cov"
) -> str:
    """The name of a variance or standard deviation, or of a covariance or correlation.

    Parameters
    ----------
    row, column : str
        The effects of a cell of the lower triangle; the same one for a variance.
    label : str, optional
        The block.
    style : {"cov", "sdcor", "sdcov", "many", "broom"}
        "cov" names variances and covariances, "sdcor" deviations and correlations, "sdcov"
        deviations and covariances; "many" as `ManyFits.to_frame`, "broom" as R's broom.mixed.

    Examples
    --------
    >>> parameter_name("x", "x", label="g"), parameter_name("x", "(Intercept)", label="g")
    ('var(x | g)', 'cov((Intercept), x | g)')
    >>> parameter_name("x", "(Intercept)", style="broom")
    'cor__(Intercept).x'
    """
    one, two, between = _STYLES[style]
    text = row if row == column else f"{column}{between}{row}"
    if label is not None:
        text = f"{text} | {label}"
    return (one if row == column else two).format(text)
