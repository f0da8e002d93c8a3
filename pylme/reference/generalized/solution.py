"""What follows from the parameters of a generalized fit: scale, covariances, modes, residuals.

With W the expected information at the mode and A = ΛᵀZᵀWZΛ + I,

    R_XᵀR_X = XᵀWX - XᵀWZΛA⁻¹ΛᵀZᵀWX      cov(β̂) = 2[H⁻¹]_ββ   or   σ²(R_XᵀR_X)⁻¹
    cov(b_j | y) = σ²[ΛA⁻¹Λᵀ]_jj          σ² = (Σ a(y-μ)²/V + ûᵀû)/n for a family with a dispersion

(Bates, Mächler, Bolker & Walker 2015, sections 3 and 5). Leverages and Cook's distances are those
of lme4, which take prior weights in the place of W.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from pylme.families import link_of, variance_of
from pylme.reference.generalized.criterion import GeneralizedCriterion
from pylme.reference.generalized.mode import Mode, back, transformed
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from pylme.results.fitted_model import ResidualType

__all__ = ["GeneralizedSolution", "fixed_covariance"]


@dataclass(kw_only=True, eq=False)
class GeneralizedSolution:
    """A generalized model at its parameters, each part computed when it is first asked for.

    Attributes
    ----------
    criterion : GeneralizedCriterion
        In the caller's columns.
    x : ndarray, shape (m + p [+ 1],)
    found : Mode, optional
        The mode there, where it is known; its H is not asked for.
    """

    criterion: GeneralizedCriterion
    x: NDArray[np.float64]
    found: Mode | None = None

    @cached_property
    def mode(self) -> Any:
        """The mode, to the last digits."""
        if self.found is not None:
            return self.found
        with one_thread():
            return self.criterion.exactly(self.x).mode

    @cached_property
    def T(self) -> list[NDArray[np.float64]]:
        """The relative covariance factors by grouping factor."""
        return self.criterion.factors(self.x[: self.criterion.m])

    @property
    def beta(self) -> NDArray[np.float64]:
        """The fixed effects, shape (p,)."""
        m = self.criterion.m
        return self.mode.beta if self.criterion.joint else self.x[m : m + self.criterion.p]

    @cached_property
    def A(self) -> Any:
        """The factored A."""
        with one_thread():
            return self.criterion.algebra.factor(self.T, self.mode.values.derivatives.expected)

    @cached_property
    def _eliminated(self) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
        """ΛᵀZᵀWX and A⁻¹ΛᵀZᵀWX, by grouping factor."""
        w = self.mode.values.derivatives.expected
        with one_thread():
            P = back(self.T, self.criterion.algebra.gather(w * self.criterion.Xt))
            return P, self.A.solve(P)

    @cached_property
    def RX(self) -> NDArray[np.float64]:
        """R_X, upper triangular, shape (p, p)."""
        w, Xt = self.mode.values.derivatives.expected, self.criterion.Xt
        S = (w * Xt) @ Xt.T
        for left, right in zip(*self._eliminated, strict=True):
            S = S - np.einsum("paj,raj->pr", left, right)
        return np.asarray(np.linalg.cholesky(S).T)

    @cached_property
    def pwrss(self) -> float:
        """Σ a(y-μ)²/V + ûᵀû."""
        return float((self.pearson**2).sum()) + float(self.mode.usq)

    @cached_property
    def sigma(self) -> float:
        """σ; 1 for a family without a dispersion."""
        if not self.criterion.objective.dispersed:
            return 1.0
        if self.criterion.objective.likelihood:
            return float(np.exp(-0.5 * self.x[-1]))
        return float(np.sqrt(self.pwrss / len(self.pearson)))

    def _placed(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of the criterion's rows in the order of the data."""
        placed = np.empty_like(rows)
        placed[..., self.criterion.algebra.order] = rows
        return placed

    @cached_property
    def eta(self) -> NDArray[np.float64]:
        """The linear predictor, shape (n,)."""
        return self._placed(self.mode.eta)

    @cached_property
    def mu(self) -> NDArray[np.float64]:
        """The means, shape (n,)."""
        return self._placed(self.criterion.rows.mean(self.mode.eta))

    @cached_property
    def root_of_weights(self) -> NDArray[np.float64]:
        """(a/V)^½, shape (n,)."""
        rows = self.criterion.rows
        family = rows.family
        if self.criterion.problem.shape_free:
            rows = rows.with_shape(float(np.exp(self.x[-1])))
            family = rows.family
        V = variance_of(family, rows.mean(self.mode.eta)).value
        # As lme4, which keeps variances away from zero.
        return self._placed(np.sqrt(rows.weights / np.maximum(V, np.finfo(float).eps)))

    @cached_property
    def pearson(self) -> NDArray[np.float64]:
        """(y-μ)(a/V)^½, shape (n,)."""
        return np.asarray((self.criterion.problem.y - self.mu) * self.root_of_weights)

    def residuals(self, kind: ResidualType) -> NDArray[np.float64]:
        """Residuals of one kind, shape (n,)."""
        raw = self.criterion.problem.y - self.mu
        if kind == "response":
            return raw
        if kind == "working":
            return np.asarray(raw / self.slope)
        if kind == "deviance":
            d = self._placed(np.maximum(self.mode.values.deviance, 0.0))
            return np.asarray(np.sign(raw) * np.sqrt(d))
        return self.pearson / self.sigma if kind == "scaled" else self.pearson

    @cached_property
    def slope(self) -> NDArray[np.float64]:
        """dμ/dη, shape (n,)."""
        first = link_of(self.criterion.rows.family.link).derivatives(self.eta)[0]
        return np.asarray(np.maximum(first, np.finfo(float).eps) if first.min() >= 0 else first)

    @cached_property
    def effects(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The spherical random effects u and the conditional modes b, each of shape (q,)."""
        return self._by_term(self.mode.u), self._by_term(transformed(self.T, self.mode.u))

    def _by_term(self, parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        terms = self.criterion.problem.terms
        placed = np.empty(terms[-1].rows.stop)
        for factor, part in zip(self.criterion.layout.factors, parts, strict=True):
            for t, place in zip(factor.terms, factor.places, strict=True):
                placed[terms[t].rows] = part[place].T.ravel()
        return placed

    def conditional_variances(self, group: str) -> NDArray[np.float64]:
        """σ²[ΛA⁻¹Λᵀ]_jj of one grouping factor, shape (J, K, K)."""
        algebra = self.criterion.algebra
        for f, factor in enumerate(self.criterion.layout.factors):
            if factor.group == group:
                with one_thread():
                    inverse = algebra.inverse_blocks(self.A, f)
                blocks = np.einsum("ac,cdj,bd->jab", self.T[f], inverse, self.T[f])
                return np.asarray(self.sigma**2 * blocks)
        raise KeyError(group)

    def hat_values(self) -> NDArray[np.float64]:
        """lme4's leverages, which have prior weights where W stands elsewhere, shape (n,)."""
        criterion = self.criterion
        w = self.mode.values.derivatives.expected
        with one_thread():
            h, _ = criterion.algebra.leverage_and_blocks(self.T, self.A, w)
            _, Y = self._eliminated
            E = criterion.Xt - criterion.algebra.expand(transformed(self.T, Y))
        left = solve_triangular(self.RX, E, trans="T") if criterion.p else E
        return self._placed(criterion.rows.weights * (h + (left * left).sum(axis=0)))


def fixed_covariance(
    solution: GeneralizedSolution,
    hessian: NDArray[np.float64] | None,
    free: NDArray[np.intp],
) -> NDArray[np.float64]:
    """The covariance matrix of the fixed effects, shape (p, p), by the Hessian or by R_X.

    With a free ϑ the Hessian is that by θ and β at this ϑ, as in lme4. Where it is not positive
    definite, or β is a part of the mode, R_X is used.

    Parameters
    ----------
    solution : GeneralizedSolution
    hessian : ndarray, shape (m + p [+ 1], m + p [+ 1]), or None
        By the caller's parameters; None for R_X.
    free : ndarray of int
        The parameters on the face of the optimum.
    """
    criterion = solution.criterion
    m, p = criterion.m, criterion.p
    if hessian is not None and not criterion.joint:
        last = m + p + (criterion.problem.criterion == "likelihood")
        kept = [int(i) for i in free if i < last]
        H = hessian[np.ix_(kept, kept)]
        if np.isfinite(H).all() and (np.linalg.eigvalsh(H) > 0.0).all():
            places = [kept.index(i) for i in range(m, m + p)]
            return np.asarray(2.0 * np.linalg.inv(H)[np.ix_(places, places)])
    inverse = np.linalg.inv(solution.RX) if p else np.zeros((0, 0))
    return np.asarray(solution.sigma**2 * inverse @ inverse.T)
