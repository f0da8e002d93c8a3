"""Tier 3: what the exact derivatives prove of the theta that is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.crosscheck.comparison import Comparison, Tier, worst
from pylme.crosscheck.tolerances import DIFFERENCES, FLATNESS, NEGLIGIBLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pylme.reference.solution import Solution
    from pylme.results.certificate import Certificate

__all__ = ["TITLE", "compare_certificate", "proves"]

TITLE: Final = "Certificate, the exact derivatives at the theta of the fit"


def compare_certificate(
    certificate: Certificate, solution: Solution, gradient: NDArray[np.float64] | None
) -> Tier:
    """How far from an optimum theta is, by the derivatives there.

    Parameters
    ----------
    certificate : Certificate
        At theta.
    solution : Solution
        At theta.
    gradient : ndarray, shape (m,), or None
        lme4's own, by finite differences.
    """
    return Tier(
        number=3, title=TITLE, comparisons=tuple(_compared(certificate, solution, gradient))
    )


def proves(certificate: Certificate) -> bool:
    """Whether theta is an optimum, in the interior or on the boundary, or negligibly near one."""
    return (
        certificate.expected_fall <= NEGLIGIBLE.value
        and certificate.escape <= NEGLIGIBLE.value
        and not certificate.saddle
        and not certificate.flat
    )


def _compared(
    certificate: Certificate, solution: Solution, gradient: NDArray[np.float64] | None
) -> Iterator[Comparison]:
    yield Comparison(
        quantity="fall by a Newton step, ½ g'H⁻¹g",
        lme4=certificate.expected_fall,
        reference=0.0,
        difference=certificate.expected_fall,
        tolerance=NEGLIGIBLE,
    )
    yield Comparison(
        quantity="fall by added variance, M ⪰ 0",
        lme4=certificate.escape,
        reference=0.0,
        difference=certificate.escape,
        tolerance=NEGLIGIBLE,
    )
    yield Comparison(
        quantity="curvature, least over greatest",
        lme4=certificate.curvature,
        reference="> 0",
        difference=max(0.0, -certificate.curvature),
        tolerance=FLATNESS,
    )
    if gradient is not None and len(gradient) == len(solution.gradient):
        # Its units cancel: how far the gradient is off, in the criterion's own curvature.
        scale = np.sqrt(np.abs(np.diag(solution.hessian)))
        scale[scale == 0.0] = 1.0
        yield worst(
            "gradient",
            gradient,
            solution.gradient,
            DIFFERENCES,
            scale=scale,
            names=lambda at: f"[{at + 1}]",
            decides=False,
        )
