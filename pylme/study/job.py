"""A study's work, divided into shards of consecutive replicates that know nothing of each other."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from pylme.design.requirements import require_fittable
from pylme.errors import PylmeWarning, RError
from pylme.formula import Name
from pylme.study.batched import Batch
from pylme.study.collecting import Collect
from pylme.study.models import StudyModel
from pylme.study.one_by_one import ByResponse, ByTable
from pylme.study.seeds import Seeds
from pylme.study.simulator import Simulator
from pylme.study.sources import Source
from pylme.study.tables import with_column

if TYPE_CHECKING:
    from pylme.design.spec import ModelSpec

__all__ = ["Job"]

#: Replicates in a shard: a batch is cheaper the more it holds, lme4 takes as long for each.
_OF_A_BATCH: Final = 500
_OF_LME4: Final = 10
#: Numbers that the responses of a shard may hold.
_MOST_NUMBERS: Final = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """What a worker needs to know to do any shard.

    Attributes
    ----------
    key : str
        Tells this job from others: what is prepared once in a process is kept under it.
    source : Source
    seeds : Seeds
    models : mapping of str to StudyModel
    engine : {"lme4", "numpy"}
    check : bool
        Whether each fit is cross-checked.
    collect : callable or None
    """

    key: str
    source: Source
    seeds: Seeds
    models: Mapping[str, StudyModel]
    engine: str
    check: bool
    collect: Collect | None

    def shards(self, n: int) -> list[tuple[int, int]]:
        """The replicates of each shard, from and to; the same however many workers there are."""
        size = _OF_A_BATCH if self._batched else _OF_LME4
        if isinstance(self.source, Simulator):
            size = max(1, min(size, _MOST_NUMBERS // self.source.n_rows))
        return [(first, min(first + size, n)) for first in range(0, n, size)]

    @property
    def _batched(self) -> bool:
        return self.engine == "numpy" and self.collect is None and not self.check

    def run(self, first: int, stop: int) -> pd.DataFrame:
        """The tidy rows of a shard."""
        drawn = self.source.replicates(self.seeds, first, stop)
        blocks = [block for fitter in _fitters(self) for block in fitter.fit(drawn)]
        return pd.concat([block.to_frame() for block in blocks], ignore_index=True)

    def require_fittable(self) -> None:
        """Raise where a model can be fitted to no replicate, before any is drawn.

        Raises
        ------
        FormulaError, DataError
            As `lmer`.
        """
        for name, spec in self.specs().items():
            relaxed = self.models[name].control is not None
            require_fittable(spec, more_effects_than_rows=relaxed)

    def specs(self) -> dict[str, ModelSpec]:
        """The models on the simulator's predictors; none where a function makes the tables."""
        if not isinstance(self.source, Simulator):
            return {}
        with warnings.catch_warnings():
            # The rows without predictors were told of when the simulator was made.
            warnings.simplefilter("ignore", PylmeWarning)
            table = _placeholder(self.source)
            return {name: model.specified(table) for name, model in self.models.items()}

    def fitters(self) -> list[Batch | ByResponse | ByTable]:
        """What fits each model, prepared as far as the data of all replicates are the same."""
        specs = self.specs()
        return [self._fitter(name, specs.get(name)) for name in self.models]

    def _fitter(self, name: str, spec: ModelSpec | None) -> Batch | ByResponse | ByTable:
        model = self.models[name]
        if spec is not None and self._explains_what_is_drawn(spec):
            if self._batched:
                return Batch(name, spec)
            if self.engine == "lme4":
                # What R refuses now it refuses of each replicate, whose row then says so.
                with suppress(RError):
                    return ByResponse(
                        name, spec, model.control, check=self.check, collect=self.collect
                    )
        return ByTable(name, model, engine=self.engine, check=self.check, collect=self.collect)

    def _explains_what_is_drawn(self, spec: ModelSpec) -> bool:
        """Whether the model's response is the column that is drawn, and no expression of it."""
        response = spec.formula.response
        source = self.source
        return (
            isinstance(source, Simulator)
            and isinstance(response, Name)
            and response.name == source.response
        )


def _placeholder(source: Simulator) -> Any:
    """The predictors with a response that is missing where none is drawn."""
    y = np.full(source.n_rows, np.nan)
    for part in source.parts:
        y[part.rows] = np.arange(len(part.rows))
    return with_column(source.data, source.response, y)


#: What was prepared for the last job in this process.
_prepared: dict[str, list[Batch | ByResponse | ByTable]] = {}


def _fitters(job: Job) -> list[Batch | ByResponse | ByTable]:
    if job.key not in _prepared:
        _prepared.clear()
        _prepared[job.key] = job.fitters()
    return _prepared[job.key]
