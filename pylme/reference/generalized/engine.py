"""Fit a generalized model in NumPy: from its specification to a fitted model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pylme.deadline import time_limit
from pylme.errors import NotAvailableError, OptionError
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

#: Effects of all grouping factors but the largest: their equations are dense.
MOST_EFFECTS: Final = 8000


def fit_generalized(request: FitRequest) -> GeneralizedModel:
    """Fit a generalized linear mixed model.

    Raises
    ------
    DataError
        If no model can be fitted to the data.
    OptionError
        If the starting values or the number of quadrature points do not suit the model.
    NotAvailableError
        If the model has more crossed effects than the engine is made for.
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
        _require_size(problem)
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


def _require_size(problem: GeneralizedProblem) -> None:
    sizes: dict[str, int] = {}
    for term in problem.terms:
        sizes[term.group] = sizes.get(term.group, 0) + term.n_effects
    rest = sum(sizes.values()) - max(sizes.values())
    if rest > MOST_EFFECTS:
        raise NotAvailableError(
            asked="Fitting a generalized model with engine='numpy'",
            found=f"the grouping factors but the largest have {rest:,} random effects, and their "
            f"equations are dense here: up to {MOST_EFFECTS:,} are possible",
            remedy='Fit it with engine="lme4".',
        )
