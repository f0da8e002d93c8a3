"""A model with its parameters, ready to draw data."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.arrays import locked, read_only
from pylme.covariance.names import block_labels, cells
from pylme.draws.parts import Part
from pylme.draws.responses import draw_responses
from pylme.draws.seeds import seeds_of
from pylme.frame import Library
from pylme.options import Rng, whole_number
from pylme.render import Document, Facts, Rendered, Table
from pylme.simulation.draw.simulation import DrawnTerm, Simulation, with_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pylme.draws.seeds import Seed, Seeds
    from pylme.families import Family

__all__ = ["Simulator", "placeholder"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Simulator(Rendered):
    """A mixed model, its parameters, and rows to draw responses for.

    Attributes
    ----------
    formula : str
    response : str
        The column that is drawn.
    data : DataFrame, Table or mapping
        The predictors as they were given; of a fit all its columns, in the library of its data.
    n_rows : int
    parts : tuple of Part
        Rows that share their parameters: all of them, or those of each level of a column.
    empirical : bool
        Whether the drawn effects have exactly the mean zero and the given covariances.
    rng : {"numpy", "R"}
        The random number generator.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which frames are returned.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> fit.simulator().draw(2, seed=1).y.shape
    (180, 2)
    """

    formula: str
    response: str
    data: Any
    n_rows: int
    parts: tuple[Part, ...]
    empirical: bool
    rng: Rng
    library: Library = "pandas"

    @property
    def family(self) -> Family | None:
        """The family of a generalized model; None for a linear one."""
        return self.parts[0].family

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
        """The replicates with some numbers; each is the same whichever others are drawn with it.

        Parameters
        ----------
        seeds : Seeds
        first, stop : int
            From `first` up to but not including `stop`.
        """
        drawn = draw_responses(
            self.parts, seeds, range(first, stop), n_rows=self.n_rows, empirical=self.empirical
        )
        terms = self.parts[0].design.terms
        return Simulation(
            response=self.response,
            data=self.data,
            y=locked(drawn.y.T),
            errors=locked(drawn.errors.T),
            terms=tuple(self._terms()),
            random_effects={
                term.label: read_only(effects)
                for term, effects in zip(terms, drawn.effects, strict=True)
            },
            seeds=seeds,
            first=first,
            library=self.library,
        )

    def table(self) -> Any:
        """The predictors with a placeholder response, missing in rows for which none is drawn."""
        y = np.full(self.n_rows, np.nan)
        for part in self.parts:
            y[part.rows] = placeholder(self.family, len(part.rows), part.trials)
        return with_column(self.data, self.response, y)

    def _terms(self) -> Iterator[DrawnTerm]:
        for terms in zip(*(part.design.terms for part in self.parts), strict=True):
            yield DrawnTerm(
                label=terms[0].label,
                group=terms[0].group,
                names=terms[0].names,
                levels=tuple(chain(*(term.levels for term in terms))),
            )

    def describe(self) -> Document:
        """The model, the rows, and the parameters of each part of them."""
        family = self.family
        facts = [("Response", self.response), ("Rows", f"{self.n_rows:,}")]
        if family is not None:
            facts.append(("Family", f"{family.name}, link {family.link}"))
        facts.append(("Random numbers", "R" if self.rng == "R" else "NumPy"))
        if self.empirical:
            facts.append(("Effects", "with exactly the mean zero and the given covariances"))
        tables = map(self._parameters, self.parts)
        title = f"Simulator of {self.formula}"
        return Document(title=title, blocks=(Facts(tuple(facts)), *tables))

    def _parameters(self, part: Part) -> Table:
        """Fixed effects, standard deviations and correlations of one part."""
        terms = part.design.terms
        values = dict(zip(part.design.x_names, part.beta.tolist(), strict=True))
        labels = block_labels(term.group for term in terms)
        for term, label, covariance in zip(terms, labels, part.covariances, strict=True):
            sd = np.sqrt(covariance.diagonal())
            values |= {f"sd {n} | {label}": s for n, s in zip(term.names, sd, strict=True)}
            for row, column in cells(len(term.names)):
                if row > column and sd[row] > 0 and sd[column] > 0:
                    name = f"corr {term.names[column]}, {term.names[row]} | {label}"
                    values[name] = covariance[row, column] / (sd[row] * sd[column])
        if part.family is None:
            values["sd Residual"] = part.sigma
        return Table(
            columns=("value",),
            rows=tuple((f"{value:.4g}",) for value in values.values()),
            row_names=tuple(values),
            caption=None if len(self.parts) == 1 else f"{len(part.rows):,} rows",
        )

    def __repr__(self) -> str:
        return f"<Simulator of {self.formula} for {self.n_rows} rows, rng {self.rng!r}>"


def placeholder(
    family: Family | None, n: int, trials: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Numbers in the place of a response that is still to be drawn, on which `y` alone depends.

    Of a generalized model numbers that the family can have.

    Parameters
    ----------
    family : Family or None
    n : int
    trials : ndarray, shape (n,), optional
        Where they are successes among so many.
    """
    numbers = np.arange(float(n))
    if family is None:
        return numbers
    if trials is not None:
        limited: NDArray[np.float64] = np.minimum(numbers % 2, trials)
        return limited
    return numbers % 2 if family.name == "binomial" else numbers + 1.0
