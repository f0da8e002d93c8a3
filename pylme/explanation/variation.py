"""Which variables vary within the levels of a grouping factor, and in how many of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pylme.frame import Factor
from pylme.model_matrix.values import CodedFactor, Matrix, Times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pylme.model_matrix.values import Value

__all__ = ["Variation", "variations", "varying_levels"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """How a variable is spread over the levels of a grouping factor.

    Attributes
    ----------
    variable, group : str
    varying : int
        The number of levels within which it takes more than one value.
    levels : int
        The number of all levels.
    """

    variable: str
    group: str
    varying: int
    levels: int

    def __str__(self) -> str:
        if not self.varying:
            return "constant within each"
        if self.varying == self.levels:
            return f"varies within all {self.levels:,}"
        return f"varies within {self.varying:,} of {self.levels:,}"


def variations(values: Mapping[str, Value], factors: Mapping[str, Factor]) -> tuple[Variation, ...]:
    """How each variable is spread over the levels of each grouping factor.

    Parameters
    ----------
    values : mapping
        The variables, by their texts.
    factors : mapping
        The grouping factors, by theirs.
    """
    return tuple(
        Variation(
            variable=text,
            group=group,
            varying=int(np.count_nonzero(varying_levels(_columns(value), factor))),
            levels=len(factor.levels),
        )
        for text, value in values.items()
        for group, factor in factors.items()
        if text != group
    )


def varying_levels(columns: NDArray[np.float64], factor: Factor) -> NDArray[np.bool_]:
    """Whether any of the columns takes more than one value within each level.

    Parameters
    ----------
    columns : ndarray, shape (n, k)
    factor : Factor
        With every level occurring.

    Returns
    -------
    ndarray of bool, shape (levels,)
    """
    order = np.argsort(factor.codes, kind="stable")
    starts = np.searchsorted(factor.codes[order], np.arange(len(factor.levels)))
    ordered = columns[order]
    lowest = np.minimum.reduceat(ordered, starts, axis=0)
    highest = np.maximum.reduceat(ordered, starts, axis=0)
    return np.asarray((lowest < highest).any(axis=1))


def _columns(value: Value) -> NDArray[np.float64]:
    match value:
        case Matrix(values=values):
            return values
        case CodedFactor(factor=factor) | (Factor() as factor):
            return factor.codes[:, None].astype(np.float64)
        case Times(values=numbers):
            return numbers[:, None]
    return value[:, None].astype(np.float64)
