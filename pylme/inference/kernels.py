"""What every inference of a linear mixed model is made of, at the θ of a fit.

In whitened rows, with V = I + ZΣZᵀ, S = XᵀV⁻¹X and L Lᵀ = S, a target μ = xᵀβ + zᵀb has

    g = L⁻¹(x - NᵀΣz)      v = (I - KΣ)z - N L⁻ᵀg      N = ZᵀV⁻¹X      K = ZᵀV⁻¹Z
    φ = E(μ̂ - μ)²/σ² = zᵀΛA⁻¹Λᵀz + gᵀg      ∂φ/∂γ_i = vᵀB_iv

with γ_i the distinct elements of the relative covariance matrices and B_i = ∂Σ/∂γ_i, so that all
derivatives by the covariance parameters are quadratic forms of one vector v (Henderson 1975,
Biometrics 31, for the variance of a prediction; Kenward & Roger 1997, Biometrics 53, for the use of
its derivatives). All is computed in the well-conditioned columns of the problem, in which neither
units nor shifts of covariates change a digit.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.reference.criterion.precision import fixed_crosses, precision_at
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.ending import optimum_of
from pylme.reference.model import ReferenceModel
from pylme.reference.optimize.certificate import reduced
from pylme.reference.optimize.structured import FreeParameters
from pylme.reference.problem.layout import hessian
from pylme.reference.solution import along_theta, random_effects
from pylme.reference.standard_errors import across

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.reference.criterion.likelihood import Evaluation
    from pylme.reference.criterion.precision import Blocks, Precision
    from pylme.reference.criterion.prepare import Problem
    from pylme.results.fitted_model import FittedModel
    from pylme.results.linear_problem import LinearProblem

__all__ = ["Kernels", "equilibrated_inverse", "products"]

#: An eigenvalue of a matrix with a diagonal of ones that counts as zero.
NULL: Final = 1e-10


class Kernels:
    """The parts of which tests, intervals and predictions are made.

    Parameters
    ----------
    linear : LinearProblem
        With the theta of the fit.
    problem : Problem, optional
        The same, prepared, where it is at hand.
    evaluation : Evaluation, optional
        Of that problem at theta, with exact second derivatives.

    Attributes
    ----------
    linear : LinearProblem
    problem : Problem
        The same, prepared: its columns are well-conditioned.
    theta : ndarray, shape (m,)
        lme4's.
    nu : int
        The degrees of freedom of the residual variance: n - p by REML, n by ML.
    rss, sigma2 : float
        r² and σ̂² = r²/ν.
    beta : ndarray, shape (p,)
        Of the columns of `linear`.
    structured : bool
        Whether a term has a covariance structure.
    S_inv : ndarray, shape (p, p)
        (XᵀV⁻¹X)⁻¹; times σ̂² it is the covariance matrix of β̂.
    """

    def __init__(
        self,
        linear: LinearProblem,
        problem: Problem | None = None,
        evaluation: Evaluation | None = None,
    ) -> None:
        if linear.theta is None:
            raise TypeError(linear)
        self.linear = linear
        self.theta = linear.theta
        self.problem = problem_of(linear) if problem is None else problem
        self.layout = self.problem.layout
        self.structured = self.problem.structured
        self.nu = self.problem.likelihood.nu
        self._T = self.layout.matrices(self.problem.conditioned(self.theta[None]))
        if evaluation is None:
            evaluation = self.problem.criterion.exactly().evaluate(self._T)
        self.evaluation = evaluation
        self.rss = float(self.evaluation.rss[0])
        self.sigma2 = self.rss / self.nu
        columns = self.problem.columns
        back = np.linalg.inv(columns.RX)
        root = back @ np.linalg.inv(self.evaluation.RX[0]).T
        self.beta = back @ (self.evaluation.beta[0] + columns.beta0[0])
        self.S_inv = root @ root.T
        #: What makes g of x: L⁻¹ of the well-conditioned columns, and back to those of the caller.
        self.whitening = root.T

    @classmethod
    def of(cls, linear: LinearProblem) -> Kernels:
        """Those of a linear problem at its theta."""
        return cls(linear)

    @classmethod
    def of_model(cls, model: FittedModel) -> Kernels | None:
        """Those of a fitted model; None for a generalized one, or without its matrices."""
        linear = model.linear_problem()
        if linear is None or linear.theta is None:
            return None
        if isinstance(model, ReferenceModel):
            return cls(linear, model.problem, model.exact)
        return cls(linear)

    @cached_property
    def restricted(self) -> Kernels:
        """Those of the REML fit of the same model: itself, if that is how it was fitted."""
        if self.linear.reml or not self.linear.X.shape[1]:
            return self
        linear = self.linear.by_reml()
        return Kernels(linear.at(optimum_of(linear)[0]))

    @cached_property
    def precision(self) -> Precision:
        """ZᵀV⁻¹Z, ZᵀV⁻¹X and ΛA⁻¹Λᵀ as operators."""
        return precision_at(self.problem, self._T, self.evaluation.RX[0])

    @cached_property
    def Sigma(self) -> tuple[NDArray[np.float64], ...]:
        """The relative covariance matrices of the factors, shapes (K_f, K_f)."""
        return tuple(T[0] @ T[0].T for T in self._T)

    @cached_property
    def b(self) -> NDArray[np.float64]:
        """The conditional modes in the order of Zᵀ's rows, shape (q,)."""
        return random_effects(self.problem, self.theta)[1]

    @cached_property
    def singular(self) -> bool:
        """Whether a covariance matrix of the random effects lacks rank, whatever the units."""
        return not self._free.all()

    @cached_property
    def _patterns(self) -> FreeParameters:
        """The free parameters of a model with covariance structures, in place of theta."""
        return FreeParameters.of(self.problem, self.theta, self.evaluation)

    @cached_property
    def _reduced(self) -> tuple[list[NDArray[np.float64]], NDArray[np.bool_]]:
        smaller, (free,) = reduced(self.layout, self._T)
        return smaller, free

    @property
    def _free(self) -> NDArray[np.bool_]:
        return self._patterns.moving if self.structured else self._reduced[1]

    # --- by theta, for the observed information -------------------------------------------------

    @cached_property
    def hessian(self) -> NDArray[np.float64]:
        """Second derivatives of the profiled criterion by the theta of `problem`, shape (m, m).

        Rows and columns of elements that are zero at the boundary are those of their reduced model.
        """
        if self.structured:
            return self._patterns.hessian
        T = self._reduced[0]
        if self._free.all():
            # What M has along Σ is the error of the search.
            M = tuple(np.zeros_like(own) for own in self.evaluation.M)
        else:
            M = tuple(map(across, self.layout.factors, T, self.evaluation.M))
        made: NDArray[np.float64] = hessian(self.layout, T, M, self.evaluation.form)[0]
        return made

    @cached_property
    def inverse_hessian(self) -> NDArray[np.float64]:
        """The pseudo-inverse of `hessian` on the free elements of theta, zero elsewhere."""
        free = self._free
        if free.all():
            return equilibrated_inverse(self.hessian)
        made = np.zeros_like(self.hessian)
        made[np.ix_(free, free)] = equilibrated_inverse(self.hessian[np.ix_(free, free)])
        return made

    def along_theta(self, squares: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """vᵀΣ_kv for each element of theta, shape (r, m).

        Parameters
        ----------
        squares : sequence of ndarray, shapes (r, K_f, K_f)
            Σ_j v_jv_jᵀ.
        """
        if self.structured:
            flat = [own.reshape(len(own), -1) for own in squares]
            along: NDArray[np.float64] = np.concatenate(flat, axis=1) @ self._patterns.slopes.T
            return along
        made = [2.0 * own @ T[0] for own, T in zip(squares, self._reduced[0], strict=True)]
        return self.layout.theta(made)

    @cached_property
    def drift(self) -> NDArray[np.float64]:
        """hᵀΣ_kh/r² = -∂ log r²/∂θ_k, shape (m,)."""
        if self.structured:
            return np.asarray(self._patterns.slopes @ self.evaluation.hh[0] / self.rss)
        return along_theta(self.layout, self._reduced[0], self.evaluation.hh) / self.rss

    # --- by the elements of Σ, for the expected information -------------------------------------

    def along_cells(self, squares: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """vᵀB_iv for each element of the covariance matrices, shape (r, m), from `squares`."""
        return self.layout.theta(list(squares)) * np.where(self.layout.diagonal, 1.0, 2.0)

    def by_cell(self, w: Blocks, cell: int) -> Blocks:
        """B_i w of one element of the covariance matrices."""
        layout = self.layout
        made = tuple(np.zeros_like(part) for part in w)
        f, a, c = layout.factor_of[cell], layout.row[cell], layout.column[cell]
        made[f][a] = w[f][c]
        made[f][c] = w[f][a]
        return made

    def combined(self, w: Blocks, weights: NDArray[np.float64]) -> Blocks:
        """Σ_i weights_i B_i w."""
        made = []
        start = 0
        for f, part in enumerate(w):
            own = self.layout.own[f]
            matrix = np.zeros((len(part), len(part)))
            matrix[self.layout.row[own], self.layout.column[own]] = weights[own]
            matrix[self.layout.column[own], self.layout.row[own]] = weights[own]
            made.append(np.tensordot(matrix, part, axes=1))
            start += len(part)
        return tuple(made)

    def projected(self, w: Blocks) -> Blocks:
        """P_Z w = (K - NNᵀ)w."""
        N = self.precision.N
        inner = products(N, w)
        return tuple(
            own - part @ inner for own, part in zip(self.precision.times(w), N, strict=True)
        )

    @cached_property
    def traces(self) -> NDArray[np.float64]:
        """c_i = tr(P_ZB_i), shape (m,)."""
        ratio = self.nu / self.rss
        found, start = [], 0
        for M in self.evaluation.M:
            K = M.shape[1]
            found.append(M + ratio * self.evaluation.hh[:, start : start + K * K].reshape(M.shape))
            start += K * K
        return np.asarray(self.along_cells(found)[0])

    @cached_property
    def information(self) -> NDArray[np.float64]:
        """tr(P_ZB_iP_ZB_j) - c_ic_j/ν, shape (m, m): of a REML fit."""
        form = self._of_cells(self.evaluation.form)
        ratio = self.nu / self.rss
        h = self.precision.h
        parts = [self.by_cell(h, i) for i in range(len(self.traces))]
        w = tuple(np.concatenate(own, axis=2) for own in zip(*parts, strict=True))
        average = ratio * products(w, self.projected(w))
        along = self.along_cells(self._squares_of_h)[0]
        expected = 2.0 * average - form - ratio / self.rss * np.outer(along, along)
        return np.asarray(expected - np.outer(self.traces, self.traces) / self.nu)

    @cached_property
    def _squares_of_h(self) -> list[NDArray[np.float64]]:
        found, start = [], 0
        for T in self._T:
            K = T.shape[1]
            found.append(self.evaluation.hh[:, start : start + K * K].reshape(-1, K, K))
            start += K * K
        return found

    def _of_cells(self, form: NDArray[np.float64]) -> NDArray[np.float64]:
        """A quadratic form on the stacked vec(Σ_f) on pairs of the B_i."""
        layout = self.layout
        widths = np.array([T.shape[1] for T in self._T])
        starts = np.concatenate([[0], np.cumsum(widths**2)])[layout.factor_of]
        at = starts + layout.row * widths[layout.factor_of] + layout.column
        times = np.where(layout.diagonal, 1.0, 2.0)
        made: NDArray[np.float64] = (times[:, None] * times) * form[0][at[:, None], at]
        return made

    @cached_property
    def inverse_information(self) -> NDArray[np.float64]:
        """W/2, the pseudo-inverse of `information`."""
        return equilibrated_inverse(self.information)

    @cached_property
    def crosses(self) -> tuple[NDArray[np.float64], ...]:
        """Σ_j N_ja N_jbᵀ of each factor, shapes (p, p, K_f, K_f): what contrasts need of N."""
        found = fixed_crosses(self.problem, self._T, self.evaluation.RX)
        if found is not None:
            return tuple(of_factor[0] for of_factor in found)
        return tuple(
            np.einsum("ajc,bjd->cdab", own, own, optimize=True) for own in self.precision.N
        )

    @cached_property
    def adjustment(self) -> NDArray[np.float64]:
        """Σ_ij W_ij NᵀB_iP_ZB_jN, shape (p, p): what the covariance of g lacks, halved."""
        N = self.precision.N
        return self.lacking(N, N)

    def moments(self, G: NDArray[np.float64]) -> NDArray[np.float64]:
        """G L⁻¹(NᵀB_iN)L⁻ᵀGᵀ for each element of Σ, shape (m, q, q), of whitened contrasts G."""
        layout = self.layout
        made = []
        for f, a, c in zip(layout.factor_of, layout.row, layout.column, strict=True):
            cross = self.crosses[f][:, :, a, c]
            made.append(G @ (cross if a == c else cross + cross.T) @ G.T)
        return np.array(made)

    def lacking(self, v: Blocks, w: Blocks) -> NDArray[np.float64]:
        """Σ_ij W_ij vᵀB_iP_ZB_jw."""
        total = np.zeros((v[0].shape[2], w[0].shape[2]))
        for i, weights in enumerate(2.0 * self.inverse_information):
            if weights.any():
                total += products(self.by_cell(v, i), self.projected(self.combined(w, weights)))
        return total

    def whitened(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """L⁻¹x for rows of the caller's columns, shape (r, p)."""
        made: NDArray[np.float64] = x @ self.whitening.T
        return made

    def inner(self, z: NDArray[np.float64]) -> Blocks:
        """Z in the well-conditioned columns, from shape (q, r) in the order of Zᵀ's rows."""
        terms = self.linear.terms
        made = []
        for factor, C in zip(self.layout.factors, self.problem.columns.C, strict=True):
            parts = [
                z[terms[t].rows].reshape(factor.levels, len(terms[t].names), -1)
                for t in factor.terms
            ]
            whole = np.concatenate(parts, axis=1)
            made.append(np.einsum("jar,ac->cjr", whole, C))
        return tuple(made)

    def outer(self, w: Blocks) -> NDArray[np.float64]:
        """Vectors of the well-conditioned columns in the order of Zᵀ's rows: zᵀ of it is w's."""
        terms = self.linear.terms
        made = np.empty((terms[-1].rows.stop, w[0].shape[2]))
        for factor, C, own in zip(self.layout.factors, self.problem.columns.C, w, strict=True):
            whole = np.einsum("ac,cjr->jar", C, own)
            for t, place in zip(factor.terms, factor.places, strict=True):
                made[terms[t].rows] = whole[:, place].reshape(-1, whole.shape[2])
        return made


def products(v: Blocks, w: Blocks) -> NDArray[np.float64]:
    """vᵀw, shape (r, s)."""
    parts = [
        a.reshape(math.prod(a.shape[:2]), a.shape[2]).T
        @ b.reshape(math.prod(b.shape[:2]), b.shape[2])
        for a, b in zip(v, w, strict=True)
    ]
    return np.asarray(sum(parts[1:], parts[0]))


def equilibrated_inverse(A: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of a symmetric matrix of non-negative eigenvalues, or its pseudo-inverse.

    Eigenvalues count as zero beside the diagonal of the matrix, whatever the units: those of
    D^-½AD^-½ with D the diagonal of A. Directions of negative curvature are left out, too: they are
    those of a point that is no minimum.
    """
    diagonal = A.diagonal()
    scale = np.sqrt(np.where(diagonal > 0, diagonal, np.inf))
    values, vectors = np.linalg.eigh(A / scale[:, None] / scale)
    kept = values > NULL * max(float(values.max(initial=0.0)), 1.0)
    half = vectors[:, kept] / np.sqrt(values[kept]) / scale[:, None]
    made: NDArray[np.float64] = half @ half.T
    return made
