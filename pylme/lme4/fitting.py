"""Models fitted by lme4: one specification, or one linear model and many responses.

For many responses the model frame, the model matrices and the template of Λ are made once, because
they depend only on the other columns. In R the first response is fitted both by lmer and by its
steps, and the steps are used for the others only if both gave the same numbers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pylme.errors import RError
from pylme.lme4.call import call_arguments
from pylme.lme4.failures import explained
from pylme.lme4.isolation.choice import session_for_fits, session_of
from pylme.lme4.model import RModel
from pylme.model_matrix.response import response_column, with_response

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.lme4.control import Control
    from pylme.lme4.isolation.choice import AnyHandle
    from pylme.model_matrix.spec import ModelSpec
    from pylme.results.engine import FitRequest
    from pylme.results.fitted_model import Condition

__all__ = ["Responses", "fit_with_lme4", "prepare_again", "prepare_responses"]


def fit_with_lme4(request: FitRequest) -> RModel:
    """Fit a model with the function of lme4 that the request names.

    Raises
    ------
    RError
        If R stops.
    FitTimeoutError
        If R takes longer.
    RUnavailableError
        If R, rpy2 or lme4 is missing.
    ZeroEffectsError
        If Z has no element but zeros.
    """
    spec, function = request.spec, request.function
    arguments = call_arguments(
        spec, function=function, control=request.control, n_agq=request.n_agq
    )
    try:
        handle, conditions = session_for_fits().hold(
            "fit_model", function, *arguments, timeout=request.timeout
        )
    except RError as error:
        raise explained(error, spec, of_counts=function == "glmer.nb") from None
    # The cross-check builds a design of its own from it, later: by then the caller's data may have
    # been changed in place.
    return RModel(handle, conditions, replace(spec, frame=spec.frame.owned())).examined()


class Responses:
    """A linear model prepared for many responses.

    Parameters
    ----------
    handle : Handle or RemoteHandle
    conditions : tuple of Condition
        R's messages about the other columns.
    spec : ModelSpec
        Its own response is not used.
    """

    def __init__(
        self, handle: AnyHandle, conditions: tuple[Condition, ...], spec: ModelSpec
    ) -> None:
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
        handle, said = session_of(self._handle).hold("fit_response", self._handle, y)
        conditions = tuple(dict.fromkeys((*self._conditions, *said)))
        spec = with_response(self._spec, y)
        # No response is drawn where an expression in the formula has no value.
        rows = spec.frame.rows.without(np.flatnonzero(np.isnan(y)))
        return RModel(handle, conditions, spec, rows)


def prepare_responses(spec: ModelSpec, control: Control | None) -> Responses:
    """The model of a specification.

    Raises
    ------
    RError
        If R stops.
    """
    arguments = call_arguments(spec, function="lmer", control=control)
    response = response_column(spec.formula.response)
    handle, said = session_for_fits().hold("prepare_call", response, *arguments)
    return Responses(handle, said, spec)


def prepare_again(model: RModel) -> Responses:
    """The model that was fitted, with the control and start of the fit.

    Raises
    ------
    RError
        If R stops.
    """
    response = response_column(model.spec.formula.response)
    handle, said = session_of(model.handle).hold("prepare_fit", response, model.handle)
    return Responses(handle, said, model.spec)
