"""A random-effects term: which level each row belongs to, and which columns vary by level.

Its block of Zᵀ has a row for each level and column, level by level; in each column of the block,
which is a row of the data, only one level's rows are filled. So the block is never kept: it is the
codes and the columns (Bates, Mächler, Bolker & Walker 2015, section 2.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["RandomTerm"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RandomTerm:
    """One term ``(effects | group)``.

    Attributes
    ----------
    group : str
        The grouping factor as R writes it.
    label : str
        The term without its parentheses, as in ``Days | Subject``.
    names : tuple of str
        R's names of the k columns that vary by level (lme4's ``cnms``).
    assign : tuple of int
        The term left of the bar that each column belongs to, from 1; 0 for the intercept. Empty
        where the term was read from a matrix and not made from a formula.
    levels : tuple of str
    codes : ndarray of int32, shape (n,)
        The level of each row, from 0; -1 where it is none of `levels`, which happens on new rows.
    columns : ndarray of float64, shape (n, k)
    rows : slice
        The rows of Zᵀ that belong to the term.
    thetas : slice
        The elements of theta that belong to it.
    """

    group: str
    label: str
    names: tuple[str, ...]
    levels: tuple[str, ...]
    codes: NDArray[np.int32]
    columns: NDArray[np.float64]
    rows: slice
    thetas: slice
    assign: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"<({self.label}): {len(self.levels)} levels, {', '.join(self.names)}>"

    @property
    def n_effects(self) -> int:
        """The number of random effects: levels times columns."""
        return len(self.levels) * len(self.names)
