"""A fitted model fitted again to responses that are drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pylme.design.responses import with_response
from pylme.design.spec import ModelSpec
from pylme.errors import NotAvailableError
from pylme.formula import Name
from pylme.lme4.model import RModel
from pylme.reference.engine import fit_with_numpy
from pylme.results.protocol import FittedModel
from pylme.study.batched import Batch
from pylme.study.collecting import Collect
from pylme.study.one_by_one import ByResponse
from pylme.study.seeds import Seeds
from pylme.study.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from pylme.study.shards import Fitter

__all__ = ["NAME", "Refits"]

#: The model's name in the rows.
NAME: Final = "fit"


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
    def models(self) -> Mapping[str, object]:
        """The one model."""
        return {NAME: self.model}

    @property
    def batched(self) -> bool:
        """Whether the replicates of a shard are fitted at once."""
        return self.engine == "numpy" and self.collect is None

    def fitters(self) -> list[Fitter]:
        """What fits the model."""
        if self.batched:
            return [Batch(NAME, self.spec)]
        return [ByResponse(NAME, self.spec, self._prepared(), check=False, collect=self.collect)]

    def _prepared(self) -> Any:
        if self.engine == "lme4":
            if not isinstance(self.model, RModel):
                raise NotAvailableError(
                    asked="Fitting the replicates of a fit by the numpy engine with lme4",
                    found="lme4 has not fitted this model, so that its control is not known",
                    remedy='Fit it with engine="lme4" first, or leave the engine as it is.',
                )
            from pylme.lme4.responses import prepare_again

            return prepare_again(self.model).fit
        if not isinstance(self.spec.formula.response, Name):
            raise NotAvailableError(
                asked="Computing a statistic of fits by the numpy engine",
                found=f"the response of {self.spec.formula} is an expression, and what is drawn "
                "are its values",
                remedy="Put them into a column of the data, and fit the model to that column.",
            )
        return partial(_fit_with_numpy, self.spec)


def _fit_with_numpy(spec: ModelSpec, y: NDArray[np.float64]) -> FittedModel:
    return fit_with_numpy(with_response(spec, y))
