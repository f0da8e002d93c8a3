"""The parts of a model: grouping factors, fixed effects, random terms, varying effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.covariance.structure import Kind, structure_of
from pylme.explanation.effects import Effect
from pylme.explanation.notation import meaning
from pylme.formula import read_level_block
from pylme.frame import Factor
from pylme.model_matrix.evaluation.values import CodedFactor, Matrix, Times
from pylme.text import counted, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pylme.covariance.structure import Structure
    from pylme.formula import LevelBlock
    from pylme.model_matrix.evaluation.values import Value

__all__ = ["FixedPart", "Groups", "RandomPart", "Variation", "variations", "varying_levels"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """A grouping factor in the data.

    Attributes
    ----------
    name : str
    levels : int
    fewest, most : int
        Rows of a level.
    """

    name: str
    levels: int
    fewest: int
    most: int

    def __str__(self) -> str:
        rows = (
            f"{self.fewest:,}" if self.fewest == self.most else f"{self.fewest:,} to {self.most:,}"
        )
        return f"{self.levels:,} levels of {rows} row{'' if self.most == 1 else 's'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedPart:
    """The fixed effects, which are common to all levels of the grouping factors.

    Attributes
    ----------
    effects : tuple of Effect
        The coefficients that are estimated.
    dropped : tuple of str
        Columns that depend on others, in words: the column and what it equals.
    """

    effects: tuple[Effect, ...]
    dropped: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """R's names of the coefficients."""
        return tuple(effect.name for effect in self.effects)


_CORRELATED: Final[Mapping[Kind, str]] = {
    "diag": "and no correlations",
    "cs": "and one correlation, the same for each pair (compound symmetry)",
    "ar1": "and one correlation, of neighbours in the order of the effects; of effects further "
    "apart it is that to the power of their distance (autoregression of first order)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomPart:
    """One random-effects term: the effects that vary between levels of a grouping factor.

    Attributes
    ----------
    label : str
        The term, in parentheses.
    group : str
        The grouping factor.
    effects : tuple of Effect
        What varies.
    varying : tuple of int, optional
        For each effect the number of levels within which its column varies, or for a column without
        numbers in which it is not zero; None without data.
    kind : {"us", "diag", "cs", "ar1"}
        The covariance structure.
    hom : bool, optional
        Whether all effects have the same standard deviation; by default lme4's.
    """

    label: str
    group: str
    effects: tuple[Effect, ...]
    varying: tuple[int, ...] | None = None
    kind: Kind = "us"
    hom: bool | None = None

    @property
    def structure(self) -> Structure:
        """How the parameters of the term make its covariance matrix."""
        return structure_of(self.kind, len(self.effects), hom=self.hom)

    @property
    def names(self) -> tuple[str, ...]:
        """The varying effects, by lme4's names."""
        return tuple(effect.name for effect in self.effects)

    @property
    def n_sd(self) -> int:
        """The number of standard deviations: one for each effect, or one if it is homogeneous."""
        return 1 if self.structure.hom else len(self.effects)

    @property
    def n_cor(self) -> int:
        """The number of correlations: one for each pair of effects, or as the structure has."""
        if self.kind == "us":
            return self.n_sd * (self.n_sd - 1) // 2
        return self.structure.n_free - self.n_sd

    @property
    def n_parameters(self) -> int:
        """The number of variances and covariances."""
        return self.n_sd + self.n_cor

    @property
    def block(self) -> LevelBlock | None:
        """The level of a factor to which the term applies, if there is one."""
        return read_level_block(self.names)

    def sentence(self) -> str:
        """The term in words: varying effects, standard deviations, correlations."""
        of_its_own = f"each {self.group} has {self._what()} of its own"
        if self.block is not None:
            of_its_own = f"where {self.block.by} is {self.block.level}, {of_its_own}"
        deviations = counted(self.n_sd, "standard deviation")
        if self.kind != "us":
            shared = " for all of them" * (self.n_sd == 1)
            return (
                f"{of_its_own[0].upper()}{of_its_own[1:]}: {deviations}{shared}, "
                f"{_CORRELATED[self.kind]}."
            )
        if self.n_sd == 1:
            numbers = f"{deviations}, no correlation"
        else:
            pairs = "they may be correlated" if self.n_sd == 2 else "each pair may be correlated"
            numbers = f"{deviations}, and as {pairs}, {counted(self.n_cor, 'correlation')}"
        return f"{of_its_own[0].upper()}{of_its_own[1:]}: {numbers}."

    def _what(self) -> str:
        words = [f"a {meaning(effect, (effect,))}" for effect in self.effects]
        if self.block is not None:
            words = [word.split(" where ")[0] for word in words]
        words = [f"an{word[1:]}" if word[2] in "aeiou" else word for word in words]
        return listed(words) if len(words) <= 3 else f"{len(words)} effects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """How a variable is distributed over the levels of a grouping factor.

    Attributes
    ----------
    variable, group : str
    varying : int
        The number of levels within which it has more than one value.
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
    """How each variable is distributed over the levels of each grouping factor.

    Parameters
    ----------
    values : mapping
        The variables, by their texts.
    factors : mapping
        The grouping factors, by their texts.
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
    """Whether any of the columns has more than one value within each level.

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
