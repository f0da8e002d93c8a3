"""The report on which parameters of a model the data identify."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.frame import Library, to_native
from pylme.render import Document, Paragraph, Prose, Rendered
from pylme.text import combination

if TYPE_CHECKING:
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.render.document import Level

__all__ = ["Alias", "Direction", "FixedEffects", "Identifiability", "fixed_effects"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A column of the fixed effects that is a linear combination of others.

    Attributes
    ----------
    name : str
        The column, which is dropped, as in lme4.
    names : tuple of str
        The columns in the linear combination; none for a column of zeros.
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
    """How many fixed effects the formula has, and how many of them the data identify.

    Attributes
    ----------
    kept : tuple of str
        Columns that are linearly independent.
    dropped : tuple of Alias
        The other columns, and what they equal.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which `to_frame` returns its rows.
    """

    kept: tuple[str, ...]
    dropped: tuple[Alias, ...]
    library: Library = "pandas"

    @property
    def n_columns(self) -> int:
        """The number of columns that the formula specifies."""
        return len(self.kept) + len(self.dropped)

    @property
    def rank(self) -> int:
        """The number of columns that are linearly independent."""
        return len(self.kept)

    def to_frame(self) -> Any:
        """The dropped columns: ``dropped``, ``column``, ``weight``, a row for each part."""
        import pandas as pd

        rows = [
            (alias.name, name, weight)
            for alias in self.dropped
            for name, weight in zip(alias.names, alias.weights, strict=True)
        ]
        frame = pd.DataFrame(rows, columns=["dropped", "column", "weight"])
        return to_native(frame, self.library)


def fixed_effects(design: ModelMatrices) -> FixedEffects:
    """Which fixed effects of a design the data identify."""
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
    return FixedEffects(kept=design.x_names, dropped=tuple(aliases), library=design.rows.library)


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """A combination of covariance parameters that the data do not identify.

    Changing the parameters together by `weights` does not change the restricted likelihood.

    Attributes
    ----------
    names : tuple of str
        Such as ``var(ses | sch.id)``, ``cov((Intercept), ses | sch.id)``, ``sigma^2``.
    weights : tuple of float
        In the units of the parameters; the largest in size is 1 or -1, the first is positive.
    reason : str
        The fact of the data behind it, in words.
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]
    reason: str

    def __str__(self) -> str:
        return f"{combination(self.names, self.weights)}: {self.reason}"

    @property
    def sentence(self) -> str:
        """What the data do not determine, and why."""
        return f"the data do not determine {', '.join(self.names)}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Identifiability(Rendered):
    """Which parameters of a linear mixed model the data identify; prints as a report.

    A parameter is identified if the covariances of the error contrasts (the data after removing the
    fixed effects) depend on it. The restricted likelihood (REML) is flat in a direction that is not
    identified. The full likelihood is flat in it too, unless the fixed effects are the reason: then
    it decreases with the variance, and the estimate is zero for any response.

    Attributes
    ----------
    formula : str
    parameters : tuple of str
        The names of the covariance parameters, one for each element of theta.
    rank : int or None
        How many of them the data can distinguish from one another and from sigma². None where there
        are too many parameters to determine it.
    directions : tuple of Direction
        A basis of the directions that the data do not identify, each with as few parameters as
        possible.
    fixed : FixedEffects
    undetermined : str
        What was examined and found where the rank was not determined; otherwise empty.

    Examples
    --------
    >>> import pylme
    >>> hsb = pylme.datasets.load("hsb")
    >>> design = pylme.design("math ~ ses*sector + (ses:sector | sch.id)", hsb)
    >>> print(design.identifiability())
    Identifiability of math ~ ses * sector + (ses:sector | sch.id)
      covariance parameters: 6, of which the data identify 5
      fixed effects: 4, all identified
    The data cannot see
      cov(ses:sectorPublic, ses:sectorCatholic | sch.id)
        because no level of sch.id has both ses:sectorPublic and ses:sectorCatholic
    """

    formula: str
    parameters: tuple[str, ...]
    rank: int | None
    directions: tuple[Direction, ...]
    fixed: FixedEffects
    undetermined: str = ""

    @property
    def library(self) -> Library:
        """The library of the data, in which `to_frame` returns its rows."""
        return self.fixed.library

    @property
    def n_parameters(self) -> int:
        """The number of covariance parameters, without sigma."""
        return len(self.parameters)

    @property
    def identified(self) -> bool | None:
        """Whether the data identify all parameters of the formula, fixed effects included.

        None where this was not determined.
        """
        if self.rank is None and not self.fixed.dropped:
            return None
        return not self.directions and not self.fixed.dropped

    def to_frame(self) -> Any:
        """The directions as ``direction``, ``parameter``, ``weight``, ``reason``: a row a part."""
        import pandas as pd

        rows = [
            (number, name, weight, direction.reason)
            for number, direction in enumerate(self.directions, start=1)
            for name, weight in zip(direction.names, direction.weights, strict=True)
        ]
        frame = pd.DataFrame(rows, columns=["direction", "parameter", "weight", "reason"])
        return to_native(frame, self.library)

    def describe(self) -> Document:
        """What is identified, and what the data cannot see, with the reasons."""
        parameters = (
            f"{self.n_parameters:,}, {self.undetermined}"
            if self.rank is None
            else _counted(self.n_parameters, self.rank)
        )
        found = [
            _line(f"covariance parameters: {parameters}", 1),
            _line(f"fixed effects: {_counted(self.fixed.n_columns, self.fixed.rank)}", 1),
            *(_line(str(alias), 2) for alias in self.fixed.dropped),
        ]
        by_reason: dict[str, list[Direction]] = {}
        for direction in self.directions:
            by_reason.setdefault(direction.reason, []).append(direction)
        if by_reason:
            found.append(Paragraph("The data cannot see", heading=True))
        for reason, directions in by_reason.items():
            found += [_line(combination(each.names, each.weights), 1) for each in directions]
            found.append(_line(f"because {reason}", 2))
        title = f"Identifiability of {self.formula}"
        return Document(title=title, blocks=(Prose(tuple(found)),))

    def __repr__(self) -> str:
        return str(self)


def _line(text: str, level: Level) -> Paragraph:
    """A paragraph that plain text does not break."""
    return Paragraph(text, level, lines=("  " * level + text,))


def _counted(asked: int, seen: int) -> str:
    return (
        f"{asked}, all identified"
        if asked == seen
        else f"{asked}, of which the data identify {seen}"
    )
