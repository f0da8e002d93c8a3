"""A model with its parameters, ready to draw data by."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylme.arrays import read_only
from pylme.options import whole_number
from pylme.simulation.draw.normal import draw_with_numpy
from pylme.simulation.draw.parts import Part
from pylme.simulation.draw.seeds import Rng, seeds_of
from pylme.simulation.draw.simulation import DrawnTerm, Simulation
from pylme.simulation.draw.tables import with_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pylme.simulation.draw.parts import Step
    from pylme.simulation.draw.seeds import Seed, Seeds

__all__ = ["Simulator"]

Drawn = list[NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Simulator:
    """A linear mixed model, its parameters, and rows to draw responses for.

    Attributes
    ----------
    formula : str
    response : str
        The column that is drawn.
    data : DataFrame, Table or mapping
        The predictors, as they were given.
    n_rows : int
    parts : tuple of Part
        Rows that share their parameters: all of them, or those of each level of a column.
    empirical : bool
        Whether the drawn effects have exactly the means and covariances asked for.
    rng : {"numpy", "R"}
        Whose random numbers are drawn.
    """

    formula: str
    response: str
    data: Any
    n_rows: int
    parts: tuple[Part, ...]
    empirical: bool
    rng: Rng

    def draw(self, n: int = 1, *, seed: Seed = None) -> Simulation:
        """Draw replicates.

        Parameters
        ----------
        n : int
        seed : int, SeedSequence or None
            As for `pylme.simulate`.

        Returns
        -------
        Simulation
        """
        n = whole_number("n", n, least=1)
        return self.replicates(seeds_of(seed, rng=self.rng, n=n), 0, n)

    def replicates(self, seeds: Seeds, first: int, stop: int) -> Simulation:
        """The replicates of those numbers, the same whether others are drawn with them or not.

        Parameters
        ----------
        seeds : Seeds
        first, stop : int
            From `first` up to but not including `stop`.
        """
        steps = [part.steps for part in self.parts]
        numbers = iter(self._numbers(seeds, range(first, stop), list(chain(*steps))))
        n = stop - first
        y, errors = np.full((2, n, self.n_rows), np.nan)
        effects: list[list[Drawn]] = []
        for part, own in zip(self.parts, steps, strict=True):
            drawn = [next(numbers) for _ in own]
            by_term = _by_term(part, own, drawn)
            y[:, part.rows] = part.mean + _random_part(part, by_term, n) + drawn[-1]
            errors[:, part.rows] = drawn[-1]
            effects.append([by_term])
        return Simulation(
            response=self.response,
            data=self.data,
            y=_locked(y.T),
            errors=_locked(errors.T),
            terms=tuple(self._terms()),
            random_effects={
                term.label: read_only(np.concatenate([e[0][i] for e in effects], axis=1))
                for i, term in enumerate(self.parts[0].design.terms)
            },
            seeds=seeds,
            first=first,
        )

    def table(self) -> Any:
        """The predictors with a response: any numbers, missing where none is drawn."""
        y = np.full(self.n_rows, np.nan)
        for part in self.parts:
            y[part.rows] = np.arange(len(part.rows))
        return with_column(self.data, self.response, y)

    def _numbers(self, seeds: Seeds, replicates: range, steps: Sequence[Step]) -> Drawn:
        if seeds.rng == "numpy":
            generators = [seeds.generator(i) for i in replicates]
            return draw_with_numpy(generators, steps, empirical=self.empirical)
        from pylme.lme4.random import draw_with_r, effects_step, errors_step

        return draw_with_r(
            seeds.of_r(replicates),
            [
                errors_step(step.size, step.sd)
                if step.covariance is None
                else effects_step(step.size, step.covariance, empirical=self.empirical)
                for step in steps
            ],
        )

    def _terms(self) -> Iterator[DrawnTerm]:
        for terms in zip(*(part.design.terms for part in self.parts), strict=True):
            yield DrawnTerm(
                label=terms[0].label,
                group=terms[0].group,
                names=terms[0].names,
                levels=tuple(chain(*(term.levels for term in terms))),
            )

    def __repr__(self) -> str:
        return f"<Simulator of {self.formula} for {self.n_rows} rows, rng {self.rng!r}>"


def _by_term(part: Part, steps: Sequence[Step], drawn: Drawn) -> Drawn:
    """The effects of each term, from those of each grouping factor."""
    found: dict[int, NDArray[np.float64]] = {}
    for step, effects in zip(steps, drawn, strict=True):
        start = 0
        for i in step.terms:
            width = len(part.design.terms[i].names)
            found[i] = effects[:, :, start : start + width]
            start += width
    return [found[i] for i in range(len(found))]


def _random_part(part: Part, effects: Drawn, n: int) -> NDArray[np.float64]:
    """Zb, shape (replicates, rows)."""
    total = np.zeros((n, part.design.n))
    for term, b in zip(part.design.terms, effects, strict=True):
        for column, own in zip(term.columns.T, np.moveaxis(b, 2, 0), strict=True):
            total += own[:, term.codes] * column
    return total


def _locked(array: NDArray[np.float64]) -> NDArray[np.float64]:
    array.flags.writeable = False
    return array
