"""The reference's own search for the optimum, from several starts at once.

The first start is the theta that is checked, so that the answer is never worse; the second is the
reference's own; the others lie far from both. How far a point θ lies from the optimum is measured
in the criterion, by its second-order model there in Σ = TTᵀ of well-conditioned columns,

    ⟨M, δΣ⟩ + ½ form(δΣ, δΣ)

which in the interior, where M = 0, is ½ δθᵀHδθ to second order, and which has one value even where
Σ is singular and has many factors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.reference.certificate import certify
from pylme.reference.evaluation import Evaluation, one_of
from pylme.reference.fitting import fit_from_each
from pylme.reference.singular import on_the_boundary
from pylme.results.certificate import Certificate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.design.random_term import RandomTerm
    from pylme.reference.problem import Problem

__all__ = ["Search", "search"]

#: Searches that end within this of the best have found the same optimum.
SAME_OPTIMUM: Final = 1e-6
#: How many starts there are where nothing is said.
USUAL: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Search:
    """The best optimum found.

    Attributes
    ----------
    theta : ndarray, shape (m,)
        lme4's theta there.
    evaluation : Evaluation
        There.
    certificate : Certificate
        There.
    converged : bool
        Whether the search that found it ended by its own criterion.
    starts, agreed : int
        How many searches there were, and how many ended there.
    distance : float
        How far the theta that is checked lies above it by the second-order model.
    """

    theta: NDArray[np.float64]
    evaluation: Evaluation
    certificate: Certificate
    converged: bool
    starts: int
    agreed: int
    distance: float

    @property
    def criterion(self) -> float:
        """The least that was found."""
        return float(self.evaluation.criterion[0])

    @property
    def proved(self) -> bool:
        """Whether this is a minimum, of the interior or of the boundary."""
        certificate = self.certificate
        return (
            self.converged and certificate.enclosed and not (certificate.saddle or certificate.flat)
        )


def search(
    problem: Problem, terms: Sequence[RandomTerm], theta: NDArray[np.float64], starts: int | None
) -> Search:
    """Look for the optimum from `theta` and from other starts.

    Parameters
    ----------
    problem : Problem
        Of one response.
    terms : sequence of RandomTerm
        Those that it was prepared from.
    theta : ndarray, shape (m,)
        The lme4 theta that is checked.
    starts : int or None
        At least 1. None for three with one grouping factor, which are searched from together. With
        several each costs as much as the last: two then, and a third where the better of the two
        ends on the boundary, where false optima are found.
    """
    points = _starts(problem, theta, starts or USUAL)
    cheap = starts is not None or len(problem.layout.factors) == 1
    found = _searched(problem, terms, theta, points if cheap else points[:2])
    if cheap or not found.certificate.singular:
        return found
    third = _searched(problem, terms, theta, points[2:])
    better = third if third.criterion < found.criterion - SAME_OPTIMUM else found
    same = abs(third.criterion - found.criterion) <= SAME_OPTIMUM
    agreed = found.agreed + third.agreed if same else better.agreed
    return replace(better, starts=len(points), agreed=agreed)


def _searched(
    problem: Problem,
    terms: Sequence[RandomTerm],
    theta: NDArray[np.float64],
    starts: NDArray[np.float64],
) -> Search:
    fitted = fit_from_each(problem, starts)
    best = int(np.argmin(fitted.criterion))
    found, evaluation = on_the_boundary(
        problem, fitted.theta[best], one_of(fitted.optimum.evaluation, best)
    )
    return Search(
        theta=found,
        evaluation=evaluation,
        certificate=certify(problem, terms, found, evaluation),
        converged=bool(fitted.optimum.converged[best]),
        starts=len(starts),
        agreed=int(np.count_nonzero(fitted.criterion <= fitted.criterion[best] + SAME_OPTIMUM)),
        distance=_distance(problem, theta, found, evaluation),
    )


def _starts(problem: Problem, theta: NDArray[np.float64], starts: int) -> NDArray[np.float64]:
    """The starts in lme4's theta, shape (starts, m)."""
    diagonal = problem.layout.diagonal
    far = [diagonal.astype(np.float64)]
    random = np.random.default_rng(0)
    while len(far) + 2 < starts:
        drawn = random.standard_normal(len(theta))
        far.append(np.where(diagonal, np.exp(drawn), drawn))
    others = np.vstack([problem.start(), *far])[: starts - 1]
    return np.vstack([theta[None], problem.callers(others)])


def _distance(
    problem: Problem,
    theta: NDArray[np.float64],
    optimum: NDArray[np.float64],
    evaluation: Evaluation,
) -> float:
    here, there = (
        problem.layout.matrices(problem.conditioned(point[None])) for point in (theta, optimum)
    )
    change = [a[0] @ a[0].T - b[0] @ b[0].T for a, b in zip(here, there, strict=True)]
    flat = np.concatenate([part.ravel() for part in change])
    slope = sum(float((m[0] * part).sum()) for m, part in zip(evaluation.M, change, strict=True))
    return max(0.0, slope + 0.5 * float(flat @ evaluation.form[0] @ flat))
