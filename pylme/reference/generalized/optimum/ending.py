"""The end of a search in the caller's columns: parameters, derivatives, and what they prove."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.reference.generalized.optimum.descent import ENOUGH
from pylme.reference.optimize.boundary import singular_directions
from pylme.results.certificate import NO_FINITE_OPTIMUM, Certificate
from pylme.results.fitted_model import Condition

if TYPE_CHECKING:
    from pylme.reference.generalized.criterion import GeneralizedCriterion
    from pylme.reference.generalized.optimum.search import Found

__all__ = ["GeneralizedEnding", "ending_of", "how_it_ended"]

#: In units of the criterion: a smaller fall counts as zero.
TOLERANCE: Final = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GeneralizedEnding:
    """The end of a search.

    Attributes
    ----------
    x : ndarray, shape (m + p [+ 1],)
        θ in lme4's order, β, and ln ϑ or ln 1/φ where it is free.
    value : float
        The criterion.
    gradient, hessian : ndarray
        By `x`. Rows and columns of the Hessian are zero by β where it is a part of the mode.
    free : ndarray of int
        The parameters on the face.
    certificate : Certificate
    converged : bool
    evaluations, starts, agreed : int
    trace : tuple of ndarray
        The parameters of every evaluation, the criterion, and whether it was accepted.
    """

    x: NDArray[np.float64]
    value: float
    gradient: NDArray[np.float64]
    hessian: NDArray[np.float64]
    free: NDArray[np.intp]
    certificate: Certificate
    converged: bool
    evaluations: int
    starts: int
    agreed: int
    trace: tuple[NDArray[np.float64], NDArray[np.float64], tuple[bool, ...]]

    def unbounded(self) -> GeneralizedEnding:
        """The same, known to be no optimum as there is none."""
        return replace(self, certificate=replace(self.certificate, unbounded=True))


def ending_of(criterion: GeneralizedCriterion, found: Found) -> GeneralizedEnding:
    """What was found, in the caller's columns.

    Parameters
    ----------
    criterion : GeneralizedCriterion
        In the caller's columns.
    found : Found
    """
    m, signs = criterion.m, found.signs
    point, inner = found.point, found.inner
    gradient = np.full(len(point.x), np.nan)
    if point.gradient is not None:
        gradient = signs * (inner.to_inner.T @ point.gradient)
    hessian = inner.hessian_outer(found.hessian) * np.outer(signs, signs)
    xs = np.array(found.evaluations.x)
    return GeneralizedEnding(
        x=found.x,
        value=point.value,
        gradient=gradient,
        hessian=hessian,
        free=found.free,
        certificate=Certificate(
            tolerance=TOLERANCE,
            expected_fall=found.expected_fall,
            curvature=found.curvature,
            escape=found.escape,
            singular=_singular(criterion, found),
        ),
        converged=found.converged,
        evaluations=len(found.evaluations.values),
        starts=found.starts,
        agreed=found.agreed,
        trace=(
            (xs @ inner.to_outer.T)[:, : m + criterion.p],
            np.array(found.evaluations.values),
            tuple(found.evaluations.accepted),
        ),
    )


def _singular(criterion: GeneralizedCriterion, found: Found) -> tuple[str, ...]:
    """The singular covariance matrices, in words."""
    problem = criterion.problem
    T = criterion.factors(found.x[: criterion.m])
    said: list[str] = []
    for f, factor in enumerate(criterion.layout.factors):
        # The caller's columns have the mean squares of EᵀE, per unit of information.
        sizes = np.linalg.norm(found.inner.E[f], axis=0)
        for t, place in zip(factor.terms, factor.places, strict=True):
            part = T[f][place, place]
            if (np.diag(part) == 0.0).any():
                said += singular_directions(problem.terms[t], part, sizes[place])
    return tuple(said)


def how_it_ended(ending: GeneralizedEnding) -> str:
    """How the search ended, in words."""
    if not ending.converged:
        return f"the search stopped after {ending.evaluations} evaluations, before it was done"
    several = f"; {ending.agreed} of {ending.starts} searches ended there"
    return (
        f"a further step would lower the criterion by less than {ENOUGH:g}"
        f"{several * (ending.starts > 1)}"
    )


def conditions_of(ending: GeneralizedEnding) -> tuple[Condition, ...]:
    """What there is to say of the end."""
    certificate = ending.certificate
    if certificate.unbounded:
        texts: tuple[str, ...] = (NO_FINITE_OPTIMUM,)
    else:
        stopped = () if ending.converged else (how_it_ended(ending),)
        texts = (*stopped, *certificate.messages)
    return tuple(Condition(kind="warning", message=text) for text in texts)
