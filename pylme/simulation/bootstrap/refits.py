"""A fitted model fitted again to responses that are drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from pylme.draws.seeds import Seeds
from pylme.lme4.model import RModel
from pylme.model_matrix.responses import with_response
from pylme.model_matrix.spec import ModelSpec
from pylme.reference.engine import fit_with_numpy
from pylme.results.protocol import FittedModel
from pylme.simulation.draw.simulator import Simulator
from pylme.simulation.estimate.batched import Batch
from pylme.simulation.estimate.collecting import Collect
from pylme.simulation.estimate.one_by_one import ByResponse
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from pylme.simulation.workers.shards import Fitter

__all__ = ["Refits"]

#: What its blocks call the model.
_NAME: Final = "fit"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refits:
    """The work of a parametric bootstrap.

    Attributes
    ----------
    key : str
    source : Simulator
        That of the model.
    seeds : Seeds
    model : FittedModel
    spec : ModelSpec
        Of the model.
    engine : {"lme4", "numpy"}
    collect : Collect or None
    """

    key: str
    source: Simulator
    seeds: Seeds
    model: FittedModel
    spec: ModelSpec
    engine: str
    collect: Collect | None

    @property
    def names(self) -> tuple[str, ...]:
        """What its blocks call the model."""
        return (_NAME,)

    @property
    def batched(self) -> bool:
        """Whether the replicates of a shard are fitted at once."""
        return self.engine == "numpy" and self.collect is None

    def fitters(self) -> list[Fitter]:
        """What fits the model."""
        if self.batched:
            return [Batch(_NAME, self.spec)]
        return [ByResponse(_NAME, self.spec, self._prepared(), check=False, collect=self.collect)]

    def _prepared(self) -> Callable[[NDArray[np.float64]], FittedModel]:
        if self.engine == "numpy":
            return partial(_fit_with_numpy, self.spec)
        from pylme.lme4.fitting import prepare_again, prepare_responses

        if isinstance(self.model, RModel):
            return prepare_again(self.model).fit
        return prepare_responses(self.spec, None).fit


def _fit_with_numpy(spec: ModelSpec, y: NDArray[np.float64]) -> FittedModel:
    with silenced():
        # They stay in the conditions of the fit.
        return fit_with_numpy(with_response(spec, y))
