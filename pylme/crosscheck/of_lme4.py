"""The examination of a fit by lme4.

Two problems are solved: the one that lme4 solved, made of its own matrices, and the one that our
design makes of the same data. Where the two are the same to the last bit, as they are unless the
formula computes a basis, they are one.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.crosscheck.alarms import alarms_of
from pylme.crosscheck.certificate_tier import compare_certificate
from pylme.crosscheck.design_tier import compare_designs, same_problem
from pylme.crosscheck.examination import Examination, impossible, not_checked
from pylme.crosscheck.optimum import compare_optima
from pylme.crosscheck.posed import posed_by
from pylme.crosscheck.recovered import terms_of
from pylme.crosscheck.same_theta import compare_at_theta
from pylme.crosscheck.search import search
from pylme.design.build import build
from pylme.errors import PylmeError
from pylme.reference.certificate import certify
from pylme.reference.solution import solution_at
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.crosscheck.comparison import Tier
    from pylme.design.matrices import Design
    from pylme.design.random_term import RandomTerm
    from pylme.design.spec import ModelSpec
    from pylme.lme4.model import RModel
    from pylme.lme4.system import System

__all__ = ["examine_lme4"]

_IMPRECISE = "the reference cannot evaluate the criterion at lme4's theta, for want of precision"
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
    try:
        terms = terms_of(system)
        design, first = _own_design(model.spec, system, terms)
        done = (first,)
        if system.linear:
            with one_thread():
                return _examined(model, system, terms, design=design, first=first, starts=starts)
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
    )


def _own_design(
    spec: ModelSpec, system: System, terms: Sequence[RandomTerm]
) -> tuple[Design | None, Tier]:
    """Our design of the same data, and how it compares."""
    try:
        with warnings.catch_warnings():
            # Of dropped columns and lost rows lme4's fit has told.
            warnings.simplefilter("ignore")
            design = build(spec)
    except PylmeError as error:
        return None, not_checked(1, error.found)
    return design, compare_designs(system, terms, design)


def _examined(
    model: RModel,
    system: System,
    terms: Sequence[RandomTerm],
    *,
    design: Design | None,
    first: Tier,
    starts: int | None,
) -> Examination:
    problem = posed_by(system, terms, reml=system.reml).problem()
    theta = problem.layout.matrices(problem.conditioned(system.theta[None]))
    evaluation = problem.criterion.exactly().evaluate(theta)
    solution = solution_at(problem, system.theta, evaluation=evaluation)
    certificate = certify(problem, terms, system.theta, evaluation)
    done = (
        first,
        compare_at_theta(system, problem, solution),
        compare_certificate(certificate, solution, system.gradient),
    )
    facts: dict[str, Any] = {
        "formula": str(model.spec.formula),
        "criterion": system.criterion,
        "certificate": certificate,
    }
    if first.failures:
        said = alarms_of(model.conditions, singular=bool(certificate.singular))
        tiers = (*done, not_checked(4, "the two designs differ, so their optima do too"))
        return Examination(tiers=tiers, alarms=said, **facts)
    if design is not None:
        if not same_problem(system, terms, design):
            problem = posed_by(design, design.terms, reml=system.reml).problem()
        terms = design.terms
    found = search(problem, terms, system.theta, starts)
    best = solution_at(problem, found.theta, evaluation=found.evaluation)
    return Examination(
        tiers=(*done, compare_optima(system, terms, found, best)),
        found=found,
        directions=() if design is None else design.identifiability().directions,
        alarms=alarms_of(model.conditions, singular=bool(found.certificate.singular)),
        **facts,
    )
