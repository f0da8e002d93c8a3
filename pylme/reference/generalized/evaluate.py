"""The criterion of a generalized problem at its parameters, its gradient, and its Hessian.

The gradient is exact, and so is the Hessian of a Laplace approximation (`exact_hessian`). Where it
has no such form it is the central difference of exact gradients in well-conditioned columns, with
the mode to its last digits; its relative error is about 4e-9. It is -2 times the log-likelihood's,
so that 2H⁻¹ is the covariance matrix of the estimates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.reference.generalized.criterion import criterion_of
from pylme.reference.generalized.exact_hessian import exact_hessian, has_exact_hessian, movement
from pylme.reference.generalized.optimum.conditioning import conditioned
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from pylme.reference.generalized.criterion import GeneralizedCriterion, Point
    from pylme.results.generalized_problem import GeneralizedProblem

__all__ = ["GeneralizedValue", "evaluate", "hessian_of", "second_derivatives"]

#: The step of the differences, in well-conditioned columns.
STEP: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GeneralizedValue:
    """The criterion of a problem at its own parameters.

    Attributes
    ----------
    criterion : float
        Infinite where no mode exists.
    gradient : ndarray, shape (m + p [+ 1],)
        By θ, β and, where it is free, ln ϑ or ln 1/φ. Zero by β where β is a part of the mode.
    hessian : ndarray, shape (m + p [+ 1], m + p [+ 1]), or None
        Where it was asked for.
    deviance : float
        D, the sum of the rows' deviances at the mode.
    usq : float
        ûᵀû.
    """

    criterion: float
    gradient: NDArray[np.float64]
    hessian: NDArray[np.float64] | None
    deviance: float
    usq: float


def evaluate(problem: GeneralizedProblem, *, hessian: bool = False) -> GeneralizedValue:
    """The criterion of a problem at its θ, β (and ln ϑ or ln 1/φ).

    Parameters
    ----------
    problem : GeneralizedProblem
        With parameters.
    hessian : bool
        Compute the Hessian too.
    """
    with one_thread():
        criterion = criterion_of(problem)
        point = criterion.exactly(parameters_of(problem))
        if point.mode is None or point.gradient is None:
            unknown = np.full(problem.n_parameters, np.nan)
            return GeneralizedValue(
                criterion=np.inf, gradient=unknown, hessian=None, deviance=np.nan, usq=np.nan
            )
        return GeneralizedValue(
            criterion=point.value,
            gradient=point.gradient,
            hessian=hessian_of(criterion, point) if hessian else None,
            deviance=float(point.mode.values.deviance.sum()),
            usq=point.mode.usq,
        )


def parameters_of(problem: GeneralizedProblem) -> NDArray[np.float64]:
    """(θ, β [, ln ϑ or ln 1/φ]) of a problem that has them."""
    theta, beta = problem.theta, problem.beta
    if theta is None or beta is None:
        message = "the problem has no parameters yet"
        raise ValueError(message)
    extra = [] if problem.log_extra is None else [problem.log_extra]
    return np.concatenate([theta, beta, extra])


def hessian_of(criterion: GeneralizedCriterion, point: Point) -> NDArray[np.float64]:
    """The Hessian at a point, by the caller's parameters; NaN where a neighbour has no mode.

    Where β is a part of the mode its rows and columns are zero.
    """
    assert point.mode is not None  # noqa: S101  (a point with a mode is asked for)
    inner = conditioned(criterion, point.mode.values.derivatives.expected)
    at = inner.criterion.exactly(inner.to_inner @ point.x, start=point.mode.u)
    return inner.hessian_outer(second_derivatives(inner.criterion, at))


def second_derivatives(
    criterion: GeneralizedCriterion, point: Point, free: NDArray[np.intp] | None = None
) -> NDArray[np.float64]:
    """The Hessian by the criterion's own parameters; zero but for those that are free.

    Of a Laplace approximation it is exact; with quadrature, and where β is a part of the mode, it
    is the central difference of exact gradients.

    Parameters
    ----------
    criterion : GeneralizedCriterion
        In well-conditioned columns.
    point : Point
        With its mode to the last digits.
    free : ndarray of int, optional
        All that a search moves, unless given.
    """
    size = len(point.x)
    places = criterion.free if free is None else free
    exact = has_exact_hessian(criterion) and point.slopes is not None
    H = exact_hessian(criterion, point) if exact else _differences(criterion, point, places)
    kept = np.zeros(size, dtype=np.bool_)
    kept[places] = True
    H[~kept] = 0.0
    H[:, ~kept] = 0.0
    return 0.5 * (H + H.T)


def _differences(
    criterion: GeneralizedCriterion, point: Point, places: NDArray[np.intp]
) -> NDArray[np.float64]:
    """The rows of the Hessian by some parameters, as central differences of exact gradients."""
    size = len(point.x)
    H = np.zeros((size, size))
    moves = _movement(criterion, point)
    for i in places:
        ends = []
        for step in (STEP, -STEP):
            x = point.x.copy()
            x[i] += step
            ends.append(criterion.exactly(x, _predicted(point, moves, i, step)).gradient)
        if ends[0] is None or ends[1] is None:
            H[i] = np.nan
        else:
            H[i] = (ends[0] - ends[1]) / (2.0 * STEP)
    return H


def _movement(criterion: GeneralizedCriterion, point: Point) -> list[NDArray[np.float64]] | None:
    """The derivatives of the mode by θ and β, shapes (m + p, K_f, J_f); None where β is part of it.

    The mode at a neighbour is then known to second order, and one step of Newton's finds it to the
    last digits.
    """
    if point.mode is None or criterion.joint:
        return None
    return movement(criterion, point)[0]


def _predicted(
    point: Point, moves: list[NDArray[np.float64]] | None, i: int, step: float
) -> list[NDArray[np.float64]] | None:
    """The mode where parameter i is changed by a step, to first order."""
    if point.mode is None:
        return None
    if moves is None or i >= len(moves[0]):
        return point.mode.u
    return [u + step * move[i] for u, move in zip(point.mode.u, moves, strict=True)]
