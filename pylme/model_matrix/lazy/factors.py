"""A factor in lazy data, by the values of its column that have each level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

__all__ = ["LazyFactor"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LazyFactor:
    """A factor by the values of its column.

    Attributes
    ----------
    column : narwhals.Expr
    values : tuple of tuple
        The values of the column that have each level.
    excluded : bool
        Whether there are values that have none.
    """

    column: nw.Expr
    values: tuple[tuple[Any, ...], ...]
    excluded: bool = False

    def indicator(self, level: int) -> nw.Expr:
        """Whether a row has a level."""
        return self.column.is_in(list(self.values[level]))

    @property
    def known(self) -> nw.Expr:
        """Whether a row has any level."""
        return self.column.is_in([value for values in self.values for value in values])
