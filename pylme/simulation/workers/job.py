"""A study as a job: the source of the data, the models, and how they are fitted."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylme.draws.seeds import Seeds
from pylme.errors import RError
from pylme.formula import parse_formula
from pylme.model_matrix.requirements import require_fittable
from pylme.model_matrix.response import response_column
from pylme.options import EngineName
from pylme.results.engine import ENGINES
from pylme.simulation.draw.simulator import Simulator
from pylme.simulation.draw.sources import Source
from pylme.simulation.estimate.models import StudyModel
from pylme.simulation.estimate.one_by_one import ByResponse, ByTable
from pylme.simulation.estimate.record import Collect
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from pylme.model_matrix.spec import ModelSpec
    from pylme.simulation.workers.shards import Fitter

__all__ = ["Job"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """Everything that a worker needs to process any shard of a study.

    Attributes
    ----------
    key : str
        Identifies the job; what a process prepares once is kept under it.
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
    engine: EngineName
    check: bool
    collect: Collect | None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the models."""
        return tuple(self.models)

    @property
    def batched(self) -> bool:
        """Whether the replicates of a shard are fitted at once."""
        if self.collect is not None or self.check or not ENGINES[self.engine].in_batches:
            return False
        return not any(
            model.family is not None or parse_formula(model.formula).structured
            for model in self.models.values()
        )

    def require_fittable(self) -> None:
        """Raise if a model cannot be fitted to any replicate, before one is drawn.

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
        with silenced():
            # The warning about rows with missing predictors was given by the simulator.
            table = self.source.table()
            return {name: model.specified(table) for name, model in self.models.items()}

    def fitters(self) -> list[Fitter]:
        """The fitters of the models, prepared as far as the data of all replicates agree."""
        specs = self.specs()
        return [self._fitter(name, specs.get(name)) for name in self.models]

    def _fitter(self, name: str, spec: ModelSpec | None) -> Fitter:
        model = self.models[name]
        if spec is not None and self._explains_what_is_drawn(spec):
            if self.batched:
                # Workers of lme4 start sooner without the reference fitter.
                from pylme.simulation.estimate.batched import Batch

                return Batch(name, spec)
            # If the engine refuses the model now, it refuses each replicate, and its row says so.
            with suppress(RError):
                return ByResponse(
                    name, spec, ENGINES[self.engine].functions.prepare(model.request(spec)),
                    check=self.check, collect=self.collect,
                )  # fmt: skip
        return ByTable(name, model, engine=self.engine, check=self.check, collect=self.collect)

    def _explains_what_is_drawn(self, spec: ModelSpec) -> bool:
        """Whether the model's response is the drawn column itself and not an expression."""
        source = self.source
        return (
            isinstance(source, Simulator)
            and response_column(spec.formula.response) == source.response
        )
