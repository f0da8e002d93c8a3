"""The criterion of a model without one level of its grouping factor, for many such levels at once.

With one factor the criterion is made of sums over levels (`pylme.reference.criterion.one_factor`).
Without level j it has the same sums less those of that level: K_j, c_j and log|A_j| are left out,
and from the sums of squares W within levels and from Σ log w what the rows of the level add to
them is subtracted. Columns stay those that are well-conditioned for all rows. Each level that is
left out is a response of the search, with its own θ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.reference.criterion.likelihood import Evaluation, outer_sums, symmetric_form
from pylme.reference.criterion.one_factor import OneFactor
from pylme.reference.problem.within_levels import LevelInverses

if TYPE_CHECKING:
    from pylme.reference.criterion.likelihood import Likelihood
    from pylme.reference.criterion.prepare import Problem

__all__ = ["Deletions", "deletions"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deletions:
    """What the criterion needs of the data.

    Attributes
    ----------
    whole : OneFactor
        Of all rows, one response.
    coefficients : ndarray, shape (1, p + 1, K, J)
        The c_j of X and y of each level.
    without : ndarray of int, shape (R,)
        The level that is left out.
    within : ndarray, shape (R, p + 1, p + 1)
        W without it.
    gram : ndarray, shape (R, p + 1, p + 1)
        [X y]ᵀ[X y] without it.
    n : ndarray of int, shape (R,)
        The rows that are left.
    constant : ndarray, shape (R,)
        As of `Likelihood`.
    """

    whole: OneFactor
    coefficients: NDArray[np.float64]
    without: NDArray[np.intp]
    within: NDArray[np.float64]
    gram: NDArray[np.float64]
    n: NDArray[np.intp]
    constant: NDArray[np.float64]

    @property
    def likelihood(self) -> Likelihood:
        """That of all rows."""
        return self.whole.likelihood

    @property
    def batch_numbers(self) -> int:
        """The numbers in the tables of one response."""
        return int(self.coefficients.size)

    @property
    def nu(self) -> NDArray[np.intp]:
        """The degrees of freedom of the residual variance, shape (R,)."""
        return self.n - self.likelihood.p * self.likelihood.rho

    def subset(self, responses: NDArray[np.bool_ | np.intp]) -> Deletions:
        """The same for some of the levels left out, marked or by their positions."""
        parts = ("without", "within", "gram", "n", "constant")
        return replace(self, **{name: getattr(self, name)[responses] for name in parts})

    def evaluate(self, T: list[NDArray[np.float64]]) -> Evaluation:
        """The criterion and its derivatives; see `OneFactor.evaluate`."""
        (factor,) = T
        likelihood = self.likelihood
        p, used, reml = likelihood.p, likelihood.p + 1, likelihood.reml
        R, K, J = len(factor), factor.shape[1], self.coefficients.shape[-1]
        at = self.whole.of_levels(factor)
        lost = np.arange(R)
        KK, logdet = at.KK.copy(), at.logdet.copy()
        KK[lost, :, :, self.without] = 0.0
        logdet[lost, self.without] = 0.0
        c = np.broadcast_to(at.turned(self.coefficients), (R, used, K, J)).copy()
        c[lost, :, :, self.without] = 0.0
        weighted = at.weighted(c)
        S = self.within + weighted.reshape(R, used, K * J) @ c.reshape(R, used, K * J).swapaxes(
            1, 2
        )
        found = likelihood.generalized_least_squares(S)
        sound = (found.rss > 0.0) & found.sound
        rss = np.where(sound, found.rss, np.inf)
        nu, ratio = self.nu, self.nu / rss
        criterion = logdet.sum(axis=1) + self.constant
        criterion += nu * (1.0 + np.log(2.0 * np.pi / nu)) + nu * np.log(rss)
        if reml:
            criterion += 2.0 * np.log(found.RX.diagonal(axis1=1, axis2=2)).sum(axis=1)
        whitening = np.zeros((R, used, used))
        whitening[:, :p, :p] = found.inverse
        whitening[:, p, :p] = -found.beta
        whitening[:, p, p] = 1.0
        W = (whitening @ at.scores(weighted).reshape(R, used, K * J)).reshape(R, used, K, J)
        squares = outer_sums(W[:, p:])
        rest = ratio[:, None, None, None] * squares
        if reml:
            rest = rest + outer_sums(W[:, :p])
        M = (KK - rest).sum(axis=-1)
        outer = (2.0 * rest - KK).reshape(R, K * K, J) @ KK.reshape(R, K * K, J).swapaxes(1, 2)
        form = symmetric_form(outer.reshape(R, K, K, K, K))
        flat = W.reshape(R, used * K, J)
        cross = (flat @ flat.swapaxes(1, 2)).reshape(R, used, K, used, K)
        form = form - likelihood.through_fixed_effects([cross], ratio)
        hh = squares.sum(axis=-1).reshape(R, K * K)
        form -= (ratio**2 / nu)[:, None, None] * (hh[:, :, None] * hh[:, None])
        if at.square is not None:
            M = at.U @ M @ at.U.swapaxes(1, 2)
            form = at.square @ form @ at.square.swapaxes(1, 2)
            hh = (at.square @ hh[..., None])[..., 0]
        return Evaluation(
            criterion=criterion, beta=found.beta, rss=found.rss, RX=found.RX,
            M=(M,), form=form, hh=hh, total=self.gram[:, -1, -1], amplified=np.zeros(R),
            rho=likelihood.rho, nu=likelihood.nu,
        )  # fmt: skip


def deletions(problem: Problem, whole: OneFactor, log_weights: NDArray[np.float64]) -> Deletions:
    """The criterion without each level of the factor in turn.

    Parameters
    ----------
    problem : Problem
        Of a single response and one grouping factor.
    whole : OneFactor
        Its criterion.
    log_weights : ndarray, shape (n,)
        Of the prior weights.
    """
    columns, codes = problem.columns, problem.layout.factors[0].codes
    K, p, J = len(whole.C), whole.likelihood.p, problem.layout.factors[0].levels
    if whole.basis is None:
        inverses = LevelInverses.of(whole.levels[:K])
        both = inverses.coefficients(np.concatenate([whole.levels[K:], whole.responses]))
        coefficients = both[None]
    else:
        coefficients = whole.coefficients[:, : p + 1]
    gram = _by_level(np.concatenate([columns.x_of_base.T @ columns.base, columns.y]), codes, J)
    # What the effects of a level explain of its rows.
    products = np.concatenate([whole.levels[K:], whole.responses])
    if whole.basis is None:
        explained = np.einsum("xaj,yaj->jxy", products, coefficients[0])
    else:
        explained = np.einsum("xaj,yaj->jxy", coefficients[0], coefficients[0])
    own = gram - explained
    # Where nothing is left of a column in all levels, nothing but rounding is left in one.
    nothing = whole.within[0].diagonal() == 0.0
    own[:, nothing] = own[:, :, nothing] = 0.0
    sizes, weights = np.bincount(codes, minlength=J), np.bincount(codes, log_weights, minlength=J)
    return Deletions(
        whole=whole,
        coefficients=coefficients,
        without=np.arange(J),
        within=whole.within - own,
        gram=whole.gram - gram,
        n=whole.likelihood.n - sizes,
        constant=np.asarray(weights + whole.likelihood.constant, dtype=np.float64),
    )


def _by_level(
    columns: NDArray[np.float64], codes: NDArray[np.int32], levels: int
) -> NDArray[np.float64]:
    """The cross products of columns within each level, shape (levels, c, c), of shape (c, n)."""
    c = len(columns)
    made = np.empty((levels, c, c))
    for i in range(c):
        for j in range(i + 1):
            sums = np.bincount(codes, weights=columns[i] * columns[j], minlength=levels)
            made[:, i, j] = made[:, j, i] = sums
    return made
