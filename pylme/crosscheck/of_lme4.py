"""The examination of a fit by lme4.

lme4's matrices are compared with those that our design makes of the same data. The NumPy engine
then solves the problem that lme4's define, so that both sides solve the same one to the last bit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pylme.crosscheck.alarms import alarms_of
from pylme.crosscheck.breakdown import NOT_FINITE, not_finite
from pylme.crosscheck.examination import Examination, impossible, without_minimum
from pylme.crosscheck.search import search
from pylme.crosscheck.sides import Sides
from pylme.crosscheck.tiers import compare
from pylme.errors import PylmeError
from pylme.lme4.linear_problem import linear_problem_of, terms_of
from pylme.model_matrix.build import build
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.optimize.certificate import certify
from pylme.reference.optimize.degenerate import has_no_minimum, unidentified
from pylme.reference.solution import solution_at
from pylme.reference.threads import one_thread
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from pylme.crosscheck.comparison import Tier
    from pylme.lme4.model import RModel
    from pylme.lme4.system import System
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["examine_lme4"]

_IMPRECISE = (
    "double precision is not enough for the NumPy engine to evaluate the criterion at lme4's theta"
)
_RESCALE = (
    "Centre and rescale the covariates and the response, which avoids most such failures, or fit "
    'the model with engine="numpy", which does so itself.'
)
_GENERALIZED = (
    "the criterion of a generalized linear mixed model is an approximation of lme4's own, which "
    "the NumPy engine does not compute"
)
_DIFFER = "the two designs differ, so their optima do too"


def examine_lme4(model: RModel, starts: int | None) -> Examination:
    """Check a model that lme4 fitted, tier by tier.

    Parameters
    ----------
    model : RModel
    starts : int or None
        From how many starts the NumPy engine searches for the optimum.
    """
    system = model.system()
    done: tuple[Tier, ...] = ()
    remedy = ""
    try:
        sides = _with_design(model.spec, Sides(fit=system, system=system, terms=terms_of(system)))
        done = compare(sides, stop=1)
        modes = ["conditional modes"] * (not np.isfinite(system.u).all())
        if bad := not_finite(system) + modes:
            reason, remedy = NOT_FINITE.format(bad=", ".join(bad)), _RESCALE
        elif system.linear:
            with one_thread():
                return _examined(model, system, sides, done=done, starts=starts)
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


def _with_design(spec: ModelSpec, sides: Sides) -> Sides:
    """Both sides with our design of the same data, or the reason why it cannot be built."""
    try:
        with silenced():
            # The fit has warned of dropped columns and lost rows already.
            return replace(sides, design=build(spec))
    except PylmeError as error:
        return replace(sides, reasons={"design": error.found})


def _examined(
    model: RModel, system: System, sides: Sides, *, done: tuple[Tier, ...], starts: int | None
) -> Examination:
    formula, criterion = str(model.spec.formula), system.criterion
    problem = problem_of(linear_problem_of(system, sides.terms))
    left = np.array([system.sigma**2 * problem.likelihood.nu])
    if problem.suspects(left)[0] and has_no_minimum(problem):
        return without_minimum(formula, criterion, done=done)
    theta = problem.layout.matrices(problem.conditioned(system.theta[None]))
    evaluation = problem.criterion.exactly().evaluate(theta)
    solution = solution_at(problem, system.theta, evaluation=evaluation)
    certificate = certify(problem, sides.terms, system.theta, evaluation)
    sides = replace(
        sides, solution=solution, certificate=certificate, gradient=system.gradient, reason=_DIFFER
    )
    found = None
    if not done[0].failures:
        found = search(problem, sides.terms, system.theta, starts)
        if problem.suspects(found.evaluation.rss)[0] and has_no_minimum(problem):
            # lme4 had stopped before it was led there.
            return without_minimum(formula, criterion, done=done)
        best = solution_at(problem, found.theta, evaluation=found.evaluation)
        sides = replace(sides, found=found, best=best)
    design = sides.design
    singular = (certificate if found is None else found.certificate).singular
    directions = () if found is None or design is None else unidentified(problem, design)
    return Examination(
        formula=formula,
        criterion=criterion,
        recomputed=solution.criterion,
        tiers=compare(sides, done=done),
        certificate=certificate,
        found=found,
        directions=directions,
        alarms=alarms_of(model.conditions, singular=bool(singular)),
    )
