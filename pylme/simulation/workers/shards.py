"""Work divided into shards of consecutive replicates that know nothing of each other.

Their size does not depend on how many workers there are, so that neither do the numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.draws.seeds import Seeds
    from pylme.simulation.draw.sources import Drawn, Source
    from pylme.simulation.estimate.block import Block

__all__ = ["Fitter", "Work", "at_once", "blocks_of_shard", "shards"]

#: Replicates in a shard: a batch is cheaper the more it holds, lme4 takes as long for each.
_OF_A_BATCH: Final = 500
_ONE_BY_ONE: Final = 5
#: Numbers that the responses of a shard may hold.
_MOST_NUMBERS: Final = 20_000_000


class Fitter(Protocol):
    """What fits one model to replicates."""

    def fit(self, drawn: Drawn) -> list[Block]:
        """The fits to all replicates drawn."""
        ...


class Work(Protocol):
    """What a worker needs to know to do any shard."""

    @property
    def key(self) -> str:
        """Tells this work from other: what is prepared once in a process is kept under it."""
        ...

    @property
    def source(self) -> Source:
        """What draws the replicates."""
        ...

    @property
    def seeds(self) -> Seeds:
        """The seeds of all replicates."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """What the models are called."""
        ...

    @property
    def batched(self) -> bool:
        """Whether the replicates of a shard are fitted at once."""
        ...

    def fitters(self) -> Sequence[Fitter]:
        """What fits each model, prepared as far as the data of all replicates are the same."""
        ...


def shards(work: Work, n: int) -> list[tuple[int, int]]:
    """The replicates of each shard, from and to."""
    return at_once(work.source, n, most=_OF_A_BATCH if work.batched else _ONE_BY_ONE)


def at_once(source: Source, n: int, *, most: int = _OF_A_BATCH) -> list[tuple[int, int]]:
    """Replicates that are drawn at once, from and to: few enough to be held."""
    rows = getattr(source, "n_rows", 1)
    size = max(1, min(most, _MOST_NUMBERS // rows))
    return [(first, min(first + size, n)) for first in range(0, n, size)]


def blocks_of_shard(work: Work, first: int, stop: int) -> list[Block]:
    """The fits of a shard, model by model."""
    drawn = work.source.replicates(work.seeds, first, stop)
    return [block for fitter in _fitters(work) for block in fitter.fit(drawn)]


#: What was prepared for the last work in this process.
_prepared: dict[str, Sequence[Fitter]] = {}


def _fitters(work: Work) -> Sequence[Fitter]:
    if work.key not in _prepared:
        _prepared.clear()
        _prepared[work.key] = work.fitters()
    return _prepared[work.key]
