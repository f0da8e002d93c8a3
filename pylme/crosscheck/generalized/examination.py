"""The examination of a generalized model: lme4's numbers, the certificate, and the searches.

The NumPy engine evaluates the criterion that was fitted (lme4's, or that of a fit of its own) from
the matrices of the fit. Everything is judged by exact values of it, never by the value that lme4
reports, whose error can be larger than what is looked for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.crosscheck.alarms import alarms_of
from pylme.crosscheck.evidence import Examination, impossible
from pylme.crosscheck.generalized.certificate import certify
from pylme.crosscheck.generalized.search import search
from pylme.crosscheck.generalized.sides import GeneralizedSides, Reported
from pylme.crosscheck.tiers.registry import APPROXIMATION, GENERALIZED, compare
from pylme.errors import NoFiniteEstimateWarning, RError
from pylme.families.family import family_of_name, has_dispersion
from pylme.identifiability.identify import identify
from pylme.lme4.conditions import classify
from pylme.lme4.linear_problem import generalized_problem_of
from pylme.reference.generalized.criterion import criterion_of
from pylme.reference.generalized.evaluate import parameters_of
from pylme.reference.generalized.iterate_bound import iterate_bound
from pylme.reference.threads import one_thread
from pylme.versions import has

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylme.crosscheck.comparison import Tier
    from pylme.crosscheck.generalized.search import GeneralizedSearch
    from pylme.lme4.model import RModel
    from pylme.reference.generalized.criterion import GeneralizedCriterion
    from pylme.results.fitted_model import Condition, FittedModel

__all__ = ["examine_by_lme4", "examine_by_numpy", "without_estimate"]

_NO_VALUE: Final = (
    "the criterion has no finite value at the parameters of the fit: double precision is not "
    "enough for these data, or the response is not possible in this family"
)
_NO_QUADRATURE: Final = (
    "quadrature needs one random-effects term of one effect, a family without a dispersion, and a "
    "fit by the Laplace approximation"
)
_DISPERSION: Final = (
    "since version 2.1 lme4 weighs the random effects of families with a dispersion parameter by "
    "the dispersion, and the NumPy engine computes the criterion of the versions before"
)
_DIFFER: Final = "the two designs differ, so their optima do too"
_INFINITE: Final = "an estimate is infinite, so that no search ends"


def without_estimate(conditions: Iterable[Condition]) -> tuple[str, ...]:
    """What the engine found that has no finite estimate, in its words."""
    said = dict.fromkeys(" ".join(condition.message.split()) for condition in conditions)
    return tuple(text for text in said if issubclass(classify(text), NoFiniteEstimateWarning))


def examine_by_lme4(
    model: RModel,
    sides: GeneralizedSides,
    *,
    done: tuple[Tier, ...],
    starts: int | None,
    quadrature: int | None,
) -> Examination:
    """Check a generalized model that lme4 fitted.

    Parameters
    ----------
    model : RModel
    sides : GeneralizedSides
        With lme4's matrices and pylme's design.
    done : tuple of Tier
        The comparison of the designs.
    starts : int or None
        With 1, the optimum is searched for from lme4's point alone.
    quadrature : int or None
        The points of the quadrature with which the approximation is compared.
    """
    family = model.spec.family
    if has_dispersion(family) and has("dispersion"):
        return impossible(
            _DISPERSION,
            str(model.spec.formula),
            model.estimates().criterion,
            done=done,
            alarms=alarms_of(model.conditions, singular=False),
            remedy='Fit with engine="numpy", criterion="likelihood": it is a likelihood.',
        )
    system = sides.system
    assert system is not None  # noqa: S101  (lme4's fits have one)
    value, tolerance, own = model.tight_criterion()
    info = model.info()
    problem = generalized_problem_of(system, sides.terms, family_of_name(info.family, info.link))
    reported = Reported(
        criterion=system.criterion,
        x=parameters_of(problem),
        std_error=_errors_by_lme4(model),
        tight=value,
        tolerance=tolerance,
        own_tolerance=own,
    )
    sides = replace(sides, fit=reported, problem=problem, gradient=system.gradient, reason=_DIFFER)
    return _examined(
        model, sides, done=done, starts=starts, quadrature=quadrature, agree=not done[0].failures
    )


def examine_by_numpy(
    model: FittedModel, *, starts: int | None, quadrature: int | None, one_side: str
) -> Examination:
    """Check a generalized model that the NumPy engine fitted.

    Parameters
    ----------
    model : FittedModel
    starts, quadrature
        As `examine_by_lme4`.
    one_side : str
        Why nothing is compared with lme4.
    """
    problem = model.generalized_problem()
    assert problem is not None  # noqa: S101  (of generalized models)
    reported = Reported(criterion=model.estimates().criterion, x=parameters_of(problem))
    sides = GeneralizedSides(
        fit=reported, problem=problem, terms=problem.terms, design=model.design, reason=one_side
    )
    done = compare(replace(sides, design=None), tiers=GENERALIZED, stop=2)
    return _examined(model, sides, done=done, starts=starts, quadrature=quadrature, agree=True)


def _errors_by_lme4(model: RModel) -> np.ndarray | None:
    """The standard errors that lme4 reports; None where it has none."""
    try:
        variances = np.diag(model.vcov())
    except RError:
        return None
    return np.sqrt(variances) if (variances > 0.0).all() else None


def _examined(
    model: RModel | FittedModel,
    sides: GeneralizedSides,
    *,
    done: tuple[Tier, ...],
    starts: int | None,
    quadrature: int | None,
    agree: bool,
) -> Examination:
    fit, problem = sides.fit, sides.problem
    assert fit is not None  # noqa: S101  (the callers give both)
    assert problem is not None  # noqa: S101
    formula = str(model.spec.formula) if model.spec is not None else ""
    endless = without_estimate(model.conditions)
    with one_thread():
        criterion = criterion_of(problem)
        point = criterion.exactly(fit.x)
        proof = certify(criterion, point)
        if proof is None:
            alarms = alarms_of(model.conditions, singular=False)
            return impossible(_NO_VALUE, formula, fit.criterion, done=done, alarms=alarms)
        certificate, solution = proof
        if sides.system is not None:
            solution = replace(
                solution,
                bound=iterate_bound(criterion, point, fit.own_tolerance),
                tight_bound=iterate_bound(criterion, point, fit.tolerance),
            )
        sides = replace(sides, solution=solution, certificate=certificate)
        # Where an estimate is infinite, no search ends, and none is needed.
        found = search(criterion, fit.x, starts) if agree and not endless else None
        missing = _INFINITE if endless else _DIFFER
        sides = replace(sides, found=found, reasons={**sides.reasons, "found": missing})
        tiers = compare(sides, tiers=GENERALIZED, done=done)
        if quadrature is not None:
            accurate, why = _by_quadrature(criterion, found, quadrature)
            sides = replace(sides, accurate=accurate, reasons={**sides.reasons, "accurate": why})
            more = compare(sides, tiers=(*GENERALIZED, APPROXIMATION), done=tiers)
            tiers = more
    singular = () if found is None else found.certificate.singular
    return Examination(
        formula=formula,
        criterion=fit.criterion,
        recomputed=solution.criterion,
        tiers=tiers,
        certificate=certificate,
        found=found,
        endless=endless,
        directions=() if sides.design is None else identify(sides.design).directions,
        alarms=alarms_of(model.conditions, singular=bool(singular)),
    )


def _by_quadrature(
    criterion: GeneralizedCriterion, found: GeneralizedSearch | None, points: int
) -> tuple[GeneralizedSearch | None, str]:
    """The optimum of the integral, or why there is none."""
    problem = criterion.problem
    one = len(problem.terms) == 1 and len(problem.terms[0].names) == 1
    if not one or problem.n_agq != 1 or has_dispersion(problem.family):
        return None, _NO_QUADRATURE
    if found is None:
        return None, _DIFFER
    integral = criterion_of(replace(problem, n_agq=points))
    return search(integral, found.x, starts=None), _NO_VALUE
