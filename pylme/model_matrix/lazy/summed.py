"""A model's matrices that were made from sums of lazy data, and where these data are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Summed"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Summed:
    """The matrices of a model of lazy data.

    A specification holds it, from which the matrices are otherwise made; so it knows no types that
    depend on a specification.

    Attributes
    ----------
    design : ModelMatrices
        In rows that have the cross products of all.
    data : Centred or None
        The rows where they are; None after the fit was pickled.
    reading : Reading or None
        What was read of them before the sums.
    columns : LazyColumns or None
        How the columns of X and Z are combinations of what was summed.
    levels : mapping of str to LevelRows, or None
        By grouping factor, the values that have each level.
    root : ndarray, shape (b, b), or None
        Of the cross products of the monomials: R with RᵀR = Σ w ccᵀ.
    arguments : ModelArguments or None
        What the model was asked for with.
    again : callable or None
        Makes the specification from another table of the same rows.
    """

    design: Any
    data: Any = None
    reading: Any = None
    columns: Any = None
    levels: Any = None
    root: Any = None
    arguments: Any = None
    again: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        # A frame of an engine may hold a connection, which cannot be pickled.
        return _without_data, (self.design,)


def _without_data(design: Any) -> Summed:
    return Summed(design=design)
