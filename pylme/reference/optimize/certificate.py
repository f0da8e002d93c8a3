"""The certificate of a point: what the exact derivatives prove there.

Everything is taken in terms of well-conditioned columns, so that it does not depend on the units of
the covariates. Where a covariance matrix is singular its factor T has a zero pivot, and with the
column of that pivot zero the other elements of theta are coordinates of the matrices of that rank:
the Hessian is taken along these, and `pylme.reference.optimize.boundary` covers the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.reference.criterion.trial_points import value_of
from pylme.reference.optimize.boundary import (
    SMALL,
    column_sizes,
    escape,
    rank_reduced,
    singular_directions,
)
from pylme.reference.optimize.descent import BEND
from pylme.reference.optimize.structured import certify_structured
from pylme.reference.problem.layout import gradient, hessian
from pylme.results.certificate import FLAT, Certificate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.model_matrix.random_term import RandomTerm
    from pylme.reference.criterion.likelihood import Evaluation
    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.problem.layout import Layout

__all__ = ["certify", "reduced"]

#: A fall of the criterion below this counts as none, and below this part of its value: that is
#: several times the rounding error of the criterion.
FALL: Final = 1e-8
ROUNDING: Final = 2e-14
#: A curvature downwards of less than this part of the greatest may be rounding errors of the second
#: derivatives, which grow with the squares of theta and the weights. The criterion itself decides.
UNSURE: Final = 1e-5
#: How far it is followed, as parts of the size of theta.
STEPS: Final = (1e-3, 1e-2, 1e-1)


def certify(
    problem: Problem,
    terms: Sequence[RandomTerm],
    theta: NDArray[np.float64],
    evaluation: Evaluation | None = None,
) -> Certificate:
    """What the derivatives at a point say.

    Parameters
    ----------
    problem : Problem
        Of a single response.
    terms : sequence of RandomTerm
        Those that the problem was prepared from.
    theta : ndarray, shape (m,)
        lme4's.
    evaluation : Evaluation, optional
        At theta, if there is one.
    """
    layout = problem.layout
    if problem.structured:
        return certify_structured(problem, theta, evaluation)
    T = layout.matrices(problem.conditioned(theta[None]))
    if evaluation is None:
        evaluation = problem.criterion.evaluate(T)
    slope = gradient(layout, T, evaluation.M)[0]
    curvatures, axes = np.linalg.eigh(hessian(layout, T, evaluation.M, evaluation.form)[0])
    # A flat direction counts as gently curved, as in the search.
    floor = FLAT * np.abs(curvatures).max() + np.finfo(float).tiny
    fall = 0.5 * float(((axes.T @ slope) ** 2 / np.maximum(np.abs(curvatures), floor)).sum())
    tolerance = FALL + max(
        ROUNDING * abs(float(evaluation.criterion[0])), float(evaluation.rounding[0])
    )
    smaller, (free,) = reduced(layout, T)
    if not free.all():
        along = hessian(layout, smaller, evaluation.M, evaluation.form)[0]
        curvatures, kept = np.linalg.eigh(along[np.ix_(free, free)])
        axes = np.zeros((len(free), len(curvatures)))
        axes[free] = kept
    # A valley bends on the scale of theta itself where that is large.
    scale = max(1.0, *(float(np.abs(matrix).max()) for matrix in T))
    doubt = BEND / scale * float(np.linalg.norm(slope))
    curvatures = _confirmed(problem, smaller, curvatures, axes, scale=scale, tolerance=tolerance)
    return Certificate(
        tolerance=tolerance,
        expected_fall=fall,
        curvature=_least_over_greatest(curvatures, doubt),
        escape=float(escape(layout, evaluation.M, evaluation.form).gain[0]),
        singular=() if free.all() else _singular(problem, terms, theta, free),
    )


def reduced(
    layout: Layout, T: list[NDArray[np.float64]]
) -> tuple[list[NDArray[np.float64]], NDArray[np.bool_]]:
    """The factors with pivots that are all but zero made zero, and which elements of theta remain.

    Parameters
    ----------
    layout : Layout
    T : list of ndarray, shapes (R, K_f, K_f)
        Of well-conditioned columns.

    Returns
    -------
    smaller : list of ndarray, shapes (R, K_f, K_f)
    free : ndarray of bool, shape (R, m)
    """
    if all((matrix.diagonal(axis1=1, axis2=2) > SMALL).all() for matrix in T):
        return T, np.ones((len(T[0]), len(layout.row)), dtype=np.bool_)
    made, pivots = [], []
    for factor, matrix in zip(layout.factors, T, strict=True):
        smaller = matrix.copy()
        for place in factor.places:
            smaller[:, place, place] = rank_reduced(matrix[:, place, place], SMALL)
        made.append(smaller)
        pivots.append(smaller.diagonal(axis1=1, axis2=2)[:, None] * np.ones_like(smaller))
    return made, np.asarray(layout.theta(pivots) > 0)


def _confirmed(
    problem: Problem,
    T: list[NDArray[np.float64]],
    curvatures: NDArray[np.float64],
    axes: NDArray[np.float64],
    *,
    scale: float,
    tolerance: float,
) -> NDArray[np.float64]:
    """The same curvatures, those slightly downwards measured by second differences.

    Zero where the criterion changes by no more than its rounding errors.
    """
    greatest = float(np.abs(curvatures).max(initial=0.0))
    unsure = (curvatures < 0) & (curvatures > -UNSURE * greatest)
    if not unsure.any():
        return curvatures
    made = curvatures.copy()
    here = problem.layout.theta(T)[0]
    for which in np.flatnonzero(unsure):
        made[which] = 0.0
        for part in STEPS:
            step = part * scale
            across = np.array([-step, 0.0, step])[:, None] * axes[:, which]
            points = problem.layout.matrices
            low, middle, high = (
                value_of(problem.criterion, points((here + change)[None])) for change in across
            )
            bend = low - 2.0 * middle + high
            # Where the criterion has no value on one side, nothing is measured.
            if np.isfinite(bend) and abs(bend) > 4.0 * tolerance:
                made[which] = bend / step**2
                break
    return made


def _least_over_greatest(curvatures: NDArray[np.float64], doubt: float) -> float:
    """1 where there is no direction left to curve in, 0 where the slope hides the sign."""
    if not len(curvatures):
        return 1.0
    greatest = float(np.abs(curvatures).max())
    least = float(curvatures.min())
    return least / greatest if greatest > 0 and abs(least) > doubt else 0.0


def _singular(
    problem: Problem,
    terms: Sequence[RandomTerm],
    theta: NDArray[np.float64],
    free: NDArray[np.bool_],
) -> tuple[str, ...]:
    """The words for every term that has lost an element of theta."""
    said: dict[int, tuple[str, ...]] = {}
    matrices = problem.layout.matrices(theta[None])
    sizes = column_sizes(problem)
    for factor, T, size in zip(problem.layout.factors, matrices, sizes, strict=True):
        for position, place in zip(factor.terms, factor.places, strict=True):
            term = terms[position]
            if not free[term.thetas].all():
                said[position] = singular_directions(term, T[0, place, place], size[place])
    return tuple(words for position in sorted(said) for words in said[position])
