"""A model ready to be fitted: its columns, its criterion, and the way between our theta and lme4's.

The criterion works with well-conditioned columns, of which theta is T̃ = C⁻¹T, made lower triangular
again; what is handed out is lme4's: T of the caller's columns, with diagonals of zero or more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.linalg import block_diag

from pylme.covariance.roots import lower_root
from pylme.reference.criterion.criterion import Criterion
from pylme.reference.criterion.crossed import crossed
from pylme.reference.criterion.likelihood import Likelihood
from pylme.reference.criterion.one_factor import one_factor
from pylme.reference.criterion.recentring import recentred
from pylme.reference.problem.columns import Columns, well_conditioned
from pylme.reference.problem.starting import moments_start
from pylme.reference.problem.terms import Layout, layout_of
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.model_matrix.random_term import RandomTerm
    from pylme.reference.criterion.crossed import Crossed
    from pylme.reference.criterion.one_factor import OneFactor

__all__ = ["Problem", "prepare"]

#: Once for the columns of X, and twice for the responses: the first time uncovers what is left.
_RECENTRINGS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """A linear mixed model and its data, or many responses on one design.

    Attributes
    ----------
    layout : Layout
    columns : Columns
    likelihood : Likelihood
    criterion : Criterion
    unevenness : float
        The largest prior weight over the least.
    """

    layout: Layout
    columns: Columns
    likelihood: Likelihood
    criterion: Criterion
    unevenness: float = 1.0

    @property
    def n_responses(self) -> int:
        """R."""
        return len(self.columns.y)

    def alone(self, response: int) -> Problem:
        """The problem of one response."""
        own = slice(response, response + 1)
        return replace(
            self,
            columns=replace(self.columns, y=self.columns.y[own], beta0=self.columns.beta0[own]),
            criterion=self.single(response),
        )

    def single(self, response: int) -> Criterion:
        """The criterion of one response alone."""
        if self.n_responses == 1:
            return self.criterion
        return self.criterion.subset(np.arange(self.n_responses) == response)

    def conditioned(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Our theta of lme4's theta, shapes (R, m)."""
        return self._changed(theta, [np.asarray(np.linalg.inv(C)) for C in self.columns.C])

    def callers(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """lme4's theta of ours, shapes (R, m); diagonals of zero or more."""
        return self._changed(theta, self.columns.C)

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
        squares, sizes, total = self.criterion.moments()
        return moments_start(
            self.layout, squares, sizes, total / self.likelihood.n, self.likelihood.n
        )

    def change_of_covariance(self) -> NDArray[np.float64]:
        """The matrix that takes vec(Σ_f) of the caller's columns to ours, shape (V, V)."""
        return block_diag(*(np.kron(inv, inv) for inv in map(np.linalg.inv, self.columns.C)))


def prepare(
    X: NDArray[np.float64],
    Y: NDArray[np.float64],
    terms: Sequence[RandomTerm],
    *,
    weights: NDArray[np.float64] | None = None,
    reml: bool = True,
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
    """
    with one_thread():
        return _prepared(X, Y, terms, weights, reml=reml)


def _prepared(
    X: NDArray[np.float64],
    Y: NDArray[np.float64],
    terms: Sequence[RandomTerm],
    weights: NDArray[np.float64] | None,
    *,
    reml: bool,
) -> Problem:
    layout = layout_of(terms)
    columns = well_conditioned(X, Y, terms, layout, weights)
    n, p = X.shape
    constant = -columns.log_weights
    if reml:
        constant += 2.0 * float(np.linalg.slogdet(columns.RX)[1])
    likelihood = Likelihood(n=n, p=p, reml=reml, constant=constant)
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
        unevenness=1.0 if weights is None else float(weights.max() / weights.min()),
    )


def _criterion(likelihood: Likelihood, columns: Columns, layout: Layout) -> OneFactor | Crossed:
    if len(layout.factors) == 1:
        return one_factor(likelihood, columns, layout.factors[0])
    return crossed(likelihood, columns, layout)
