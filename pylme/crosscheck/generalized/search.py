"""The search for the optimum of a generalized model, from the fit and from starts of its own.

The first search starts at the parameters that are checked, so that the result is never worse; the
others are those of a fit by the NumPy engine: from the generalized linear model, and from several
variances where the data leave a doubt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.crosscheck.search import Minimum
from pylme.crosscheck.tolerances import NEGLIGIBLE
from pylme.reference.generalized.optimum.ending import ending_of
from pylme.reference.generalized.optimum.search import NoModeError, find
from pylme.results.certificate import Certificate

if TYPE_CHECKING:
    from pylme.reference.generalized.criterion import GeneralizedCriterion
    from pylme.reference.generalized.optimum.ending import GeneralizedEnding

__all__ = ["GeneralizedSearch", "covariance", "search"]

#: The search from the fit, and one that does not know it.
WANTED: Final = 2
#: Ends that differ by less are one.
SAME: Final = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GeneralizedSearch:
    """The best optimum found; attributes of the same names as those of a linear model's `Search`.

    Attributes
    ----------
    theta, beta : ndarray, shapes (m,) and (p,)
    shape : float or None
        ϑ of a negative binomial where it was estimated.
    x : ndarray, shape (m + p [+ 1],)
        All parameters.
    std_error : ndarray of the shape of `x`
        From the inverse of the Hessian; NaN across the boundary.
    criterion : float
    certificate : Certificate
    converged : bool
    starts, agreed, wanted : int
    others : tuple of Minimum
    """

    theta: NDArray[np.float64]
    beta: NDArray[np.float64]
    shape: float | None
    x: NDArray[np.float64]
    std_error: NDArray[np.float64]
    criterion: float
    certificate: Certificate
    converged: bool
    starts: int
    agreed: int
    wanted: int
    others: tuple[Minimum, ...]

    @property
    def proved(self) -> bool:
        """Whether this is a minimum, in the interior or on the boundary."""
        certificate = self.certificate
        return (
            self.converged
            and certificate.expected_fall <= NEGLIGIBLE.value
            and certificate.enclosed
            and not (certificate.saddle or certificate.flat)
        )


def search(
    criterion: GeneralizedCriterion, x: NDArray[np.float64], starts: int | None
) -> GeneralizedSearch | None:
    """Look for the optimum from `x` and from other starts; None where no start has a value.

    Parameters
    ----------
    criterion : GeneralizedCriterion
        In the caller's columns.
    x : ndarray, shape (m + p [+ 1],)
        The parameters that are checked.
    starts : int or None
        With 1, only from `x`.
    """
    m, p = criterion.m, criterion.p
    ends: list[GeneralizedEnding] = []
    for start in [x[: m + p], None][:starts]:
        try:
            ends.append(ending_of(criterion, find(criterion, start=start)))
        except NoModeError:
            continue
    if not ends:
        return None
    best = min(ends, key=lambda end: end.value)
    others = tuple(
        Minimum(criterion=end.value, theta=end.x[:m], searches=end.agreed)
        for end in ends
        if end.value > best.value + NEGLIGIBLE.value and end.certificate.holds
    )
    return GeneralizedSearch(
        theta=best.x[:m],
        beta=best.x[m : m + p],
        shape=float(np.exp(best.x[-1])) if criterion.problem.shape_free else None,
        x=best.x,
        std_error=np.sqrt(np.diag(covariance(best.hessian, best.free))),
        criterion=best.value,
        certificate=best.certificate,
        converged=best.converged,
        starts=sum(end.starts for end in ends),
        agreed=sum(end.agreed for end in ends if end.value <= best.value + SAME),
        wanted=WANTED,
        others=others,
    )


def covariance(hessian: NDArray[np.float64], free: NDArray[np.intp]) -> NDArray[np.float64]:
    """2H⁻¹ of the free parameters; NaN for the others, and where the Hessian is not positive."""
    made = np.full(hessian.shape, np.nan)
    part = hessian[np.ix_(free, free)]
    if len(free) and np.isfinite(part).all():
        # Parameters differ in units.
        scale = np.sqrt(np.abs(np.diag(part)))
        scale[scale == 0.0] = 1.0
        try:
            inverse = 2.0 * np.linalg.inv(part / np.outer(scale, scale))
        except np.linalg.LinAlgError:
            return made
        with np.errstate(invalid="ignore"):
            inverse = np.where(np.diag(inverse) > 0.0, inverse, np.nan)
        made[np.ix_(free, free)] = inverse / np.outer(scale, scale)
    return made
