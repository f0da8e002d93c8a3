"""The covariance matrices of a fit that belong to the levels of a factor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.errors import NotAvailableError, nearest
from pylme.formula import read_level_block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.formula import LevelBlock

__all__ = ["CovarianceBlock", "blocks_by", "factor_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CovarianceBlock:
    """The covariances of the effects of one term, that of one level.

    Attributes
    ----------
    term : int
        The position of the term, in lme4's order.
    group : str
        The grouping factor.
    level : str
    names : tuple of str, length k
        The effects, as they would be named in a term for all levels.
    T : ndarray, shape (k, k)
        The relative covariance factor: lower triangular, σ²TTᵀ the covariance matrix.
    thetas : slice
        The elements of theta that T holds, column by column.
    """

    term: int
    group: str
    level: str
    names: tuple[str, ...]
    T: NDArray[np.float64]
    thetas: slice


def blocks_by(
    by: str,
    cnms: Sequence[tuple[str, Sequence[str]]],
    theta: NDArray[np.float64],
    *,
    group: str | None = None,
) -> tuple[CovarianceBlock, ...]:
    """The terms that belong to the levels of a factor.

    Parameters
    ----------
    by : str
        The column of the factor.
    cnms : sequence of (str, sequence of str)
        The grouping factor and the names of the effects of each term, in lme4's order.
    theta : ndarray, shape (m,)
    group : str, optional
        The grouping factor; None where only one has such terms.

    Raises
    ------
    NotAvailableError
        If there are no such terms, or those of several grouping factors, or if the levels differ in
        their effects.
    """
    asked = f"Reading the covariances by {by!r}"
    read = [read_level_block(names) for _, names in cnms]
    found: list[CovarianceBlock] = []
    start = 0
    for term, ((factor, names), block) in enumerate(zip(cnms, read, strict=True)):
        stop = start + len(names) * (len(names) + 1) // 2
        if block is not None and block.by == by and group in (None, factor):
            found.append(
                CovarianceBlock(
                    term=term,
                    group=factor,
                    level=block.level,
                    names=block.names,
                    T=factor_of(theta[start:stop], len(names)),
                    thetas=slice(start, stop),
                )
            )
        start = stop
    if not found:
        raise _no_blocks(asked, by, read)
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
    return tuple(found)


def factor_of(theta: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """The lower triangular matrix, shape (k, k), that these elements fill column by column."""
    T = np.zeros((k, k))
    columns, rows = np.triu_indices(k)
    T[rows, columns] = theta
    return T


def _no_blocks(asked: str, by: str, read: Sequence[LevelBlock | None]) -> NotAvailableError:
    others = tuple(dict.fromkeys(block.by for block in read if block is not None))
    near = nearest(by, others) or others
    return NotAvailableError(
        asked=asked,
        found="the random part has no term for each of its levels",
        remedy=f"There are terms by {' and '.join(map(repr, near))}."
        if near
        else "Fit the model with the random part that pylme.group_specific(slope, group=..., "
        f"by={by!r}, data=...) writes.",
    )
