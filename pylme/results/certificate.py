"""What the exact derivatives prove of the point where a search ended, and the verdict from it.

At a minimum the gradient vanishes and the Hessian is positive definite. On the boundary, where some
covariance matrix Σ_t is singular, both are taken along the directions that keep its rank, and
across them ∂d/∂Σ_t must be positive semidefinite: variance added anywhere makes the criterion rise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pylme.results.convergence import Convergence, Status

if TYPE_CHECKING:
    from pylme.results.optinfo import OptInfo

__all__ = ["FLAT", "Certificate", "assess_certificate"]

#: A curvature below this part of the greatest is none.
FLAT: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What the exact derivatives say of a point.

    Attributes
    ----------
    tolerance : float
        In units of the criterion: a fall below this counts as none.
    expected_fall : float
        ½ gᵀH⁻¹g, by how much a Newton step would lower the criterion.
    curvature : float
        The least eigenvalue of the Hessian over the greatest, in terms of well-conditioned columns
        and along directions that keep the ranks of all covariance matrices. It has no units.
    escape : float
        By how much variance added in the most promising direction would lower the criterion;
        zero at a minimum, also at one on the boundary.
    singular : tuple of str
        What is singular, in words; empty where all covariance matrices have full rank.
    """

    tolerance: float
    expected_fall: float
    curvature: float
    escape: float
    singular: tuple[str, ...]

    @property
    def stationary(self) -> bool:
        """Whether the gradient is zero."""
        return self.expected_fall <= self.tolerance

    @property
    def enclosed(self) -> bool:
        """Whether no added variance lowers the criterion."""
        return self.escape <= self.tolerance

    @property
    def saddle(self) -> bool:
        """Whether the criterion curves downwards in some direction."""
        return self.curvature < -FLAT

    @property
    def flat(self) -> bool:
        """Whether the criterion is flat in some direction: a parameter that the data don't see."""
        return abs(self.curvature) <= FLAT

    @property
    def holds(self) -> bool:
        """Whether this is proved to be a minimum, in the interior or on the boundary."""
        return self.stationary and self.enclosed and not self.saddle and not self.flat

    @property
    def boundary(self) -> tuple[str, ...]:
        """The message of a singular fit, in a tuple of one; empty where it is not singular."""
        return (f"boundary (singular) fit: {'; '.join(self.singular)}",) if self.singular else ()

    @property
    def problems(self) -> tuple[str, ...]:
        """Why this is no minimum, in words; empty where it is one."""
        said = []
        if not self.stationary:
            said.append(
                f"the criterion still falls, by about {self.expected_fall:.2g} with the next step"
            )
        if not self.enclosed:
            said.append(
                f"the criterion falls by about {self.escape:.2g} where variance is added: "
                "this is a false optimum"
            )
        if self.saddle:
            said.append("the criterion curves downwards in some direction: this is a saddle")
        if self.flat:
            said.append(
                "the criterion is flat in some direction: the data do not determine all "
                "covariance parameters"
            )
        return tuple(said)

    @property
    def messages(self) -> tuple[str, ...]:
        """All that there is to say: the singular matrices first, then what is wrong."""
        return (*self.boundary, *self.problems)


def assess_certificate(optinfo: OptInfo, certificate: Certificate, *, finite: bool) -> Convergence:
    """The verdict on a search that ended at a point with this certificate.

    Parameters
    ----------
    optinfo : OptInfo
    certificate : Certificate
    finite : bool
        Whether the criterion and all estimates are finite.
    """
    stopped = optinfo.conv_opt != 0
    if not finite:
        status = Status.DEGENERATE
    elif stopped or not certificate.stationary or not certificate.enclosed or certificate.saddle:
        status = Status.NOT_CONVERGED
    elif certificate.flat:
        status = Status.DEGENERATE
    elif certificate.singular:
        status = Status.SINGULAR
    else:
        status = Status.CONVERGED
    stops = (f"{optinfo.optimizer}: {optinfo.message}",) if stopped else ()
    messages = (*stops, *certificate.messages)
    return Convergence(
        status=status,
        code=1 if not messages else 0 if certificate.singular else -1,
        messages=messages,
        checked=_checked(optinfo, certificate, finite=finite),
        not_checked=("whether another, better optimum exists: no local check can tell",),
        engine="numpy",
    )


def _checked(optinfo: OptInfo, certificate: Certificate, *, finite: bool) -> tuple[str, ...]:
    curved = "curves upwards in every direction"
    if certificate.saddle:
        curved = "curves downwards in some direction"
    elif certificate.flat:
        curved = "is flat in some direction"
    lines = [
        "the estimates are finite" if finite else "an estimate or the criterion is not finite",
        f"the search ({optinfo.optimizer}) {'stopped early' if optinfo.conv_opt else 'finished'}: "
        f"{optinfo.message}",
        f"the gradient is {'zero' if certificate.stationary else 'not zero'}: a further step is "
        f"expected to lower the criterion by {certificate.expected_fall:.1e}",
        f"the criterion {curved} (least curvature over greatest: {certificate.curvature:.1e})",
        "the covariance matrices of the random effects "
        + ("include a singular one" if certificate.singular else "have full rank")
        + ", whatever the units of the covariates",
    ]
    if certificate.singular:
        lines.append(
            "variance added in any direction makes the criterion rise: the boundary is right"
            if certificate.enclosed
            else f"variance added in some direction lowers the criterion by "
            f"{certificate.escape:.1e}: the boundary is wrong"
        )
    return tuple(lines)
