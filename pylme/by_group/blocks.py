"""The covariance matrices of a fit that belong to the levels of a factor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.covariance.correlation import sdcor
from pylme.errors import NotAvailableError
from pylme.formula import read_level_block
from pylme.text import nearest

if TYPE_CHECKING:
    from pylme.results.varcorr import VarCorr

__all__ = ["CovarianceBlock", "blocks_by"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CovarianceBlock:
    """The covariances of one level of a factor: those of the effects of one term.

    Attributes
    ----------
    term : int
        The position of the term, in lme4's order.
    group : str
        The grouping factor.
    level : str
    names : tuple of str, length k
        The effects, named as in a term for all levels.
    sdcor : ndarray, shape (k, k)
        Standard deviations on the diagonal, correlations off it; NaN where a variance is zero.
    """

    term: int
    group: str
    level: str
    names: tuple[str, ...]
    sdcor: NDArray[np.float64]


def blocks_by(
    by: str, varcorr: VarCorr, *, group: str | None = None
) -> tuple[CovarianceBlock, ...]:
    """The terms that belong to the levels of a factor.

    Parameters
    ----------
    by : str
        The column of the factor.
    varcorr : VarCorr
    group : str, optional
        The grouping factor; None if only one has such terms.

    Raises
    ------
    NotAvailableError
        If there are no such terms, if several grouping factors have them, or if the levels differ
        in their effects.
    """
    asked = f"Reading the covariances by {by!r}"
    read = [read_level_block(term.names) for term in varcorr.terms]
    found = tuple(
        CovarianceBlock(
            term=position,
            group=term.group,
            level=block.level,
            names=block.names,
            sdcor=sdcor(term.sd, term.corr),
        )
        for position, (term, block) in enumerate(zip(varcorr.terms, read, strict=True))
        if block is not None and block.by == by and group in (None, term.group)
    )
    if not found:
        raise _no_blocks(asked, by, tuple({block.by: 0 for block in read if block is not None}))
    groups = dict.fromkeys(block.group for block in found)
    if len(groups) > 1:
        raise NotAvailableError(
            asked=asked,
            found=f"several grouping factors have them: {', '.join(groups)}",
            remedy="Name one of them as `group`.",
        )
    if len({block.names for block in found}) > 1:
        raise NotAvailableError(
            asked=asked,
            found="the effects are not the same at all levels",
            remedy="Read them from .varcorr.",
        )
    return found


def _no_blocks(asked: str, by: str, others: tuple[str, ...]) -> NotAvailableError:
    near = nearest(by, others) or others
    return NotAvailableError(
        asked=asked,
        found="the random part has no term for each of its levels",
        remedy=f"There are terms by {' and '.join(map(repr, near))}."
        if near
        else "Fit the model with the random part that pylme.group_specific(slope, group=..., "
        f"by={by!r}, data=...) writes.",
    )
