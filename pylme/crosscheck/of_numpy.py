"""The examination of a fit by the NumPy engine itself.

There is no second opinion in it, and lme4 is not called: what is checked is that the point reached
is an optimum, that no better one is found from other starts, and that the data determine it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.crosscheck.examination import Examination, without_minimum
from pylme.crosscheck.search import search
from pylme.crosscheck.sides import Sides
from pylme.crosscheck.tiers import compare
from pylme.errors import SingularFitWarning
from pylme.reference.ending import warnings_of
from pylme.reference.optimize.certificate import certify
from pylme.reference.solution import solution_at
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from pylme.reference.model import ReferenceModel

__all__ = ["examine_numpy"]

_ONE_SIDE = "the fit is by the NumPy engine itself; for a second opinion check a fit by lme4"


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


def examine_numpy(model: ReferenceModel, starts: int | None) -> Examination:
    """Check a model that the NumPy engine fitted.

    Parameters
    ----------
    model : ReferenceModel
    starts : int or None
        From how many starts to search for the optimum.
    """
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
                reason=_ONE_SIDE,
            )
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
