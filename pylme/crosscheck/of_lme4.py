"""The examination of a fit by lme4.

lme4's matrices are compared with those that our design makes of the same data; the problem that
they define is then solved by the reference, so that both sides solve the same one to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.crosscheck.alarms import alarms_of
from pylme.crosscheck.breakdown import NOT_FINITE, not_finite
from pylme.crosscheck.certificate_tier import compare_certificate
from pylme.crosscheck.design_tier import compare_designs
from pylme.crosscheck.examination import Examination, impossible, not_checked, without_minimum
from pylme.crosscheck.optimum import compare_optima
from pylme.crosscheck.same_theta import compare_at_theta
from pylme.crosscheck.search import search
from pylme.errors import PylmeError
from pylme.lme4.linear_problem import linear_problem_of, terms_of
from pylme.model_matrix.build import build
from pylme.reference.linear import problem_of
from pylme.reference.optimize.certificate import certify
from pylme.reference.optimize.degenerate import has_no_minimum, unidentified
from pylme.reference.solution import solution_at
from pylme.reference.threads import one_thread
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.crosscheck.comparison import Tier
    from pylme.lme4.model import RModel
    from pylme.lme4.system import System
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.random_term import RandomTerm
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["examine_lme4"]

_IMPRECISE = "the reference cannot evaluate the criterion at lme4's theta, for want of precision"
_RESCALE = (
    "Centre and rescale the covariates and the response, which avoids most such failures, or fit "
    'the model with engine="numpy", which does so itself.'
)
_GENERALIZED = (
    "the criterion of a generalized linear mixed model is an approximation of lme4's own, which "
    "the reference does not compute"
)


def examine_lme4(model: RModel, starts: int | None) -> Examination:
    """Check a model that lme4 fitted, tier by tier.

    Parameters
    ----------
    model : RModel
    starts : int or None
        From how many starts the reference looks for the optimum.
    """
    system = model.system()
    done: tuple[Tier, ...] = ()
    remedy = ""
    try:
        terms = terms_of(system)
        design, first = _own_design(model.spec, system, terms)
        done = (first,)
        modes = ["conditional modes"] * (not np.isfinite(system.u).all())
        if bad := not_finite(system) + modes:
            reason, remedy = NOT_FINITE.format(bad=", ".join(bad)), _RESCALE
        elif system.linear:
            with one_thread():
                return _examined(model, system, terms, design=design, first=first, starts=starts)
        else:
            reason = _GENERALIZED
    except PylmeError as error:
        reason = error.found
    except np.linalg.LinAlgError:
        reason = _IMPRECISE
    return impossible(
        reason,
        str(model.spec.formula),
        system.criterion,
        done=done,
        alarms=alarms_of(model.conditions, singular=False),
        remedy=remedy,
    )


def _own_design(
    spec: ModelSpec, system: System, terms: Sequence[RandomTerm]
) -> tuple[ModelMatrices | None, Tier]:
    """Our design of the same data, and how it compares."""
    try:
        with silenced():
            # Of dropped columns and lost rows lme4's fit has told.
            design = build(spec)
    except PylmeError as error:
        return None, not_checked(1, error.found)
    return design, compare_designs(system, terms, design)


def _examined(
    model: RModel,
    system: System,
    terms: Sequence[RandomTerm],
    *,
    design: ModelMatrices | None,
    first: Tier,
    starts: int | None,
) -> Examination:
    problem = problem_of(linear_problem_of(system, terms))
    named = str(model.spec.formula), system.criterion
    left = np.array([system.sigma**2 * problem.likelihood.nu])
    if problem.suspects(left)[0] and has_no_minimum(problem):
        return without_minimum(*named, done=(first,))
    theta = problem.layout.matrices(problem.conditioned(system.theta[None]))
    evaluation = problem.criterion.exactly().evaluate(theta)
    solution = solution_at(problem, system.theta, evaluation=evaluation)
    certificate = certify(problem, terms, system.theta, evaluation)
    done = (
        first,
        compare_at_theta(system, solution),
        compare_certificate(certificate, solution, system.gradient),
    )
    facts: dict[str, Any] = {
        "formula": named[0],
        "criterion": named[1],
        "recomputed": solution.criterion,
        "certificate": certificate,
    }
    if first.failures:
        said = alarms_of(model.conditions, singular=bool(certificate.singular))
        tiers = (*done, not_checked(4, "the two designs differ, so their optima do too"))
        return Examination(tiers=tiers, alarms=said, **facts)
    found = search(problem, terms, system.theta, starts)
    if problem.suspects(found.evaluation.rss)[0] and has_no_minimum(problem):
        # lme4 had stopped before it was led there.
        return without_minimum(*named, done=(first,))
    best = solution_at(problem, found.theta, evaluation=found.evaluation)
    return Examination(
        tiers=(*done, compare_optima(system, solution.criterion, terms, found, best)),
        found=found,
        directions=() if design is None else unidentified(problem, design),
        alarms=alarms_of(model.conditions, singular=bool(found.certificate.singular)),
        **facts,
    )
