"""The tolerance of each comparison, and the reason for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = [
    "ANOTHER_MINIMUM",
    "COLUMN",
    "DIFFERENCES",
    "EXACT",
    "FLATNESS",
    "HUNDREDTH",
    "NEGLIGIBLE",
    "REPORTED_ERRORS",
    "SAME_PARAMETERS",
    "SAME_SUMS",
    "SAME_THETA",
    "SOLUTION",
    "TENTH",
    "Tolerance",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """The largest difference that counts as agreement, and the reason for it."""

    value: float
    reason: str


EXACT: Final = Tolerance(value=0.0, reason="names, levels and codes are equal or they are not")

COLUMN: Final = Tolerance(
    value=1e-10,
    reason="relative to the column's largest element: the same bits for a plain column, rounding "
    "errors for a computed one",
)

SAME_THETA: Final = Tolerance(
    value=1e-10,
    reason="relative: the same formula evaluated twice in double precision; where that is "
    "exceeded, a bound on lme4's rounding errors is added",
)

SAME_SUMS: Final = Tolerance(
    value=1e-9,
    reason="relative: sums of products of centred columns in another order",
)

SOLUTION: Final = Tolerance(
    value=1e-8,
    reason="of a standard error, and of sigma or the largest effect: as before, for the solution "
    "of equations",
)

SAME_PARAMETERS: Final = Tolerance(
    value=1e-6,
    reason="of the criterion, and what the last iteration for the mode and the rounding of sums "
    "may leave: the same formula evaluated twice",
)

REPORTED_ERRORS: Final = Tolerance(
    value=2e-2,
    reason="relative: lme4 takes second differences of a criterion with the error of its "
    "iterations; it decides nothing",
)

TENTH: Final = Tolerance(
    value=1e-1,
    reason="a tenth of a standard error: less does not change an inference; it decides nothing",
)

NEGLIGIBLE: Final = Tolerance(
    value=1e-4,
    reason="of the criterion: then no estimate is off by more than a hundredth of its standard "
    "error; optimisers stop within 1e-5 of each other",
)

ANOTHER_MINIMUM: Final = Tolerance(
    value=float("inf"),
    reason="shown for what it teaches: on small data the criterion can have several minima",
)

HUNDREDTH: Final = Tolerance(
    value=1e-2,
    reason="a hundredth of a standard error, for modes and covariances of the residual's or their "
    "own size: what a difference of 0.0001 in the criterion allows",
)

DIFFERENCES: Final = Tolerance(
    value=1e-2,
    reason="relative to the root of the curvature: lme4 takes finite differences, the NumPy "
    "engine is exact; it decides nothing",
)


FLATNESS: Final = Tolerance(
    value=1e-3,
    reason="of the greatest curvature: so near to an optimum a flat direction curves by as much, "
    "either way",
)
