"""The source of a study's data: a simulator, or a function of the user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pylme.errors import OptionError
from pylme.options import Rng
from pylme.simulation.draw.simulator import Simulator
from pylme.simulation.draw.specification import response_name

if TYPE_CHECKING:
    from pylme.draws.seeds import Seeds
    from pylme.families import Family

__all__ = ["Drawn", "OwnFunction", "Source", "family_of", "source_of"]


class Drawn(Protocol):
    """Drawn replicates."""

    @property
    def first(self) -> int:
        """The number of the first replicate."""
        ...

    def __len__(self) -> int: ...

    def to_frame(self, i: int) -> Any:
        """The table of one replicate."""
        ...


class Source(Protocol):
    """An object that draws replicates."""

    @property
    def rng(self) -> Rng:
        """The generator that its seeds are for."""
        ...

    def replicates(self, seeds: Seeds, first: int, stop: int) -> Drawn:
        """The replicates with the numbers from `first` up to but not including `stop`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnTables:
    """The tables returned by a user's function, or the errors that it raised."""

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
    """A user's function that takes a `numpy.random.Generator` and returns a table."""

    function: Callable[[np.random.Generator], Any]
    rng: Rng = "numpy"

    def replicates(self, seeds: Seeds, first: int, stop: int) -> DrawnTables:
        """The tables of some replicates; where the function raises, the error is kept instead."""
        return DrawnTables(
            first=first, tables=tuple(self._table(seeds.generator(i)) for i in range(first, stop))
        )

    def _table(self, generator: np.random.Generator) -> Any:
        try:
            return self.function(generator)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (kept in the replicate's row)
            return error


def family_of(source: Source) -> Family | None:
    """The family that a simulator draws from; None for a linear model and a user's function."""
    return source.family if isinstance(source, Simulator) else None


def source_of(simulate: Any) -> Source:
    """The source that draws the replicates of a study.

    Parameters
    ----------
    simulate : Simulator, Fit or callable

    Raises
    ------
    OptionError
        If it is neither a simulator, a fit nor a function.
    ResponseError
        If it is a fit whose response is an expression.
    """
    if callable(getattr(simulate, "simulator", None)):
        simulate = simulate.simulator()
    if isinstance(simulate, Simulator):
        # The response of a fit may be an expression, which cannot be a column of the drawn table.
        response_name(simulate.formula)
        return simulate
    if callable(simulate):
        return OwnFunction(function=simulate)
    raise OptionError(
        option="simulate",
        value=simulate,
        allowed="a pylme.simulator(...), a fit, or a function from a numpy Generator to a table",
    )
