"""The examination of a fit by the reference itself.

There is no second opinion in it, and lme4 is not called: what is checked is that the point reached
is an optimum, that no better one is found from other starts, and that the data determine it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.crosscheck.certificate_tier import compare_certificate
from pylme.crosscheck.examination import Examination, not_checked, without_minimum
from pylme.crosscheck.optimum import compare_optima
from pylme.crosscheck.search import search
from pylme.errors import SingularFitWarning
from pylme.reference.optimize.certificate import certify
from pylme.reference.record import warnings_of
from pylme.reference.solution import solution_at
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from pylme.reference.model import ReferenceModel

__all__ = ["examine_numpy"]

_ONE_SIDE = "the fit is the reference's own; for a second opinion check a fit by lme4"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Reached:
    """The numbers of the fit, as `pylme.crosscheck.estimated.Estimated` has them."""

    x_names: tuple[str, ...]
    criterion: float
    theta: NDArray[np.float64]
    beta: NDArray[np.float64]
    b: NDArray[np.float64]
    sigma: float
    weights: NDArray[np.float64]


def examine_numpy(model: ReferenceModel, starts: int | None) -> Examination:
    """Check a model that the reference fitted.

    Parameters
    ----------
    model : ReferenceModel
    starts : int or None
        From how many starts the reference looks for the optimum.
    """
    problem, design = model.problem, model.design
    if model.ending.unbounded:
        own = [not_checked(number, _ONE_SIDE) for number in (1, 2)]
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
        tiers=(
            not_checked(1, _ONE_SIDE),
            not_checked(2, _ONE_SIDE),
            compare_certificate(certificate, model.solution, None),
            compare_optima(reached, model.criterion, design.terms, found, best),
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
