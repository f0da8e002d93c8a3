"""Fitting a model by either engine, with an examination where the fit may have failed.

An engine returns its result. lme4 does not notice that a criterion has no minimum, or that an
estimate is NaN; the analysis by the other engine proves it. It is imported only for such fits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme.errors import RError
from pylme.results.engine import ENGINES

if TYPE_CHECKING:
    from pylme.options import EngineName
    from pylme.results.engine import FitRequest
    from pylme.results.fitted_model import FittedModel

__all__ = ["examined_for_breakdown", "fit_model"]


def fit_model(engine: EngineName, request: FitRequest) -> FittedModel:
    """Fit a model by the engine of that name.

    Raises
    ------
    ResponseError
        If the effects explain the response without any residual, so that there is nothing to fit.
    """
    try:
        model = ENGINES[engine].functions.fit(request)
    except RError as error:
        from pylme.crosscheck.breakdown import require_finite_optimum

        require_finite_optimum(request.spec, error)
        raise
    return examined_for_breakdown(model)


def examined_for_breakdown(model: FittedModel) -> FittedModel:
    """The same fit; if it has failed, its conditions say so.

    Raises
    ------
    ResponseError
        If the fixed effects alone explain the response.
    """
    if model.spec is None or not model.leaves_little():
        return model
    from pylme.crosscheck.breakdown import breakdown

    return model.with_conditions(breakdown(model, model.spec))
