"""Where a study's data come from: a simulator, or the user's own function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pylme.draws.seeds import Rng
from pylme.errors import OptionError
from pylme.simulation.draw.predictors import response_name
from pylme.simulation.draw.simulator import Simulator

if TYPE_CHECKING:
    from pylme.draws.seeds import Seeds

__all__ = ["Drawn", "OwnFunction", "Source", "source_of"]


class Drawn(Protocol):
    """Replicates that were drawn."""

    @property
    def first(self) -> int:
        """The number of the first of them."""
        ...

    def __len__(self) -> int: ...

    def to_frame(self, i: int) -> Any:
        """The table of one of them."""
        ...


class Source(Protocol):
    """What draws replicates."""

    @property
    def rng(self) -> Rng:
        """Whose seeds it takes."""
        ...

    def replicates(self, seeds: Seeds, first: int, stop: int) -> Drawn:
        """The replicates of those numbers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnTables:
    """Tables that a user's function made, or the errors in place of them."""

    first: int
    tables: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.tables)

    def to_frame(self, i: int) -> Any:
        """The table of a replicate; its error is raised."""
        table = self.tables[i]
        if isinstance(table, BaseException):
            raise table
        return table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OwnFunction:
    """A function of the user's that takes a `numpy.random.Generator` and gives a table."""

    function: Callable[[np.random.Generator], Any]
    rng: Rng = "numpy"

    def replicates(self, seeds: Seeds, first: int, stop: int) -> DrawnTables:
        """The tables of those numbers; one that fails is kept as its error."""
        return DrawnTables(
            first=first, tables=tuple(self._table(seeds.generator(i)) for i in range(first, stop))
        )

    def _table(self, generator: np.random.Generator) -> Any:
        try:
            return self.function(generator)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (the replicate's row tells it)
            return error


def source_of(simulate: Any) -> Source:
    """What draws the replicates of a study.

    Parameters
    ----------
    simulate : Simulator, Fit or callable

    Raises
    ------
    OptionError
        If it is none of these.
    ResponseError
        If it is a fit whose response is an expression.
    """
    if callable(getattr(simulate, "simulator", None)):
        simulate = simulate.simulator()
    if isinstance(simulate, Simulator):
        # That of a fit may draw an expression, which no formula could name as a column.
        response_name(simulate.formula)
        return simulate
    if callable(simulate):
        return OwnFunction(function=simulate)
    raise OptionError(
        option="simulate",
        value=simulate,
        allowed="a pylme.simulator(...), a fit, or a function from a numpy Generator to a table",
    )
