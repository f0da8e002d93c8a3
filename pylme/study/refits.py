"""A fitted model fitted again to what is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylme.design.spec import ModelSpec
from pylme.lme4.model import RModel
from pylme.study.batched import Batch
from pylme.study.collecting import Collect
from pylme.study.one_by_one import ByResponse, responses_of
from pylme.study.seeds import Seeds
from pylme.study.simulator import Simulator
from pylme.study.work import blocks_of, shards_of

if TYPE_CHECKING:
    from pylme.study.block import Block
    from pylme.study.one_by_one import Responses
    from pylme.study.work import Fitter

__all__ = ["Refits"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refits:
    """The work of fitting one model to many responses.

    Attributes
    ----------
    key : str
    source : Simulator
    seeds : Seeds
    spec : ModelSpec
        Its own response is not used.
    engine : {"lme4", "numpy"}
    again : RModel or None
        The fit whose control and start lme4 is to use again.
    collect : callable or None
    """

    key: str
    source: Simulator
    seeds: Seeds
    spec: ModelSpec
    engine: str
    again: RModel | None
    collect: Collect | None

    @property
    def _batched(self) -> bool:
        return self.engine == "numpy" and self.collect is None

    def shards(self, n: int) -> list[tuple[int, int]]:
        """The replicates of each shard, from and to."""
        return shards_of(n, self.source, batched=self._batched)

    def run(self, first: int, stop: int) -> list[Block]:
        """The fits to the replicates of a shard."""
        return blocks_of(self, first, stop)

    def fitters(self) -> list[Fitter]:
        """The model, prepared."""
        if self._batched:
            return [Batch("fit", self.spec)]
        waiting = self._waiting()
        return [ByResponse("fit", self.spec, waiting, check=False, collect=self.collect)]

    def _waiting(self) -> Responses:
        if self.again is None:
            return responses_of(self.spec, engine=self.engine, control=None)
        from pylme.lme4.responses import prepare_again

        return prepare_again(self.again)
