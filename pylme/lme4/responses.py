"""One linear model fitted to many responses by lme4, each as lmer fits it.

Model frame, model matrices and the template of Λ depend on the other columns alone; they are made
once. In R the first response is fitted both by lmer and by its steps, and the steps are gone on
with only if both gave the same numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme.lme4.fitting import call_arguments
from pylme.lme4.model import RModel
from pylme.lme4.session import session
from pylme.model_matrix.responses import response_column, with_response

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pylme.lme4.control import Control
    from pylme.lme4.session import Handle
    from pylme.model_matrix.spec import ModelSpec
    from pylme.results.condition import Condition

__all__ = ["Responses", "prepare_again", "prepare_responses"]


class Responses:
    """A model that waits for responses.

    Parameters
    ----------
    handle : Handle
    conditions : tuple of Condition
        What R said of the other columns.
    spec : ModelSpec
        Its own response is not used.
    """

    def __init__(self, handle: Handle, conditions: tuple[Condition, ...], spec: ModelSpec) -> None:
        self._handle = handle
        self._conditions = conditions
        self._spec = spec

    def fit(self, y: NDArray[np.float64]) -> RModel:
        """The fit to a response, shape (rows,) in the rows of the specification's frame.

        Raises
        ------
        RError
            If R stops.
        """
        handle, told = session().hold("fit_response", self._handle, y)
        conditions = tuple(dict.fromkeys((*self._conditions, *told)))
        return RModel(handle, conditions, with_response(self._spec, y))


def prepare_responses(spec: ModelSpec, control: Control | None) -> Responses:
    """The model of a specification.

    Raises
    ------
    RError
        If R stops.
    """
    arguments = call_arguments(spec, function="lmer", control=control)
    response = response_column(spec.formula.response)
    handle, told = session().hold("prepare_call", response, *arguments)
    return Responses(handle, told, spec)


def prepare_again(model: RModel) -> Responses:
    """The model that was fitted, with the control and start that it was fitted with.

    Raises
    ------
    RError
        If R stops.
    """
    response = response_column(model.spec.formula.response)
    handle, told = session().hold("prepare_fit", response, model.handle)
    return Responses(handle, told, model.spec)
