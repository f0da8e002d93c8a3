"""The deviance before σ is profiled out, with its derivatives, β profiled out but for one of them.

In the relative covariance matrices Σ_f of the factors, s = log σ² and, where one coefficient has a
given value v, that coefficient,

    D = log|A| + ρ log|S| + ν(s + log 2π) + r²/σ² - Σ log w

    D_Σ = M      D_s = ν - r²/σ²      D_ΣΣ = form      D_Σs = Σ_j h_jh_jᵀ/σ²      D_ss = r²/σ²

(Bates, Mächler, Bolker & Walker 2015, sections 3.4 and 5.1). With x_j taken out of X, the response
is y - v x_j, so that r² and Σ_j h_jh_jᵀ are quadratic in v. Their three coefficients are read from
three responses, e = y - β̂_jx_j, x_j and their sum, as all of these are quadratic forms:

    ⟨e, x⟩ = ½ (|e + x|² - |e|² - |x|²)

D's other parts are linear in 1/σ², and are read from an evaluation at an infinite σ².
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pylme.reference.criterion.likelihood import GivenVariance, one_of
from pylme.reference.criterion.prepare import Problem, prepare

if TYPE_CHECKING:
    from pylme.reference.criterion.likelihood import Evaluation
    from pylme.results.linear_problem import LinearProblem

__all__ = ["Deviance", "FixedEffectDeviance", "Local", "VarianceDeviance"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Local:
    """The deviance at one point, with its derivatives.

    Attributes
    ----------
    value : float
        Infinite where it cannot be computed.
    gradient : ndarray, shape (V + e,)
        By the stacked vec(Σ_f), and by s, or s and v.
    hessian : ndarray, shape (V + e, V + e)
    beta : ndarray
        The fixed effects that are profiled out, of the caller's columns.
    """

    value: float
    gradient: NDArray[np.float64]
    hessian: NDArray[np.float64]
    beta: NDArray[np.float64]


class Deviance(Protocol):
    """The deviance of a problem, as a function of T, s, and perhaps v."""

    @property
    def problem(self) -> Problem:
        """The problem whose columns T belongs to."""
        ...

    def at(self, T: list[NDArray[np.float64]], others: NDArray[np.float64]) -> Local:
        """The deviance at T, shapes (1, K_f, K_f), and at s, or s and v."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VarianceDeviance:
    """The deviance with all fixed effects profiled out.

    Attributes
    ----------
    problem : Problem
        Of a single response.
    """

    problem: Problem

    def at(self, T: list[NDArray[np.float64]], others: NDArray[np.float64]) -> Local:
        """See `Deviance`."""
        (s,) = others.tolist()
        variance = float(np.exp(s))
        nu = self.problem.likelihood.nu
        found = _at_variance(self.problem.criterion, self.problem, variance).evaluate(T)
        left = float(found.rss[0]) / variance
        V = found.hh.shape[1]
        hessian = np.empty((V + 1, V + 1))
        hessian[:V, :V] = found.form[0]
        hessian[:V, V] = hessian[V, :V] = found.hh[0] / variance
        hessian[V, V] = left
        return Local(
            value=float(found.criterion[0]),
            gradient=np.append(_flat(found), nu - left),
            hessian=hessian,
            beta=_coefficients(self.problem, found),
        )


class FixedEffectDeviance:
    """The deviance with one coefficient at a given value, and the others profiled out.

    Attributes
    ----------
    problem : Problem
        Of three responses, without the coefficient's column.
    """

    def __init__(self, linear: LinearProblem, column: int, center: float, size: float) -> None:
        """Prepare the responses.

        Parameters
        ----------
        linear : LinearProblem
            By ML.
        column : int
            The coefficient's column of X.
        center : float
            The estimate.
        size : float
            The standard error: x_j is taken times that, so that v counts standard errors.
        """
        self.center, self.size = center, size
        x = size * linear.X[:, column]
        e = linear.y_less_offset - center * linear.X[:, column]
        # x of the length of e: neither drowns the other in their sum.
        self._scale = float(np.linalg.norm(e) / np.linalg.norm(x))
        x = self._scale * x
        self.problem = prepare(
            np.delete(linear.X, column, axis=1),
            np.stack([e, x, e + x]),
            linear.terms,
            weights=linear.weights,
            reml=False,
            represented=linear.represented,
        )
        # The determinants, from any response at an infinite σ², then the squares at σ² = 1.
        self._variances = np.array([np.inf, 1.0, 1.0, 1.0])
        self._criteria = self._prepared()

    def _prepared(self) -> list[Any]:
        criterion, responses = self.problem.criterion, np.array([0, 0, 1, 2])
        if criterion.batch_numbers is not None:
            return [_at_variance(criterion.subset(responses), self.problem, self._variances)]
        return [
            _at_variance(criterion.subset(responses[[at]]), self.problem, variance)
            for at, variance in enumerate(self._variances.tolist())
        ]

    def _evaluate(self, T: list[NDArray[np.float64]]) -> list[Evaluation]:
        if len(self._criteria) == 1:
            (together,) = self._criteria
            found = together.evaluate([np.repeat(matrix, 4, axis=0) for matrix in T])
            return [one_of(found, r) for r in range(4)]
        return [criterion.evaluate(T) for criterion in self._criteria]

    def at(self, T: list[NDArray[np.float64]], others: NDArray[np.float64]) -> Local:
        """See `Deviance`; v counts standard errors from the estimate."""
        s, v = others.tolist()
        precision = float(np.exp(-s))
        nu = self.problem.likelihood.nu
        of_determinants, *each = self._evaluate(T)
        u = v / self._scale
        rss = _Quadratic.of([float(one.rss[0]) for one in each])
        hh = _Quadratic.of([one.hh[0] for one in each])
        form = _Quadratic.of([one.form[0] - of_determinants.form[0] for one in each])
        V = of_determinants.hh.shape[1]
        slope, bend = rss.slope(u) / self._scale, rss.bend / self._scale**2
        gradient = np.empty(V + 2)
        gradient[:V] = _flat(of_determinants) - precision * hh.value(u)
        gradient[V:] = nu - precision * rss.value(u), precision * slope
        hessian = np.empty((V + 2, V + 2))
        hessian[:V, :V] = of_determinants.form[0] + precision * form.value(u)
        hessian[:V, V] = hessian[V, :V] = precision * hh.value(u)
        hessian[:V, V + 1] = hessian[V + 1, :V] = -precision * hh.slope(u) / self._scale
        hessian[V:, V:] = precision * np.array([[rss.value(u), -slope], [-slope, bend]])
        value = float(of_determinants.criterion[0]) + precision * rss.value(u)
        value += nu * (s + float(np.log(2.0 * np.pi)))
        beta = [_coefficients(self.problem, one, r) for r, one in enumerate(each)]
        return Local(value=value, gradient=gradient, hessian=hessian, beta=beta[0] - u * beta[1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Quadratic:
    """|e - ux|² = ee - 2u ex + u² xx, from the squares of e, x and e + x."""

    ee: Any
    ex: Any
    xx: Any

    @classmethod
    def of(cls, squares: list[Any]) -> _Quadratic:
        """From the squares of e, x and e + x."""
        ee, xx, both = squares
        return cls(ee=ee, ex=0.5 * (both - ee - xx), xx=xx)

    def value(self, u: float) -> Any:
        return self.ee - 2.0 * u * self.ex + u * u * self.xx

    def slope(self, u: float) -> Any:
        return 2.0 * (u * self.xx - self.ex)

    @property
    def bend(self) -> Any:
        return 2.0 * self.xx


def _at_variance(criterion: Any, problem: Problem, variance: float | NDArray[np.float64]) -> Any:
    return replace(criterion, likelihood=GivenVariance.of(problem.likelihood, variance))


def _flat(found: Evaluation) -> NDArray[np.float64]:
    return np.concatenate([m[0].ravel() for m in found.M])


def _coefficients(problem: Problem, found: Evaluation, response: int = 0) -> NDArray[np.float64]:
    columns = problem.columns
    made: NDArray[np.float64] = np.linalg.solve(columns.RX, found.beta[0] + columns.beta0[response])
    return made
