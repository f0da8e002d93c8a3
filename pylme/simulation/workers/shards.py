"""Work divided into shards of consecutive replicates, which are independent of each other.

Their size does not depend on the number of workers, so neither do the results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.draws.seeds import Seeds
    from pylme.simulation.draw.sources import Drawn, Source
    from pylme.simulation.estimate.block import Block

__all__ = ["Fitter", "Work", "at_once", "blocks_of_shard", "shards"]

#: Replicates in a shard: large batches take less time for each replicate, fits by lme4 do not.
_OF_A_BATCH: Final = 500
_ONE_BY_ONE: Final = 5
#: How many numbers the responses of a shard may contain.
_MOST_NUMBERS: Final = 20_000_000


class Fitter(Protocol):
    """An object that fits one model to replicates."""

    def fit(self, drawn: Drawn) -> list[Block]:
        """The fits to all replicates drawn."""
        ...


class Work(Protocol):
    """Everything that a worker needs to process any shard."""

    @property
    def key(self) -> str:
        """Identifies the work; what a process prepares once is kept under it."""
        ...

    @property
    def source(self) -> Source:
        """The source that draws the replicates."""
        ...

    @property
    def seeds(self) -> Seeds:
        """The seeds of all replicates."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """The names of the models."""
        ...

    @property
    def batched(self) -> bool:
        """Whether the replicates of a shard are fitted at once."""
        ...

    def fitters(self) -> Sequence[Fitter]:
        """The fitters of the models, prepared as far as the data of all replicates agree."""
        ...


def shards(work: Work, n: int) -> list[tuple[int, int]]:
    """The replicates of each shard, from and to."""
    return at_once(work.source, n, most=_OF_A_BATCH if work.batched else _ONE_BY_ONE)


def at_once(source: Source, n: int, *, most: int = _OF_A_BATCH) -> list[tuple[int, int]]:
    """The replicates that are drawn together, from and to: few enough to fit into memory."""
    rows = getattr(source, "n_rows", 1)
    size = max(1, min(most, _MOST_NUMBERS // rows))
    return [(first, min(first + size, n)) for first in range(0, n, size)]


def blocks_of_shard(work: Work, first: int, stop: int) -> list[Block]:
    """The fits of a shard, model by model."""
    drawn = work.source.replicates(work.seeds, first, stop)
    return [block for fitter in _fitters(work) for block in fitter.fit(drawn)]


#: The fitters that were prepared for the last work in this process.
_prepared: dict[str, Sequence[Fitter]] = {}


def _fitters(work: Work) -> Sequence[Fitter]:
    if work.key not in _prepared:
        _prepared.clear()
        _prepared[work.key] = work.fitters()
    return _prepared[work.key]
