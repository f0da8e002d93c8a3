"""Work on many replicates, divided into shards that know nothing of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from pylme.study.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.study.block import Block
    from pylme.study.seeds import Seeds
    from pylme.study.sources import Source

__all__ = ["Fitter", "Work", "blocks_of", "shards_of"]

#: Replicates in a shard: a batch is cheaper the more it holds, a single fit takes as long for each.
_OF_A_BATCH: Final = 500
_ONE_BY_ONE: Final = 10
#: Numbers that the responses of a shard may hold.
_MOST_NUMBERS: Final = 20_000_000


class Fitter(Protocol):
    """A model, ready to be fitted to what is drawn."""

    def fit(self, drawn: Any) -> list[Block]:
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

    def fitters(self) -> Sequence[Fitter]:
        """The models, prepared as far as the data of all replicates are the same."""
        ...


#: What was prepared for the last work in this process.
_prepared: dict[str, Sequence[Fitter]] = {}


def blocks_of(work: Work, first: int, stop: int) -> list[Block]:
    """The fits of all models to the replicates from `first` up to but not including `stop`."""
    drawn = work.source.replicates(work.seeds, first, stop)
    if work.key not in _prepared:
        _prepared.clear()
        _prepared[work.key] = work.fitters()
    return [block for fitter in _prepared[work.key] for block in fitter.fit(drawn)]


def shards_of(n: int, source: Source, *, batched: bool) -> list[tuple[int, int]]:
    """The replicates of each shard, from and to; the same however many workers there are."""
    size = _OF_A_BATCH if batched else _ONE_BY_ONE
    if isinstance(source, Simulator):
        size = max(1, min(size, _MOST_NUMBERS // source.n_rows))
    return [(first, min(first + size, n)) for first in range(0, n, size)]
