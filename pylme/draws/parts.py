"""What is drawn: rows that share their parameters, and the steps of a draw.

A part is y = Xβ + Zb + ε on some rows, or a response whose mean has the linear predictor Xβ + Zb. A
step draws the effects of one grouping factor, all its terms together, or the errors. The order of
the steps is fixed: part by part, first the grouping factors in lme4's order, then the errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from pylme.families import Family
from pylme.model_matrix.matrices import ModelMatrices

__all__ = ["Part", "Step"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """One call of a random number generator.

    Attributes
    ----------
    size : int
        The number of levels, or of rows.
    covariance : ndarray, shape (k, k), or None
        Of a level's effects; None for errors.
    terms : tuple of int
        The terms of the part whose effects are drawn, side by side.
    sd : ndarray, shape (size,) or (1,)
        Of the errors.
    """

    size: int
    covariance: NDArray[np.float64] | None
    terms: tuple[int, ...]
    sd: NDArray[np.float64]

    @property
    def numbers(self) -> int:
        """How many numbers are drawn."""
        return self.size * (1 if self.covariance is None else len(self.covariance))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Rows that share their parameters.

    Attributes
    ----------
    design : ModelMatrices
    rows : ndarray of int, shape (n,)
        Their positions in the data given.
    beta : ndarray, shape (p,)
    covariances : tuple of ndarray, shapes (k, k)
        Of each term of the design.
    sigma : float
        The residual standard deviation of a row of weight 1; of a generalized model the root of
        the dispersion.
    family : Family or None
        None for a linear model.
    """

    design: ModelMatrices
    rows: NDArray[np.intp]
    beta: NDArray[np.float64]
    covariances: tuple[NDArray[np.float64], ...]
    sigma: float
    family: Family | None = None

    @property
    def trials(self) -> NDArray[np.float64] | None:
        """The trials of a response of successes and failures, shape (n,); None for others."""
        y = self.design.y
        return y.sum(axis=1) if y.ndim > 1 else None

    @property
    def mean(self) -> NDArray[np.float64]:
        """Xβ + offset, shape (n,).

        Summed column by column: a matrix product rounds differently from one BLAS to another, and
        on a flat criterion lme4's verdict depends on the last bit of y.
        """
        total = np.zeros(self.design.n)
        for column, coefficient in zip(self.design.X.T, self.beta, strict=True):
            total += column * coefficient
        return total + self.design.offset

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of a draw, in their order."""
        design = self.design
        effects = []
        for group, factor in design.group_factors.items():
            own = tuple(i for i, term in enumerate(design.terms) if term.group == group)
            effects.append(
                Step(
                    size=len(factor.levels),
                    covariance=block_diag(*(self.covariances[i] for i in own)),
                    terms=own,
                    sd=np.empty(0),
                )
            )
        if self.family is not None:
            return tuple(effects)
        equal = bool((design.weights == design.weights[0]).all())
        sd = self.sigma / np.sqrt(design.weights[:1] if equal else design.weights)
        return (*effects, Step(size=design.n, covariance=None, terms=(), sd=sd))
