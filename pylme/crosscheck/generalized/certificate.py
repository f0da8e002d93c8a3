"""What the exact derivatives of a generalized model prove about the parameters of a fit.

f = ½gᵀH⁻¹g is how far the criterion falls to the optimum, which lies √f standard errors away, since
2H⁻¹ is the covariance matrix of the estimates. Where a covariance matrix is singular the
derivatives are taken on the face of that rank, and added variance must not lower the criterion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.crosscheck.generalized.search import covariance
from pylme.crosscheck.generalized.sides import Derivatives
from pylme.reference.generalized.evaluate import second_derivatives
from pylme.reference.generalized.optimum.boundary import escape_from, free_on_face, snapped
from pylme.reference.generalized.optimum.conditioning import conditioned
from pylme.reference.generalized.optimum.ending import TOLERANCE
from pylme.results.certificate import FLAT, Certificate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.generalized.criterion import GeneralizedCriterion, Point

__all__ = ["certify"]


def certify(
    criterion: GeneralizedCriterion, point: Point
) -> tuple[Certificate, Derivatives] | None:
    """The certificate of a point, and the derivatives there; None without a finite value.

    Parameters
    ----------
    criterion : GeneralizedCriterion
        In the caller's columns.
    point : Point
        With the mode to the last digits.
    """
    if point.mode is None or point.gradient is None:
        return None
    inner = conditioned(criterion, point.mode.values.derivatives.expected)
    u = point.mode.u
    at = inner.criterion.exactly(inner.to_inner @ point.x, u)
    lost = 0.0
    there = snapped(inner.criterion, at.x)
    free = free_on_face(inner.criterion, there)
    if len(free) < len(inner.criterion.free):
        face = inner.criterion.exactly(there)
        if face.gradient is not None and face.value <= at.value + TOLERANCE:
            at, lost = face, max(0.0, at.value - face.value)
        else:
            free = free_on_face(inner.criterion, at.x)
    if at.gradient is None:
        return None
    hessian = second_derivatives(inner.criterion, at, free)
    fall, curvature = _fall(at.gradient, hessian, free)
    outer = inner.hessian_outer(hessian)
    certificate = Certificate(
        tolerance=TOLERANCE,
        expected_fall=fall + lost,
        curvature=curvature,
        escape=escape_from(inner.criterion, at).gain,
        singular=(),
    )
    derivatives = Derivatives(
        criterion=point.value,
        gradient=point.gradient,
        hessian=outer,
        std_error=np.sqrt(np.diag(covariance(outer, free))),
    )
    return certificate, derivatives


def _fall(
    gradient: NDArray[np.float64], hessian: NDArray[np.float64], free: NDArray[np.intp]
) -> tuple[float, float]:
    """½gᵀH⁻¹g, and the least curvature over the greatest."""
    if not len(free):
        return 0.0, 1.0
    part = hessian[np.ix_(free, free)]
    if not np.isfinite(part).all():
        return np.inf, np.nan
    values, vectors = np.linalg.eigh(part)
    along = vectors.T @ gradient[free]
    floor = FLAT * np.abs(values).max() + np.finfo(float).tiny
    fall = 0.5 * float((along**2 / np.maximum(np.abs(values), floor)).sum())
    return fall, float(values[0] / np.abs(values).max())
