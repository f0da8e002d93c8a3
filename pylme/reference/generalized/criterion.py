"""The criterion of a generalized problem, prepared once, at any parameters.

Rows are put in the order of the largest grouping factor. Parameters are θ in lme4's order, β, and
where they are free ln ϑ of a negative binomial or ln 1/φ of the likelihood proper.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.errors import NotAvailableError
from pylme.families.rows import RowFunction
from pylme.reference.generalized.algebra.one_factor import OneFactorAlgebra, one_factor_of
from pylme.reference.generalized.algebra.several_factors import SeveralFactorsAlgebra
from pylme.reference.generalized.algebra.several_factors_of import several_factors_of
from pylme.reference.generalized.laplace import Slopes, laplace
from pylme.reference.generalized.mode import EXACT, QUICK, Mode, Penalised
from pylme.reference.generalized.objective import Objective, objective_of
from pylme.reference.generalized.quadrature import quadrature
from pylme.reference.problem.layout import Layout, layout_of
from pylme.results.generalized_problem import GeneralizedProblem
from pylme.versions import has

if TYPE_CHECKING:
    from typing import Self


__all__ = ["GeneralizedCriterion", "Point", "criterion_of"]

Arrays = list[NDArray[np.float64]]
#: ln ϑ or ln 1/φ beyond which nothing is computed: no data have it, and steps of a search pass it.
_FARTHEST: Final = 100.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Point:
    """The criterion at one set of parameters.

    Attributes
    ----------
    x : ndarray, shape (m + p [+ 1],)
        θ, β and, where it is free, ln ϑ or ln 1/φ.
    value : float
        Infinite where there is no mode, or A is not positive definite.
    gradient : ndarray of the shape of `x`, or None
    mode : Mode or None
    slopes : Slopes or None
    """

    x: NDArray[np.float64]
    value: float
    gradient: NDArray[np.float64] | None
    mode: Mode | None
    slopes: Slopes | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GeneralizedCriterion:
    """A generalized problem, ready to be evaluated.

    Attributes
    ----------
    problem : GeneralizedProblem
    layout : Layout
    algebra : OneFactorAlgebra or SeveralFactorsAlgebra
    Xt : ndarray, shape (p, n)
    offset : ndarray, shape (n,)
    objective : Objective
        All in the order of the algebra's rows.
    """

    problem: GeneralizedProblem
    layout: Layout
    algebra: OneFactorAlgebra | SeveralFactorsAlgebra
    Xt: NDArray[np.float64]
    offset: NDArray[np.float64]
    objective: Objective

    @property
    def rows(self) -> RowFunction:
        """The rows of the model."""
        return self.objective.rows

    @property
    def m(self) -> int:
        """The number of elements of θ."""
        return len(self.layout.row)

    @property
    def p(self) -> int:
        """The number of fixed effects."""
        return len(self.Xt)

    @property
    def joint(self) -> bool:
        """Whether β is a part of the mode: nAGQ = 0."""
        return self.problem.n_agq == 0

    @property
    def free(self) -> NDArray[np.intp]:
        """The parameters that a search has: all, or without β where it is a part of the mode."""
        if not self.joint:
            return np.arange(self.problem.n_parameters)
        return np.concatenate(
            [np.arange(self.m), np.arange(self.m + self.p, self.problem.n_parameters)]
        )

    def with_columns(self, z: Arrays, Xt: NDArray[np.float64]) -> Self:
        """The same model in other columns."""
        return replace(self, algebra=self.algebra.with_columns(z), Xt=Xt)

    def factors(self, theta: NDArray[np.float64]) -> Arrays:
        """The T_f, shapes (K_f, K_f)."""
        return [matrix[0] for matrix in self.layout.matrices(np.asarray(theta, np.float64)[None])]

    def theta(self, T: Arrays) -> NDArray[np.float64]:
        """Θ of the T_f, shape (m,)."""
        return np.asarray(self.layout.theta([matrix[None] for matrix in T])[0])

    def objective_at(self, x: NDArray[np.float64]) -> tuple[Objective, float]:
        """The objective with the ϑ of these parameters, and 1/φ (or ϑ); 1 where neither is free."""
        if len(x) == self.m + self.p:
            return self.objective, 1.0
        k = float(np.exp(x[-1]))
        return self.objective.with_shape(k) if self.problem.shape_free else self.objective, k

    def at(
        self,
        x: NDArray[np.float64],
        *,
        start: Arrays | None = None,
        tolerance: float = QUICK,
        gradient: bool = True,
    ) -> Point:
        """The criterion and its gradient.

        Parameters
        ----------
        x : ndarray, shape (m + p [+ 1],)
            Where β is a part of the mode, the iterations start at the one given.
        start : list of ndarray, shapes (K_f, J_f), optional
            Random effects u from which the iterations start.
        tolerance : float
            Of the mode.
        gradient : bool
        """
        m, p = self.m, self.p
        T, beta = self.factors(x[:m]), x[m : m + p]
        if len(x) > m + p and abs(x[-1]) > _FARTHEST:
            return Point(x=x, value=np.inf, gradient=None, mode=None, slopes=None)
        objective, k = self.objective_at(x)
        penalised = Penalised(
            algebra=self.algebra, rows=objective.rows, T=T, Xt=self.Xt, joint=self.joint
        )
        mode = penalised.mode(self.offset, beta, start=start, tolerance=tolerance)
        if mode is None:
            return Point(x=x, value=np.inf, gradient=None, mode=None, slopes=None)
        observed = self.problem.laplace == "observed"
        if self.problem.n_agq > 1:
            value, slopes = quadrature(
                penalised, mode, points=self.problem.n_agq, observed=observed, gradient=gradient
            )
            if has("quadrature_constant"):
                value += objective.saturated
        else:
            value, slopes = laplace(
                penalised, objective, mode, observed=observed, k=k, gradient=gradient
            )
        if self.joint:
            x = np.concatenate([x[:m], mode.beta, x[m + p :]])
        return Point(
            x=x, value=value, gradient=None if slopes is None else self._gradient(x, slopes),
            mode=mode, slopes=slopes,
        )  # fmt: skip

    def exactly(self, x: NDArray[np.float64], start: Arrays | None = None) -> Point:
        """The same with the mode to the last digits."""
        return self.at(x, start=start, tolerance=EXACT)

    def _gradient(self, x: NDArray[np.float64], slopes: Slopes) -> NDArray[np.float64]:
        gradient = np.empty(len(x))
        gradient[: self.m] = self.theta(slopes.G)
        gradient[self.m : self.m + self.p] = 0.0 if self.joint else slopes.beta
        gradient[self.m + self.p :] = slopes.extra
        return gradient


def criterion_of(problem: GeneralizedProblem) -> GeneralizedCriterion:
    """Prepare a problem."""
    if any(term.structure.kind != "us" for term in problem.terms):
        raise NotAvailableError(
            asked="Computing the criterion of a generalized model by the NumPy engine",
            found="the NumPy engine has covariance structures for linear models only",
            remedy='lme4 2.0 or newer fits the model: glmer(..., engine="lme4"). Of that fit, '
            'confint(method="wald") and bootstrap() do not need this criterion.',
        )
    layout = layout_of(problem.terms)
    columns = [term.columns for term in problem.terms]
    make = one_factor_of if len(layout.factors) == 1 else several_factors_of
    algebra: OneFactorAlgebra | SeveralFactorsAlgebra = make(layout, columns)
    order = algebra.order
    rows = RowFunction.of(problem.family, problem.y[order], problem.weights[order])
    trials = None if problem.trials is None else problem.trials[order]
    return GeneralizedCriterion(
        problem=problem,
        layout=layout,
        algebra=algebra,
        Xt=np.ascontiguousarray(problem.X[order].T),
        offset=problem.offset[order],
        objective=objective_of(problem, rows, trials),
    )
