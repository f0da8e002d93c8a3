"""A combination of covariance parameters that leaves no trace in the data."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Column", "Trace"]

#: A column of a term: the positions of the term in the design and of the column in the term.
Column = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A combination of covariance parameters that leaves no trace.

    Attributes
    ----------
    pairs : tuple
        The columns of each of its parameters; the same one twice for a variance.
    residual : bool
        Whether σ² has a part in it.
    absorbed : tuple of (int, int)
        The columns of it that the fixed effects hold for every level.
    plain : bool
        Whether it leaves no trace in the rows themselves, the fixed effects aside.
    parameters : int
        The number of covariance parameters of the model, σ² among them.
    """

    pairs: tuple[tuple[Column, Column], ...]
    residual: bool
    absorbed: tuple[Column, ...]
    plain: bool
    parameters: int

    @property
    def columns(self) -> tuple[Column, ...]:
        """Its columns, each once."""
        return tuple(sorted({column for pair in self.pairs for column in pair}))

    @property
    def terms(self) -> tuple[int, ...]:
        """The positions of its terms, each once."""
        return tuple(sorted({column[0] for column in self.columns}))
