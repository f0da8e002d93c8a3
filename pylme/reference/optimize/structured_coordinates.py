"""The free parameters of a model with covariance structures, scaled, and the criterion by them.

Standard deviations are measured in units of one over the size of their column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.reference.criterion.likelihood import Evaluation
from pylme.reference.criterion.prepare import Problem
from pylme.reference.criterion.trial_points import value_of
from pylme.reference.solution import along_free, free_slices, in_the_callers_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pylme.model_matrix.random_term import RandomTerm

__all__ = [
    "NOTHING",
    "FreeCoordinates",
    "FreePoint",
    "column_sizes",
    "free_of",
    "theta_of",
    "tolerance",
]

#: A bound is reached within this distance, in scaled parameters.
AT_BOUND: Final = 1e-7
#: Standard deviations, in units of the residual's over the column's size, that count as zero.
NOTHING: Final = 1e-5
#: So large a standard deviation leaves nothing to the residual. Where each row has effects of its
#: own, as with ar1() on days, the optimum may lie at a residual variance of zero, infinitely far.
MOST: Final = 1e4
#: Starts: all standard deviations, and how far correlations lie between zero and a bound.
STARTS: Final = ((1.0, 0.0), (0.4, 0.5), (2.5, 0.5), (1.0, -0.5))
#: A decrease below this counts as zero: of the criterion, and relative to its size.
FALL: Final = 1e-8
ROUNDING: Final = 2e-14


def free_of(terms: Sequence[RandomTerm], theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """The free parameters of lme4's theta."""
    return np.concatenate([term.structure.free_of(theta[term.thetas]) for term in terms])


def theta_of(terms: Sequence[RandomTerm], free: NDArray[np.float64]) -> NDArray[np.float64]:
    """lme4's theta of the free parameters."""
    parts = zip(terms, free_slices(terms), strict=True)
    return np.concatenate([term.structure.theta_of(free[own]) for term, own in parts])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FreePoint:
    """The criterion and its derivatives by the scaled parameters."""

    x: NDArray[np.float64]
    evaluation: Evaluation
    value: float
    gradient: NDArray[np.float64]
    hessian: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FreeCoordinates:
    """Scaled free parameters: x = p / scale, between bounds."""

    problem: Problem
    scale: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]

    @classmethod
    def of(cls, problem: Problem) -> FreeCoordinates:
        scales, lowers, uppers = [], [], []
        for term in problem.terms:
            structure = term.structure
            low, high = structure.free_bounds()
            scale = np.ones(structure.n_free)
            sizes = column_sizes(term)
            if structure.kind == "us":
                scale = 1.0 / sizes[structure.cells[0]]
            else:
                n_sd = 1 if structure.hom else structure.size
                scale[:n_sd] = 1.0 / (sizes.mean() if structure.hom else sizes)
                high[:n_sd] = MOST * scale[:n_sd]
            scales.append(scale)
            lowers.append(low / scale)
            uppers.append(high / scale)
        return cls(
            problem=problem,
            scale=np.concatenate(scales),
            lower=np.concatenate(lowers),
            upper=np.concatenate(uppers),
        )

    @property
    def highest(self) -> NDArray[np.float64]:
        """From where on a parameter counts as at its upper bound."""
        return np.where(np.isfinite(self.upper), self.upper * (1.0 - AT_BOUND), np.inf)

    def theta(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return theta_of(self.problem.terms, x * self.scale)

    def inner(self, x: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        problem = self.problem
        return problem.layout.matrices(problem.conditioned(self.theta(x)[None]))

    def value(self, x: NDArray[np.float64]) -> float:
        return value_of(self.problem.criterion, self.inner(x))

    def at(self, x: NDArray[np.float64], evaluation: Evaluation | None = None) -> FreePoint:
        problem = self.problem
        if evaluation is None:
            evaluation = problem.criterion.exactly().evaluate(self.inner(x))
        M, form, hh = in_the_callers_columns(problem, evaluation)
        g, H, _ = along_free(problem, self.theta(x), M, form, hh)
        return FreePoint(
            x=x,
            evaluation=evaluation,
            value=float(evaluation.criterion[0]),
            gradient=self.scale * g,
            hessian=self.scale[:, None] * H * self.scale,
        )

    def moving(self, point: FreePoint) -> NDArray[np.bool_]:
        """Which parameters are not held at a bound, and are seen by the criterion."""
        x, g = point.x, point.gradient
        held = (x <= self.lower + AT_BOUND) & (g > 0)
        held |= (x >= np.where(np.isfinite(self.upper), self.upper * (1.0 - AT_BOUND), np.inf)) & (
            g < 0
        )
        return ~held & self.seen(x)

    def seen(self, x: NDArray[np.float64]) -> NDArray[np.bool_]:
        """A correlation is not where fewer than two standard deviations differ from zero."""
        seen = np.ones(len(x), dtype=np.bool_)
        for term, own in zip(self.problem.terms, free_slices(self.problem.terms), strict=True):
            structure = term.structure
            if structure.kind in {"cs", "ar1"} and structure.size > 1:
                sds = x[own][:-1]
                enough = 1 if structure.hom else 2
                seen[own.stop - 1] = np.count_nonzero(sds > NOTHING) >= enough
        return seen

    def starts(self) -> Iterator[NDArray[np.float64]]:
        for size, share in STARTS:
            parts = []
            for term, own in zip(self.problem.terms, free_slices(self.problem.terms), strict=True):
                structure = term.structure
                if structure.kind == "us":
                    parts.append(size * structure.start())
                    continue
                x = np.full(structure.n_free, size)
                if structure.kind != "diag" and structure.size > 1:
                    bound = self.upper if share > 0 else self.lower
                    x[-1] = abs(share) * bound[own.stop - 1]
                parts.append(x)
            yield np.clip(np.concatenate(parts), self.lower, self.upper)


def column_sizes(term: RandomTerm) -> NDArray[np.float64]:
    """The root mean square of each column of a term."""
    sizes = np.sqrt(np.einsum("nk,nk->k", term.columns, term.columns) / len(term.columns))
    sizes[sizes == 0.0] = 1.0
    return np.asarray(sizes)


def tolerance(evaluation: Evaluation) -> float:
    """What a fall of the criterion must exceed to be more than rounding."""
    return FALL + max(ROUNDING * abs(float(evaluation.criterion[0])), float(evaluation.rounding[0]))
