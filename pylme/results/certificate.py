"""What exact derivatives prove about the point where a search ended.

At a minimum the gradient vanishes and the Hessian is positive definite. On the boundary, where some
covariance matrix Σ_t is singular, both are taken along the directions that keep its rank, and
across them ∂d/∂Σ_t must be positive semidefinite: variance added anywhere makes the criterion rise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = [
    "FLAT",
    "NOISELESS",
    "NO_FINITE_OPTIMUM",
    "NO_RESIDUAL",
    "SUSPECT",
    "SUSPECT_OF_ITERATIONS",
    "Certificate",
]

#: Share of a response's sum of squares: where a fit leaves less, random effects are 10,000 times as
#: large as the residual, and it is worth checking whether the criterion has a minimum.
SUSPECT: Final = 1e-8
#: The same for a generalized model by lme4, whose iterations stop some digits earlier.
SUSPECT_OF_ITERATIONS: Final = 1e-6
#: The message, by either engine, about a response that the effects explain completely.
NO_FINITE_OPTIMUM: Final = (
    "there is no finite optimum: the fixed and random effects together explain the response "
    "without any residual, so that the criterion falls without bound as the residual standard "
    "deviation goes to zero"
)
#: The same for a response that the fixed effects explain alone: a fit has no meaning then.
NO_RESIDUAL: Final = "the fixed effects alone explain it without any residual"
#: What to do about either.
NOISELESS: Final = (
    "See whether the response is computed from the other columns, or does not vary within groups; "
    "what varies only between groups is modelled by one row a group."
)
#: A curvature below this share of the greatest counts as zero.
FLAT: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What the exact derivatives prove about a point.

    Attributes
    ----------
    tolerance : float
        In units of the criterion: a smaller decrease counts as zero.
    expected_fall : float
        ½ gᵀH⁻¹g, the predicted decrease of the criterion by a Newton step.
    curvature : float
        The smallest eigenvalue of the Hessian divided by the largest, in terms of well-conditioned
        columns and along directions that keep the ranks of all covariance matrices; without units.
    escape : float
        The predicted decrease of the criterion when variance is added in the best direction; zero
        at a minimum, also on the boundary.
    singular : tuple of str
        The singular covariance matrices, in words; empty where all have full rank.
    unidentified : tuple of str
        What the data do not determine, each in a sentence with the reason. It does not depend on
        the point: see `Design.identifiability`.
    unbounded : bool
        Whether the criterion has no minimum: it falls without bound as the residual standard
        deviation goes to zero.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> certificate = fit.optinfo.certificate
    >>> certificate.singular, certificate.unidentified, certificate.unbounded
    ((), (), False)
    """

    tolerance: float
    expected_fall: float
    curvature: float
    escape: float
    singular: tuple[str, ...]
    unidentified: tuple[str, ...] = ()
    unbounded: bool = False

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
        """Whether the criterion is flat in some direction, which the data do not determine.

        This is known from the design, on an absolute scale, or from the curvature at this point.
        """
        return bool(self.unidentified) or abs(self.curvature) <= FLAT

    @property
    def holds(self) -> bool:
        """Whether this is proved to be a minimum, in the interior or on the boundary."""
        found = self.saddle or self.flat or self.unbounded
        return self.stationary and self.enclosed and not found

    @property
    def boundary(self) -> tuple[str, ...]:
        """The message of a singular fit, in a tuple of one; empty where it is not singular."""
        if self.unbounded:
            return ()
        return (f"boundary (singular) fit: {'; '.join(self.singular)}",) if self.singular else ()

    @property
    def problems(self) -> tuple[str, ...]:
        """Why this is not a minimum, in words; empty at a minimum."""
        if self.unbounded:
            return (NO_FINITE_OPTIMUM,)
        if self.unidentified:
            # The derivatives along such a direction are rounding errors, and prove nothing else.
            return self.unidentified
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
                "the criterion is flat in some direction, as far as double precision can tell: "
                "some covariance parameters are hardly determined"
            )
        return tuple(said)

    @property
    def messages(self) -> tuple[str, ...]:
        """All findings: singular matrices first, then what is wrong."""
        return (*self.boundary, *self.problems)
