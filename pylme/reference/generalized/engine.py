"""Fit a generalized model in NumPy: from its specification to a fitted model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme.deadline import time_limit
from pylme.errors import OptionError
from pylme.families import negative_binomial
from pylme.model_matrix.build import build, zero_effects
from pylme.model_matrix.requirements import require_fittable
from pylme.reference.generalized.fitting import fitted
from pylme.reference.generalized.model import GeneralizedModel
from pylme.reference.threads import one_thread
from pylme.results.generalized_problem import GeneralizedProblem

if TYPE_CHECKING:
    from pylme.results.engine import FitRequest

__all__ = ["fit_generalized"]


def fit_generalized(request: FitRequest) -> GeneralizedModel:
    """Fit a generalized linear mixed model.

    Raises
    ------
    DataError
        If no model can be fitted to the data.
    OptionError
        If the starting values or the number of quadrature points do not suit the model.
    TooLargeError
        If the equations of crossed effects do not fit into memory.
    FitTimeoutError
        If it takes longer than the request allows.
    """
    spec = request.spec
    require_fittable(spec)
    # One limit of threads for all steps: on small matrices a second thread only waits.
    with time_limit(request.timeout), one_thread():
        design = build(spec)
        if not any(term.columns.any() for term in design.terms):
            raise zero_effects(spec)
        free = request.function == "glmer.nb"
        family = spec.family
        assert family is not None  # noqa: S101  (of every generalized model)
        problem = GeneralizedProblem.of(
            design,
            negative_binomial(1.0) if free else family,
            shape_free=free,
            n_agq=1 if request.n_agq is None else request.n_agq,
            laplace=request.laplace,
            criterion=request.criterion,
        )
        _require_scalar_term(problem)
        ending, conditions, solution = fitted(spec, design, problem)
    return GeneralizedModel(spec, design, problem, ending, conditions, solution=solution)


def _require_scalar_term(problem: GeneralizedProblem) -> None:
    if problem.n_agq > 1 and (len(problem.terms) > 1 or len(problem.terms[0].names) > 1):
        raise OptionError(
            option="n_agq",
            value=problem.n_agq,
            allowed="0 or 1 for this model: more points need a single random-effects term of one "
            "effect, such as (1 | g)",
        )
