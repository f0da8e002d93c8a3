"""A model fitted to one replicate after the other: by lme4, or wherever a fit itself is wanted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.crosscheck.fitting import examined_for_breakdown, fit_model
from pylme.errors import FitWarning
from pylme.simulation.estimate.block import stacked
from pylme.simulation.estimate.record import failure, record_of
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pylme.model_matrix.spec import ModelSpec
    from pylme.options import EngineName
    from pylme.results.fitted_model import FittedModel
    from pylme.simulation.draw.simulation import Simulation
    from pylme.simulation.draw.sources import Drawn
    from pylme.simulation.estimate.block import Block
    from pylme.simulation.estimate.models import StudyModel
    from pylme.simulation.estimate.record import Collect, Record

__all__ = ["ByResponse", "ByTable"]


class _OneByOne:
    """What both ways share: the clock, the errors, the verdict, the user's own numbers."""

    def __init__(self, name: str, *, check: bool, collect: Collect | None) -> None:
        self.name = name
        self.check = check
        self.collect = collect

    def fitted(self, drawn: Any, i: int) -> FittedModel:
        """The fit to replicate `i` of those drawn."""
        raise NotImplementedError

    def fit(self, drawn: Drawn) -> list[Block]:
        """The fits to all replicates drawn."""
        records = [self._record(drawn, i) for i in range(len(drawn))]
        return [stacked(self.name, records, first=drawn.first)]

    def _record(self, drawn: Drawn, i: int) -> Record:
        started = time.perf_counter()
        try:
            with silenced(FitWarning):
                # What they say is in the columns of the replicate's row.
                model = self.fitted(drawn, i)
                seconds = time.perf_counter() - started
                verdict = self._verdict(model)
            collected = {} if self.collect is None else self.collect(model)
            return record_of(model, seconds=seconds, verdict=verdict, collected=collected)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (kept as the replicate's row)
            return failure(error, seconds=time.perf_counter() - started)

    def _verdict(self, model: FittedModel) -> str | None:
        if not self.check:
            return None
        from pylme.crosscheck.check import cross_check

        return cross_check(model, starts=None).verdict.value


class ByResponse(_OneByOne):
    """A model on one design: only the response differs by replicate.

    Parameters
    ----------
    name : str
    spec : ModelSpec
    prepared : callable
        Fits the model to a response in the rows of the specification.
    check : bool
    collect : Collect or None
    """

    def __init__(
        self,
        name: str,
        spec: ModelSpec,
        prepared: Callable[[NDArray[np.float64]], FittedModel],
        *,
        check: bool,
        collect: Collect | None,
    ) -> None:
        super().__init__(name, check=check, collect=collect)
        self.rows = spec.frame.rows
        self.prepared = prepared

    def fitted(self, drawn: Simulation, i: int) -> FittedModel:
        """The fit to replicate `i`."""
        kept = slice(None) if self.rows.kept is None else self.rows.kept
        return examined_for_breakdown(self.prepared(np.ascontiguousarray(drawn.y[kept, i])))


class ByTable(_OneByOne):
    """A model on a table that is read anew for each replicate."""

    def __init__(
        self,
        name: str,
        model: StudyModel,
        *,
        engine: EngineName,
        check: bool,
        collect: Collect | None,
    ) -> None:
        super().__init__(name, check=check, collect=collect)
        self.model = model
        self.engine = engine

    def fitted(self, drawn: Drawn, i: int) -> FittedModel:
        """The fit to replicate `i`."""
        spec = self.model.specified(drawn.to_frame(i))
        return fit_model(self.engine, self.model.request(spec))
