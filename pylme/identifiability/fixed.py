"""The fixed effects that the data can and cannot see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pylme.identifiability.wording import combination

if TYPE_CHECKING:
    import pandas as pd

    from pylme.model_matrix.matrices import ModelMatrices

__all__ = ["Alias", "FixedEffects", "fixed_effects"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A column of the fixed effects that others make up.

    Attributes
    ----------
    name : str
        The column, dropped as lme4 drops it.
    names : tuple of str
        The columns kept that make it up; none for a column of zeros.
    weights : tuple of float
        Their coefficients.
    """

    name: str
    names: tuple[str, ...]
    weights: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.name} = {combination(self.names, self.weights)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedEffects:
    """How many fixed effects were asked for, and how many the data can see.

    Attributes
    ----------
    kept : tuple of str
        Columns that are linearly independent.
    dropped : tuple of Alias
        The other columns, and what they equal.
    """

    kept: tuple[str, ...]
    dropped: tuple[Alias, ...]

    @property
    def n_columns(self) -> int:
        """The number of columns that the formula asks for."""
        return len(self.kept) + len(self.dropped)

    @property
    def rank(self) -> int:
        """The number of columns that are linearly independent."""
        return len(self.kept)

    def to_frame(self) -> pd.DataFrame:
        """The dropped columns: ``dropped``, ``column``, ``weight``, a row for each part."""
        import pandas as pd

        rows = [
            (alias.name, name, weight)
            for alias in self.dropped
            for name, weight in zip(alias.names, alias.weights, strict=True)
        ]
        return pd.DataFrame(rows, columns=["dropped", "column", "weight"])


def fixed_effects(design: ModelMatrices) -> FixedEffects:
    """What the data see of the fixed effects of a design."""
    aliases = []
    for name, weights in zip(design.dropped, design.aliases.T, strict=True):
        parts = np.flatnonzero(weights).tolist()
        aliases.append(
            Alias(
                name=name,
                names=tuple(design.x_names[i] for i in parts),
                weights=tuple(weights[parts].tolist()),
            )
        )
    return FixedEffects(kept=design.x_names, dropped=tuple(aliases))
