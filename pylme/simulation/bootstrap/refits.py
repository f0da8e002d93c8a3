"""A fitted model fitted again to responses that are drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from pylme.draws.seeds import Seeds
from pylme.model_matrix.spec import ModelSpec
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

    import numpy as np
    from numpy.typing import NDArray

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
    spec : ModelSpec
        The specification of the model.
    engine : {"lme4", "numpy"}
    collect : Collect or None
    """

    key: str
    source: Simulator
    seeds: Seeds
    model: FittedModel
    spec: ModelSpec
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
        return in_batches and not self.spec.formula.structured

    def fitters(self) -> list[Fitter]:
        """The fitter of the model."""
        if self.batched:
            return [Batch(_NAME, self.spec)]
        return [ByResponse(_NAME, self.spec, self._prepared(), check=False, collect=self.collect)]

    def _prepared(self) -> Callable[[NDArray[np.float64]], FittedModel]:
        engine = ENGINES[self.engine]
        if engine is ENGINES[self.model.engine]:
            prepared = engine.functions.prepare_again(self.model)
        else:
            prepared = engine.functions.prepare(FitRequest(spec=self.spec))
        return partial(_silently, prepared)


def _silently(
    prepared: Callable[[NDArray[np.float64]], FittedModel], y: NDArray[np.float64]
) -> FittedModel:
    with silenced():
        # The warnings stay in the conditions of the fit.
        return prepared(y)
