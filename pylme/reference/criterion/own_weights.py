"""The criterion of many responses of which each has prior weights of its own, with one factor.

Nothing but X and Z is shared: the cross products of a level differ by response. With C_j = Z_jᵀWZ_j
= R_jᵀR_j and c_j = R_j⁻ᵀZ_jᵀW[X y] (zero where C_j has no length),

    B_j = I + R_jΣR_jᵀ      log|A_j| = log|B_j|
    K_j = R_jᵀB_j⁻¹R_j      Z_jᵀV⁻¹[X y] = R_jᵀB_j⁻¹c_j
    [X y]ᵀV⁻¹[X y] = [X y]ᵀW[X y] - Σ_j c_jᵀc_j + Σ_j c_jᵀB_j⁻¹c_j

as in `pylme.reference.criterion.one_factor`, whose derivatives these are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pylme.reference.criterion.likelihood import Likelihood, outer_sums, symmetric_form

if TYPE_CHECKING:
    from pylme.reference.criterion.likelihood import Evaluation
    from pylme.reference.problem.columns import Columns
    from pylme.reference.problem.layout import GroupingFactor

__all__ = ["OwnWeights", "own_weights"]

#: An eigenvalue of a C_j that counts as zero beside the largest.
_NULL: Final = 1e-13


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OwnWeights:
    """What the criterion needs of the data.

    Attributes
    ----------
    likelihood : Likelihood
    constants : ndarray, shape (R,)
        -Σ log w.
    roots : ndarray, shape (R, J, K, K)
        R_j.
    coefficients : ndarray, shape (R, J, K, p + 1)
        c_j.
    within, gram : ndarray, shape (R, p + 1, p + 1)
        What the levels leave of [X y]ᵀW[X y], and all of it.
    size : float
        The mean diagonal of Σ_j C_j².
    """

    likelihood: Likelihood
    constants: NDArray[np.float64]
    roots: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    within: NDArray[np.float64]
    gram: NDArray[np.float64]
    size: float

    @property
    def batch_numbers(self) -> int:
        """The numbers in the tables of one response."""
        return int(self.coefficients[0].size + self.roots[0].size)

    def subset(self, responses: NDArray[np.bool_ | np.intp]) -> OwnWeights:
        """The same for some of the responses, marked or by their positions."""
        names = ("constants", "roots", "coefficients", "within", "gram")
        return replace(self, **{name: getattr(self, name)[responses] for name in names})

    def moments(
        self,
    ) -> tuple[list[NDArray[np.float64]], list[float], NDArray[np.float64]]:
        """The Σ_j h_jh_jᵀ at Σ = 0, the mean diagonal of Σ_j C_j², and yᵀWy."""
        h = self.roots.swapaxes(2, 3) @ self.coefficients[..., -1:]
        squares = (h @ h.swapaxes(2, 3)).sum(axis=1)
        return [squares], [self.size], self.gram[:, -1, -1]

    def exactly(self) -> OwnWeights:
        """Itself: its second derivatives are exact."""
        return self

    def information(
        self, row: NDArray[np.intp], column: NDArray[np.intp]
    ) -> NDArray[np.float64] | None:
        """None: it differs by response."""
        del row, column
        return None

    def fixed_scores(self, T: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Z_jᵀV⁻¹X of each level, shape (R, p, K, J)."""
        inverse, _ = self._inverse(T[0])
        N = self.roots.swapaxes(2, 3) @ (inverse @ self.coefficients[..., :-1])
        return N.transpose(0, 3, 2, 1)

    def _inverse(self, T: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The B_j⁻¹, shape (R, J, K, K), and Σ_j log|B_j|."""
        half = self.roots @ T[:, None]
        B = half @ half.swapaxes(2, 3)
        K = B.shape[2]
        B[..., np.arange(K), np.arange(K)] += 1.0
        if K == 1:
            return 1.0 / B, np.log(B[..., 0, 0]).sum(axis=1)
        if K == 2:
            a, b, d = B[..., 0, 0], B[..., 0, 1], B[..., 1, 1]
            determinant = a * d - b * b
            inverse = np.stack([d, -b, -b, a], axis=-1) / determinant[..., None]
            return inverse.reshape(B.shape), np.log(determinant).sum(axis=1)
        return np.asarray(np.linalg.inv(B), dtype=np.float64), np.linalg.slogdet(B)[1].sum(axis=1)

    def evaluate(self, T: list[NDArray[np.float64]]) -> Evaluation:
        """The criterion and its derivatives.

        Parameters
        ----------
        T : list of one ndarray, shape (R, K, K)
        """
        likelihood = self.likelihood
        R, J, K, used = self.coefficients.shape
        inverse, logdet = self._inverse(T[0])
        c = self.coefficients
        weighted = inverse @ c
        flat = c.reshape(R, J * K, used).swapaxes(1, 2)
        S = self.within + flat @ weighted.reshape(R, J * K, used)
        solved = likelihood.solve(
            logdet + self.constants, 0.5 * (S + S.swapaxes(1, 2)), total=self.gram[:, -1, -1]
        )
        N = (self.roots.swapaxes(2, 3) @ weighted).transpose(0, 3, 2, 1)
        W = (solved.whitening @ N.reshape(R, used, K * J)).reshape(R, used, K, J)
        KK = (self.roots.swapaxes(2, 3) @ inverse @ self.roots).transpose(0, 2, 3, 1)
        squares = outer_sums(W[:, -1:])
        rest = solved.ratio[:, None, None, None] * squares
        if likelihood.reml:
            rest = rest + outer_sums(W[:, :-1])
        M = (KK - rest).sum(axis=-1)
        outer = (2.0 * rest - KK).reshape(R, K * K, J) @ KK.reshape(R, K * K, J).swapaxes(1, 2)
        form = symmetric_form(outer.reshape(R, K, K, K, K))
        rows = W.reshape(R, used * K, J)
        cross = (rows @ rows.swapaxes(1, 2)).reshape(R, used, K, used, K)
        form -= likelihood.through_fixed_effects([cross], solved.ratio)
        hh = squares.sum(axis=-1).reshape(R, K * K)
        form -= (solved.ratio**2 / solved.nu)[:, None, None] * (hh[:, :, None] * hh[:, None])
        return solved.evaluation((M,), form, hh)


def own_weights(
    likelihood: Likelihood, columns: Columns, factor: GroupingFactor, weights: NDArray[np.float64]
) -> OwnWeights:
    """What the criterion needs, from columns without weights and weights of mean 1.

    Parameters
    ----------
    likelihood : Likelihood
    columns : Columns
    factor : GroupingFactor
        The only one.
    weights : ndarray, shape (R, n)
    """
    X = (columns.base.T @ columns.x_of_base).T
    Z = (columns.base.T @ columns.z_of_base[0]).T
    y, n, K, p, J = columns.y, len(factor.codes), len(Z), len(X), factor.levels
    R = len(y)
    in_level = sparse.csr_array((np.ones(n), (np.arange(n), factor.codes)), shape=(n, J))
    C = np.empty((R, J, K, K))
    E = np.empty((R, J, K, p + 1))
    gram = np.empty((R, p + 1, p + 1))
    wy = weights * y
    for a in range(K):
        for b in range(a + 1):
            C[:, :, a, b] = C[:, :, b, a] = weights @ (in_level * (Z[a] * Z[b])[:, None])
        for b in range(p):
            E[:, :, a, b] = weights @ (in_level * (Z[a] * X[b])[:, None])
        E[:, :, a, p] = wy @ (in_level * Z[a][:, None])
    for a in range(p):
        for b in range(a + 1):
            gram[:, a, b] = gram[:, b, a] = weights @ (X[a] * X[b])
        gram[:, a, p] = gram[:, p, a] = wy @ X[a]
    gram[:, p, p] = np.einsum("rn,rn->r", wy, y)
    values, axes = np.linalg.eigh(C)
    none = values <= _NULL * np.maximum(values[..., -1:], np.finfo(float).tiny)
    lengths = np.sqrt(np.where(none, 0.0, values))
    over = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=~none)
    turned = axes.swapaxes(2, 3)
    coefficients = over[..., None] * (turned @ E)
    flat = coefficients.reshape(R, J * K, p + 1)
    return OwnWeights(
        likelihood=likelihood,
        constants=-np.log(weights).sum(axis=1),
        roots=lengths[..., None] * turned,
        coefficients=coefficients,
        within=gram - flat.swapaxes(1, 2) @ flat,
        gram=gram,
        size=float((values * values).sum(axis=(1, 2)).mean() / K),
    )
