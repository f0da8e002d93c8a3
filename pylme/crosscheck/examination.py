"""The examination of a fit: the evidence on which the verdict is based.

lme4's matrices are compared with those that pylme's design makes of the same data. The NumPy engine
then solves the problem that lme4's matrices define, so that both sides solve the same problem to
the last bit.

For a fit by the NumPy engine itself, lme4 is not called, so there is no independent second result:
the check is that the point reached is an optimum, that no better one is found from other starts,
and that the data determine it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.crosscheck.alarms import alarms_of
from pylme.crosscheck.breakdown import NOT_FINITE, not_finite
from pylme.crosscheck.evidence import Examination, impossible, without_minimum
from pylme.crosscheck.generalized.examination import examine_by_lme4, examine_by_numpy
from pylme.crosscheck.generalized.sides import GeneralizedSides
from pylme.crosscheck.search import search
from pylme.crosscheck.sides import Sides
from pylme.crosscheck.tiers.registry import LAZY, TIERS, compare
from pylme.errors import PylmeError, SingularFitWarning
from pylme.lme4.linear_problem import linear_problem_of, terms_of
from pylme.model_matrix.build import build
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.ending import warnings_of
from pylme.reference.generalized.model import GeneralizedModel
from pylme.reference.optimize.certificate import certify
from pylme.reference.optimize.degenerate import has_no_minimum, unidentified
from pylme.reference.solution import solution_at
from pylme.reference.threads import one_thread
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from pylme.crosscheck.comparison import Tier
    from pylme.lme4.model import RModel
    from pylme.lme4.records import System
    from pylme.model_matrix.spec import ModelSpec
    from pylme.reference.model import ReferenceModel

__all__ = ["examine_lme4", "examine_numpy"]

_ONE_SIDE = "the fit is by the NumPy engine itself; for a second opinion check a fit by lme4"
_IMPRECISE = (
    "double precision is not enough for the NumPy engine to evaluate the criterion at lme4's theta"
)
_RESCALE = (
    "Centre and rescale the covariates and the response, which avoids most such failures, or fit "
    'the model with engine="numpy", which does so itself.'
)
_DIFFER = "the two designs differ, so their optima do too"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Reached:
    """The numbers of the fit, as `pylme.crosscheck.sides.Estimated` has them."""

    x_names: tuple[str, ...]
    criterion: float
    theta: NDArray[np.float64]
    beta: NDArray[np.float64]
    b: NDArray[np.float64]
    sigma: float
    weights: NDArray[np.float64]


def examine_numpy(
    model: ReferenceModel | GeneralizedModel, starts: int | None, quadrature: int | None = None
) -> Examination:
    """Check a model that the NumPy engine fitted.

    Parameters
    ----------
    model : ReferenceModel or GeneralizedModel
    starts : int or None
        From how many starts to search for the optimum.
    quadrature : int or None
        Of a generalized model, the points of the quadrature to compare with.
    """
    if isinstance(model, GeneralizedModel):
        return examine_by_numpy(model, starts=starts, quadrature=quadrature, one_side=_ONE_SIDE)
    return _examine_linear(model, starts)


def _examine_linear(model: ReferenceModel, starts: int | None) -> Examination:
    problem, design = model.problem, model.design
    if model.ending.unbounded:
        own = compare(Sides(reason=_ONE_SIDE), stop=2)
        return without_minimum(str(model.spec.formula), model.criterion, done=own)
    reached = _Reached(
        x_names=design.x_names,
        criterion=model.criterion,
        theta=model.theta,
        beta=model.fixed.beta,
        b=model.effects[1],
        sigma=model.fixed.sigma,
        weights=design.weights,
    )
    with one_thread():
        certificate = certify(problem, design.terms, model.theta, model.exact)
        found = search(problem, design.terms, model.theta, starts)
        best = solution_at(problem, found.theta, evaluation=found.evaluation)
    return Examination(
        formula=str(model.spec.formula),
        criterion=model.criterion,
        recomputed=model.criterion,
        tiers=compare(
            Sides(
                fit=reached,
                terms=design.terms,
                solution=model.solution,
                certificate=certificate,
                found=found,
                best=best,
                summed=model.spec.summed,
                reason=_ONE_SIDE,
            ),
            tiers=TIERS if model.has_rows else LAZY,
        ),
        certificate=certificate,
        found=found,
        directions=model.ending.directions,
        searched=model.ending.starts,
        alarms=tuple(
            str(warning)
            for warning in warnings_of(model.ending)
            if not isinstance(warning, SingularFitWarning)
        ),
    )


def examine_lme4(model: RModel, starts: int | None, quadrature: int | None = None) -> Examination:
    """Check a model that lme4 fitted, tier by tier.

    Parameters
    ----------
    model : RModel
    starts : int or None
        From how many starts the NumPy engine searches for the optimum.
    quadrature : int or None
        Of a generalized model, the points of the quadrature to compare with.
    """
    system = model.system()
    done: tuple[Tier, ...] = ()
    remedy = ""
    try:
        terms = terms_of(system)
        sides = _with_design(model.spec, Sides(fit=system, system=system, terms=terms))
        done = compare(sides, stop=1)
        modes = ["conditional modes"] * (not np.isfinite(system.u).all())
        if bad := not_finite(system) + modes:
            reason, remedy = NOT_FINITE.format(bad=", ".join(bad)), _RESCALE
        elif system.linear:
            with one_thread():
                return _examined(model, system, sides, done=done, starts=starts)
        else:
            both = GeneralizedSides(
                system=system, terms=terms, design=sides.design, reasons=sides.reasons
            )
            return examine_by_lme4(model, both, done=done, starts=starts, quadrature=quadrature)
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
    """Both sides with pylme's design of the same data, or why it cannot be built."""
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
    plain = not problem.structured
    if plain and problem.suspects(left)[0] and has_no_minimum(problem):
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
        if plain and problem.suspects(found.evaluation.rss)[0] and has_no_minimum(problem):
            # lme4 had stopped before it was led there.
            return without_minimum(formula, criterion, done=done)
        best = solution_at(problem, found.theta, evaluation=found.evaluation)
        sides = replace(sides, found=found, best=best)
    design = sides.design
    singular = (certificate if found is None else found.certificate).singular
    known = plain and found is not None and design is not None
    directions = unidentified(problem, design) if known and design is not None else ()
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
