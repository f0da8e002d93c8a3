"""A hypothesis that is tested, and the simulator under which it holds.

Its statistic comes from a study of the models that it needs. Under the null hypothesis the tested
parameters are zero, and all others are as they were.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pylme.arrays import read_only

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from pylme.draws.parts import Part
    from pylme.draws.seeds import Seed
    from pylme.model_matrix.random_term import RandomTerm
    from pylme.simulation.draw.simulator import Simulator

__all__ = ["Hypothesis", "under_null"]


class Hypothesis(Protocol):
    """What is tested."""

    @property
    def words(self) -> str:
        """The test."""
        ...

    @property
    def compared_with(self) -> str:
        """What the statistic is compared with in large samples."""
        ...

    def statistics(
        self, source: Any, n: int, seed: Seed, options: Mapping[str, Any]
    ) -> NDArray[np.float64]:
        """The statistic of each replicate, larger against the hypothesis; NaN of a failed fit."""
        ...

    def p_values(self, statistics: NDArray[np.float64]) -> NDArray[np.float64]:
        """Their p-values in large samples."""
        ...

    def null(self, source: Simulator) -> Simulator:
        """The simulator where the hypothesis holds."""
        ...


def under_null(
    source: Simulator, fixed: Collection[str], terms: Sequence[RandomTerm] | None
) -> Simulator:
    """The simulator with only some of its parameters, by their names.

    Parameters
    ----------
    source : Simulator
    fixed : collection of str
        The fixed effects that stay.
    terms : sequence of RandomTerm, or None
        Those of the null hypothesis: a variance stays where one has the effect, a covariance where
        one has both effects. None lets all stay.
    """
    return replace(source, parts=tuple(_part(part, fixed, terms) for part in source.parts))


def _part(part: Part, fixed: Collection[str], terms: Sequence[RandomTerm] | None) -> Part:
    stays = np.array([name in fixed for name in part.design.x_names])
    covariances = part.covariances
    if terms is not None:
        covariances = tuple(
            read_only(covariance * _stays(term, terms))
            for covariance, term in zip(covariances, part.design.terms, strict=True)
        )
    return replace(part, beta=read_only(part.beta * stays), covariances=covariances)


def _stays(term: RandomTerm, terms: Sequence[RandomTerm]) -> NDArray[np.bool_]:
    """Which elements of the term's covariance matrix stay, shape (k, k)."""
    stays = np.zeros((len(term.names), len(term.names)), dtype=bool)
    for other in terms:
        if other.group == term.group:
            there = np.array([name in other.names for name in term.names])
            stays |= np.outer(there, there)
    return stays
