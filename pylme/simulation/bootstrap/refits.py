"""A fitted model fitted again to responses that are drawn from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.draws.seeds import Seeds
from pylme.options import EngineName
from pylme.results.engine import ENGINES, FitRequest
from pylme.results.fitted_model import FittedModel
from pylme.simulation.draw.simulator import Simulator
from pylme.simulation.estimate.batched import Batch
from pylme.simulation.estimate.one_by_one import ByResponse
from pylme.simulation.estimate.record import Collect
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pylme.model_matrix.spec import ModelSpec
    from pylme.simulation.workers.shards import Fitter

__all__ = ["Refits"]

#: The name of the model in the blocks.
_NAME: Final = "fit"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refits:
    """The work of a parametric bootstrap: fits to responses drawn from the model.

    Attributes
    ----------
    key : str
    source : Simulator
        The simulator of the model.
    seeds : Seeds
    model : FittedModel
    request : FitRequest
        What was fitted, and how.
    engine : {"lme4", "numpy"}
    collect : Collect or None
    """

    key: str
    source: Simulator
    seeds: Seeds
    model: FittedModel
    request: FitRequest
    engine: EngineName
    collect: Collect | None

    @property
    def names(self) -> tuple[str, ...]:
        """The name of the model in its blocks."""
        return (_NAME,)

    @property
    def batched(self) -> bool:
        """Whether the replicates of a shard are fitted at once."""
        in_batches = ENGINES[self.engine].in_batches and self.collect is None
        spec = self.request.spec
        return in_batches and spec.family is None and not spec.formula.structured

    def fitters(self) -> list[Fitter]:
        """The fitter of the model."""
        if self.batched:
            return [Batch(_NAME, self.request.spec)]
        spec = self.request.spec
        return [ByResponse(_NAME, spec, self._prepared(), check=False, collect=self.collect)]

    def _prepared(self) -> Callable[[NDArray[np.float64]], FittedModel]:
        engine = ENGINES[self.engine]
        same = engine is ENGINES[self.model.engine]
        if self.request.spec.family is not None:
            request = self.request if same else replace(self.request, control=None)
            prepared = _of_counts(engine.functions.prepare(request), self.source, request.spec)
        elif same:
            prepared = engine.functions.prepare_again(self.model)
        else:
            prepared = engine.functions.prepare(FitRequest(spec=self.request.spec))
        return partial(_silently, prepared)


def _of_counts(
    prepared: Callable[[NDArray[np.float64]], FittedModel], source: Simulator, spec: ModelSpec
) -> Callable[[NDArray[np.float64]], FittedModel]:
    """The same for responses of successes, which the model takes with the failures."""
    (part,) = source.parts
    if part.trials is None:
        return prepared
    trials = np.full(source.n_rows, np.nan)
    trials[part.rows] = part.trials
    rows = spec.frame.rows
    kept = slice(None) if rows.kept is None else rows.kept
    used = trials[kept]

    def fitted(y: NDArray[np.float64]) -> FittedModel:
        return prepared(np.column_stack([y, used - y]))

    return fitted


def _silently(
    prepared: Callable[[NDArray[np.float64]], FittedModel], y: NDArray[np.float64]
) -> FittedModel:
    with silenced():
        # The warnings stay in the conditions of the fit.
        return prepared(y)
