"""A model ready to be fitted: its columns, its criterion, and the way between our theta and lme4's.

The criterion works with well-conditioned columns, of which theta is T̃ = C⁻¹T, made lower triangular
again; what is handed out is lme4's: T of the caller's columns, with diagonals of zero or more.

*Recentring.* Least-squares residuals are what is left of y where there are no random effects. Where
those are thousands of times the noise, they leave in the residuals what they had in common with X
by chance, and r² = yᵀV⁻¹y - β̂ᵀSβ̂ is the small difference of two large numbers. The model does not
change when y is replaced by y - Xβ for another β, and with the generalized least-squares one for
large variances nothing cancels: not there, and not where variances are small, as r² is large there.
Of X, columns that vary between groups alone are known ever less precisely as variances grow, and
others are not: S = XᵀV⁻¹X differs from a well-conditioned matrix by the scales of its rows and
columns, and no harm is done, if the columns of X are not mixed. Turned to the eigenvectors of S at
large variances they are not.

*The first start* is a moment estimator of the covariances. With columns that are orthonormal on
average, h_j = Z_jᵀy of the least-squares residuals y has

    E Σ_j h_jh_jᵀ ≈ σ²(n I + Σ_j C_jΣC_j),

other factors and the fit of the fixed effects left aside. Solved for Σ with Σ_j C_jΣC_j replaced by
Σ times the mean of ΣC_j²'s diagonal it gives each factor's share of the variance, and σ² is what
the factors leave. It need not be good: it saves the first steps of Newton's method, which lead far
astray where the variances are small.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from pylme.covariance.roots import lower_root
from pylme.covariance.structure import Unstructured
from pylme.model_matrix.random_term import RandomTerm, in_order
from pylme.reference.criterion.balanced import balanced_optimum
from pylme.reference.criterion.criterion import Criterion
from pylme.reference.criterion.crossed_tables import crossed
from pylme.reference.criterion.few_effects import FEW, few_effects
from pylme.reference.criterion.likelihood import CANCELLED, Likelihood
from pylme.reference.criterion.one_factor import OneFactor, one_factor
from pylme.reference.criterion.own_weights import own_weights
from pylme.reference.problem.columns import Columns, well_conditioned
from pylme.reference.problem.layout import Layout, layout_of
from pylme.reference.problem.sums import Sums
from pylme.reference.threads import one_thread, this_thread
from pylme.results.certificate import SUSPECT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.model_matrix.matrices import Represented
    from pylme.reference.criterion.criterion import Searched
    from pylme.reference.criterion.crossed import Crossed
    from pylme.results.linear_problem import LinearProblem

__all__ = ["Problem", "moments_start", "prepare", "problem_of", "recentred", "with_own_weights"]

#: A residual of this size, relative to the response, is its representation in double precision and
#: the rounding errors of a few operations that made it.
NO_RESIDUAL: Final = 16.0 * float(np.finfo(float).eps)
#: An eigenvalue of the information, relative to the sizes of the B_i, that leaves no doubt: the
#: analysis of the design takes a combination for invisible whose relative length is below 1e-7.
CLEAR: Final = 1e-8
#: Once for the columns of X, and twice for the responses: the first time uncovers what is left.
_RECENTRINGS: Final = 3
#: The least eigenvalue of S with a diagonal of ones that is near enough to one.
MIXED: Final = 1e-3
#: Variances are taken to lie between these multiples of the residual's.
LEAST: Final = 0.01
MOST: Final = 25.0
_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """A linear mixed model and its data, or many responses on one design.

    Attributes
    ----------
    layout : Layout
    columns : Columns
    likelihood : Likelihood
    criterion : Criterion
    unevenness : float or ndarray, shape (R,)
        The largest prior weight over the least.
    terms : tuple of RandomTerm
        With their covariance structures, which the layout does without.
    """

    layout: Layout
    columns: Columns
    likelihood: Likelihood
    criterion: Criterion
    unevenness: float | NDArray[np.float64] = 1.0
    terms: tuple[RandomTerm, ...] = ()

    @property
    def structured(self) -> bool:
        """Whether a term has a covariance structure, so that theta are not free parameters."""
        return any(term.structure.kind != "us" for term in self.terms)

    def full(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """The elements of theta of the layout, in which no term has a structure, shape (R, m')."""
        if theta.shape[-1] == len(self.layout.row):
            return theta
        made = [
            Unstructured(size=len(term.names)).parameters(term.factor(theta)) for term in self.terms
        ]
        return np.concatenate(made, axis=-1)

    def own(self, full: NDArray[np.float64]) -> NDArray[np.float64]:
        """lme4's theta of those of the layout: the inverse of `full`."""
        if not self.structured:
            return full
        made, start = [], 0
        for term in self.terms:
            plain = Unstructured(size=len(term.names))
            stop = start + plain.n_parameters
            made.append(term.structure.parameters(plain.factor(full[..., start:stop])))
            start = stop
        return np.concatenate(made, axis=-1)

    def factors(self, theta: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """The matrices T_f of lme4's theta, shapes (R, K_f, K_f)."""
        return self.layout.matrices(self.full(theta))

    @property
    def n_responses(self) -> int:
        """R."""
        return len(self.columns.y)

    @property
    def few(self) -> bool:
        """Whether several factors have so few effects that searches are quicker all at once."""
        factors = self.layout.factors
        return len(factors) > 1 and sum(factor.size for factor in factors) <= FEW

    def searched(self) -> Searched:
        """The criterion by which searches from several starts cost least."""
        if self.few:
            return few_effects(self.likelihood, self.columns, self.layout)
        return self.criterion

    @property
    def identified(self) -> bool:
        """Whether the information alone shows that the data determine all parameters."""
        information = self.criterion.information(self.layout.row, self.layout.column)
        return information is not None and bool(np.linalg.eigvalsh(information)[0] > CLEAR)

    def explained(
        self, length: float = 0.0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """What the fixed effects leave of each response.

        Parameters
        ----------
        length : float
            Of the first response before the offset was taken from it, if that is longer than after:
            a difference of large numbers has their rounding errors.

        Returns
        -------
        left, whole : ndarray, shape (R,)
            Sums of squares of each response less its projection on the fixed effects, and as given.
        little : ndarray of bool, shape (R,)
            Whether no more may be left than rounding errors of the projection.
        """
        y, coefficients = self.columns.y, self.columns.beta0
        left = np.einsum("rn,rn->r", y, y)
        # The coefficients are of orthonormal columns.
        whole = np.maximum(left + np.einsum("rp,rp->r", coefficients, coefficients), length**2)
        return left, whole, left <= (100.0 * NO_RESIDUAL) ** 2 * whole

    def suspects(self, rss: NDArray[np.float64]) -> NDArray[np.bool_]:
        """For which responses the criterion may have no minimum: so little of them is left.

        Or the model has as many effects as rows: a fit may then have ended at a local minimum.

        Parameters
        ----------
        rss : ndarray, shape (R,)
            What the fits left of each response.
        """
        left, _, little = self.explained()
        likelihood = self.likelihood
        saturated = likelihood.p + sum(f.size for f in self.layout.factors) >= likelihood.n
        return ~(rss > SUSPECT * left) | little | saturated

    def alone(self, response: int) -> Problem:
        """The problem of one response."""
        return self.part(slice(response, response + 1))

    def part(self, responses: slice) -> Problem:
        """The problem of some of the responses."""
        return replace(
            self,
            columns=replace(
                self.columns, y=self.columns.y[responses], beta0=self.columns.beta0[responses]
            ),
            criterion=self.criterion.subset(np.arange(self.n_responses)[responses]),
            unevenness=np.broadcast_to(self.unevenness, self.n_responses)[responses],
        )

    def single(self, response: int) -> Criterion:
        """The criterion of one response alone."""
        if self.n_responses == 1:
            return self.criterion
        return self.criterion.subset(np.array([response]))

    def conditioned(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Our theta of lme4's theta, shapes (R, m)."""
        inverses = [np.asarray(np.linalg.inv(C)) for C in self.columns.C]
        return self._changed(self.full(theta), inverses)

    def callers(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """lme4's theta of ours, shapes (R, m); diagonals of zero or more."""
        return self.own(self._changed(theta, self.columns.C))

    def _changed(
        self, theta: NDArray[np.float64], by: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        made = []
        for factor, C, T in zip(self.layout.factors, by, self.layout.matrices(theta), strict=True):
            product = C @ T
            for place in factor.places:
                product[:, place, place] = lower_root(product[:, place, place])
            made.append(product)
        return self.layout.theta(made)

    def start(self) -> NDArray[np.float64]:
        """Where a search begins, in terms of the well-conditioned columns: shape (R, m)."""
        if isinstance(self.criterion, OneFactor) and len(self.layout.factors[0].places) == 1:
            closed = balanced_optimum(self.criterion)
            if closed is not None and closed[1].all():
                return self.layout.theta([closed[0]])
        else:
            closed = None
        squares, sizes, total = self.criterion.moments()
        theta = moments_start(
            self.layout, squares, sizes, total / self.likelihood.n, self.likelihood.n
        )
        if closed is not None:
            T, inside = closed
            theta[inside] = self.layout.theta([T])[inside]
        return theta

    def change_of_covariance(self) -> NDArray[np.float64]:
        """The matrix that takes vec(Σ_f) of the caller's columns to ours, shape (V, V)."""
        return block_diag(*(np.kron(inv, inv) for inv in map(np.linalg.inv, self.columns.C)))


def problem_of(linear: LinearProblem) -> Problem:
    """The criterion of a linear problem, ready to be evaluated and minimised."""
    return prepare(
        linear.X,
        linear.y_less_offset[None],
        linear.terms,
        weights=linear.weights,
        reml=linear.reml,
        represented=linear.represented,
    )


def with_own_weights(problem: Problem, weights: NDArray[np.float64]) -> Problem:
    """The problem of responses with weights of their own, from that of the same without weights.

    Parameters
    ----------
    problem : Problem
        Of one grouping factor.
    weights : ndarray, shape (R, n)
        Positive, each row of mean 1.
    """
    (factor,) = problem.layout.factors
    own = own_weights(problem.likelihood, problem.columns, factor, weights)
    # A search asks no more of it; what else a criterion can do is not asked for of a batch.
    return replace(
        problem,
        criterion=cast("Criterion", own),
        unevenness=weights.max(axis=1) / weights.min(axis=1),
    )


def prepare(
    X: NDArray[np.float64],
    Y: NDArray[np.float64],
    terms: Sequence[RandomTerm],
    *,
    weights: NDArray[np.float64] | None = None,
    reml: bool = True,
    represented: Represented | None = None,
) -> Problem:
    """A model ready to be fitted.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Of full column rank.
    Y : ndarray, shape (R, n)
        One response or many, less the offset.
    terms : sequence of RandomTerm
        In lme4's order.
    weights : ndarray, shape (n,), optional
        Positive prior weights; None where all are 1.
    reml : bool
    represented : Represented, optional
        Where these rows, unweighted, stand for more that have the same cross products.
    """
    with nullcontext() if this_thread.limited else one_thread():
        return _prepared(X, Y, terms, weights, reml=reml, represented=represented)


def _prepared(
    X: NDArray[np.float64],
    Y: NDArray[np.float64],
    terms: Sequence[RandomTerm],
    weights: NDArray[np.float64] | None,
    *,
    reml: bool,
    represented: Represented | None,
) -> Problem:
    plain = _without_structures(terms)
    p = X.shape[1]
    n = len(X) if represented is None else represented.n
    layout = layout_of(plain, n)
    columns = well_conditioned(X, Y, plain, layout, weights, nobs=n)
    unevenness = 1.0 if weights is None else float(weights.max() / weights.min())
    if represented is not None:
        columns = replace(columns, log_weights=represented.log_weights)
        unevenness = represented.unevenness
    constant = -columns.log_weights
    if reml:
        constant += 2.0 * float(np.linalg.slogdet(columns.RX)[1])
    lost = (0.0, 0.0) if represented is None else represented.lost
    likelihood = Likelihood(n=n, p=p, reml=reml, constant=constant, lost=lost)
    criterion = _criterion(likelihood, columns, layout)
    for _ in range(_RECENTRINGS):
        nearer = recentred(columns, likelihood, criterion.far_out())
        if nearer is None:
            break
        columns, criterion = nearer, _criterion(likelihood, nearer, layout)
    return Problem(
        layout=layout,
        columns=columns,
        likelihood=likelihood,
        criterion=criterion,
        unevenness=unevenness,
        terms=tuple(terms),
    )


def _without_structures(terms: Sequence[RandomTerm]) -> Sequence[RandomTerm]:
    """The same terms, all of them unstructured."""
    if all(term.structure.kind == "us" for term in terms):
        return terms
    return in_order(replace(term, structure=Unstructured(size=len(term.names))) for term in terms)


def _criterion(likelihood: Likelihood, columns: Columns, layout: Layout) -> OneFactor | Crossed:
    sums = Sums.of(columns, layout)
    if len(layout.factors) == 1:
        return one_factor(likelihood, sums, layout.factors[0])
    return crossed(likelihood, sums, layout)


def recentred(columns: Columns, likelihood: Likelihood, far: NDArray[np.float64]) -> Columns | None:
    """Columns and responses that cancel less; None where these do not.

    Parameters
    ----------
    columns : Columns
    likelihood : Likelihood
    far : ndarray, shape (R, p + 1, p + 1)
        [X y]ᵀV⁻¹[X y] where all variances are large.
    """
    p = likelihood.p
    if p == 0 or likelihood.nu <= 0:
        return None
    S = far[0, :p, :p]
    scale = np.sqrt(np.maximum(S.diagonal(), np.finfo(float).tiny))
    if p > 1 and np.linalg.eigvalsh(S / np.outer(scale, scale))[0] < MIXED:
        turn = np.linalg.eigh(S)[1]
        if not np.allclose(np.abs(turn).max(axis=0), 1.0):
            return replace(
                columns,
                x_of_base=columns.x_of_base @ turn,
                RX=turn.T @ columns.RX,
                beta0=columns.beta0 @ turn,
            )
    solved = likelihood.solve(np.zeros(len(far)), far)
    lost = np.isfinite(solved.beta).all(axis=1) & ~(solved.rss > CANCELLED * far[:, -1, -1])
    if not lost.any():
        return None
    y, beta0 = columns.y.copy(), columns.beta0.copy()
    for r in np.flatnonzero(lost):
        y[r] -= (columns.x_of_base @ solved.beta[r]) @ columns.base
        beta0[r] += solved.beta[r]
    return replace(columns, y=y, beta0=beta0)


def moments_start(
    layout: Layout,
    squares: Sequence[NDArray[np.float64]],
    sizes: Sequence[float],
    variance: NDArray[np.float64],
    n: int,
) -> NDArray[np.float64]:
    """Our theta to begin with, shape (R, m).

    Parameters
    ----------
    layout : Layout
    squares : sequence of ndarray, shapes (R, K_f, K_f)
        Σ_j h_jh_jᵀ of each factor.
    sizes : sequence of float
        The mean of the diagonal of Σ_j C_j² of each factor.
    variance : ndarray, shape (R,)
        yᵀy/n.
    n : int
    """
    residual = variance
    # The effects of a factor whose columns are all zero have no moments: no variance.
    sizes = [size if size > 0 else np.inf for size in sizes]
    traces = [np.trace(square, axis1=1, axis2=2) for square in squares]
    for _ in range(_ROUNDS):
        taken = np.zeros_like(variance)
        for square, size, trace in zip(squares, sizes, traces, strict=True):
            of_errors = square.shape[1] * n * residual
            taken = taken + np.maximum((trace - of_errors) / size, 0.0)
        last, residual = residual, np.maximum(variance - taken, 0.1 * variance)
    parts = [
        (square - np.eye(square.shape[1]) * (n * last)[:, None, None]) / size
        for square, size in zip(squares, sizes, strict=True)
    ]
    T = []
    for factor, part in zip(layout.factors, parts, strict=True):
        block = np.zeros_like(part)
        for place in factor.places:
            values, vectors = np.linalg.eigh(part[:, place, place] / residual[:, None, None])
            values = np.clip(values, LEAST, MOST)
            block[:, place, place] = np.linalg.cholesky(
                (vectors * values[:, None]) @ vectors.swapaxes(1, 2)
            )
        T.append(block)
    return layout.theta(T)
