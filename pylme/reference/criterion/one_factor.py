"""The criterion and its derivatives for a model with one grouping factor, many responses at once.

With one factor A = ΛᵀZᵀZΛ + I is block diagonal, and everything is a sum over levels j of small
matrices. With C_j = Z_jᵀZ_j, the least-squares coefficients c_j of [X y] on Z_j within the level,
and W what they leave,

    K_j = Z_jᵀV⁻¹Z_j = C_j - C_jT(TᵀC_jT + I)⁻¹TᵀC_j = (C_j⁻¹ + TTᵀ)⁻¹
    Z_jᵀV⁻¹[X y] = K_jc_j
    [X y]ᵀV⁻¹[X y] = W + Σ_j c_jᵀK_jc_j

Nothing cancels in these, however large the variances are: W does not depend on them, and K_j is
computed without the difference (`batched.precision`), in coordinates in which TTᵀ
is diagonal. With N_j, h_j the columns of K_jc_j that belong to X times R_X⁻¹ and to y - Xβ̂,

    M = Σ_j K_j - ρ N_jN_jᵀ - (ν/r²) h_jh_jᵀ
    form(σ, τ) = Σ_j tr((-K_j + 2ρN_jN_jᵀ + 2(ν/r²)h_jh_jᵀ) σ K_j τ) - ρ‖Σ_j N_jᵀσN_j ∘ ..‖
                 - 2(ν/r²) (Σ_j N_jᵀσh_j)ᵀ(Σ_j N_jᵀτh_j) - (ν/r⁴)(Σ_j h_jᵀσh_j)(Σ_j h_jᵀτh_j)

(Bates & DebRoy 2004, Journal of Multivariate Analysis 91, for the gradient; the second differential
is derived in the documents, "The mathematics of the reference").

Levels with the same C_j and Z_jᵀX_j form a *pattern*: of their responses only the sum and the
second moments enter, so a balanced design costs the same for 40 levels and for 40 million.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.reference.criterion.likelihood import CANCELLED, Likelihood, outer_sums, symmetric_form
from pylme.reference.linalg.small_matrices import (
    LevelPrecision,
    applied,
    kronecker_square,
    level_precision,
    orthogonal,
    spread,
)
from pylme.reference.problem.level_basis import (
    LevelBasis,
    precision_by_roots,
    roots_beside_zeros,
)
from pylme.reference.problem.sums import (
    FAR,
    LITTLE,
    merged,
    patterns,
    products,
)
from pylme.reference.problem.within_levels import LevelInverses, WithinLevels

if TYPE_CHECKING:
    from pylme.reference.criterion.likelihood import Evaluation
    from pylme.reference.problem.columns import Columns
    from pylme.reference.problem.layout import GroupingFactor
    from pylme.reference.problem.sums import (
        Sums,
    )

__all__ = ["OneFactor", "one_factor"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OneFactor:
    """What the criterion needs of the data.

    Attributes
    ----------
    likelihood : Likelihood
    counts : ndarray, shape (P,)
        Levels of each pattern.
    C : ndarray, shape (K, K, P)
        Z_jᵀZ_j of each pattern.
    lacking : ndarray of int
        The patterns in which a column is zero.
    coefficients : ndarray, shape (R, p + 1 + e, K, P)
        The c_j of each pattern: of X times the root of its count, of y the sum over its levels over
        that root. Where patterns have several levels e is K, and the last columns are a root of the
        second moments about the mean; else e is 0.
    within : ndarray, shape (R, p + 1, p + 1)
        W.
    gram : ndarray, shape (R, p + 1, p + 1)
        [X y]ᵀ[X y].
    batch_numbers : int
        The numbers in the tables of one response.
    basis : LevelBasis or None
        Where some level's columns are nearly dependent: the coefficients are then those of an
        orthonormal basis within each level, and levels are not taken together.
    levels : ndarray, shape (K + p, K, J)
        Z_jᵀ[Z_j X] of each level.
    responses : ndarray, shape (R, K, J)
        Z_jᵀy of each level.
    """

    likelihood: Likelihood
    counts: NDArray[np.float64]
    C: NDArray[np.float64]
    lacking: NDArray[np.intp]
    coefficients: NDArray[np.float64]
    within: NDArray[np.float64]
    gram: NDArray[np.float64]
    batch_numbers: int
    basis: LevelBasis | None
    levels: NDArray[np.float64]
    responses: NDArray[np.float64]

    def subset(self, responses: NDArray[np.bool_ | np.intp]) -> OneFactor:
        """The same for some of the responses, marked or by their positions."""
        return replace(
            self,
            coefficients=self.coefficients[responses],
            within=self.within[responses],
            gram=self.gram[responses],
            responses=self.responses[responses],
        )

    def working(self, T: list[NDArray[np.float64]]) -> OneFactor:
        """Itself, whatever T is: the model is linear."""
        del T
        return self

    def moments(
        self,
    ) -> tuple[list[NDArray[np.float64]], list[float], NDArray[np.float64]]:
        """The Σ_j h_jh_jᵀ at Σ = 0, the mean diagonal of Σ_j C_j², and yᵀy."""
        h = self.coefficients[:, self.likelihood.p :]
        if self.basis is None:
            h = applied(self.C[None], h)
        else:
            h = np.einsum("bag,rcbg->rcag", self.basis.R, h)
        squares = np.einsum("rcag,rcbg->rab", h, h)
        size = float((self.C * self.C).sum(axis=(0, 1)) @ self.counts) / len(self.C)
        return [squares], [size], self.gram[:, -1, -1]

    def far_out(self) -> NDArray[np.float64]:
        """[X y]ᵀV⁻¹[X y] where all variances are large: shape (R, p + 1, p + 1)."""
        c = self.coefficients.reshape(*self.coefficients.shape[:2], -1) / FAR
        used = self.likelihood.p + 1
        return self.within + c[:, :used] @ c[:, :used].swapaxes(1, 2)

    def exactly(self) -> OneFactor:
        """Itself: its second derivatives are exact."""
        return self

    def effects(self, T: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
        """The h = ZᵀV⁻¹(y - Xβ̂) of a single response, by factor: shape (J, K)."""
        beta = self.evaluate(T).beta[0]
        K = T[0].shape[1]
        if self.basis is None:
            Ze = self.responses[0] - np.tensordot(beta, self.levels[K:], axes=1)
            c = LevelInverses.of(self.levels[:K]).coefficients(Ze[None])
        else:
            p = self.likelihood.p
            c = self.coefficients[0, p, None] - np.tensordot(
                beta, self.coefficients[:1, :p], axes=(0, 1)
            )
        C = self.levels[:K]
        at = self._precision(T[0], C, _lacking(C))
        h = at.scores(at.weighted(at.turned(c[None])))
        return [(at.U[0] @ h[0, 0]).T]

    def fixed_scores(self, T: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Z_jᵀV⁻¹X of each pattern times the root of its count, shape (R, p, K, P)."""
        at = self._precision(T[0], self.C, self.lacking)
        c = at.turned(self.coefficients[:, : self.likelihood.p])
        N = at.scores(at.weighted(c))
        return N if len(self.C) == 1 else np.asarray(at.U[:, None] @ N)

    def by_level(
        self, T: list[NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The K_j of all levels, shape (K, K, J), and their Z_jᵀV⁻¹X, shape (K, J, p)."""
        width, p = T[0].shape[1], self.likelihood.p
        C = self.levels[:width]
        if self.basis is None:
            c = LevelInverses.of(C).coefficients(self.levels[width:])
        else:
            c = self.coefficients[0, :p]
        at = self._precision(T[0], C, _lacking(C))
        N = at.scores(at.weighted(at.turned(c[None])))[0]
        U = at.U[0]
        return np.einsum("ab,bdj,cd->acj", U, at.KK[0], U, optimize=True), np.einsum(
            "ab,cbj->ajc", U, N
        )

    def spread(self, T: list[NDArray[np.float64]], f: int) -> NDArray[np.float64]:
        """The blocks of ΛA⁻¹Λᵀ of the levels of factor f, shape (J, K, K)."""
        del f
        if self.basis is not None:
            return np.moveaxis(self.basis.at(T[0][0]).D, -1, 0)
        D = spread(T[0], self.levels[None, : T[0].shape[1]])[0][0]
        return np.moveaxis(D, -1, 0)

    def evaluate(self, T: list[NDArray[np.float64]]) -> Evaluation:
        """The criterion and its derivatives.

        Parameters
        ----------
        T : list of one ndarray, shape (R, K, K)
            The relative covariance factor for each response.
        """
        (factor,) = T
        likelihood, counts = self.likelihood, self.counts
        R, K, P = len(factor), *self.C.shape[1:]
        p, used = likelihood.p, likelihood.p + 1
        at = self._precision(factor, self.C, self.lacking)
        c = at.turned(self.coefficients)
        weighted = at.weighted(c)
        N = at.scores(weighted)
        products = weighted.reshape(R, -1, K * P) @ c.reshape(len(c), -1, K * P).swapaxes(1, 2)
        S = self.within + products[:, :used, :used]
        between = np.zeros(R)
        if several := N.shape[1] > used:
            between = np.einsum("rcc->r", products[:, used:, used:])
            S[:, -1, -1] += between
        fixed = likelihood.generalized_least_squares(S)
        of_left = None
        if (fixed.rss < CANCELLED * S[:, -1, -1]).any():
            # y less Xβ̂, before anything is multiplied: what they have in common cancels exactly.
            left = c[:, p:used] - np.einsum("rc,rckg->rkg", fixed.beta, c[:, :p])[:, None]
            of_left = at.weighted(left)
            contrast = np.concatenate([-fixed.beta, np.ones((R, 1))], axis=1)
            rss = np.einsum("rc,rcd,rd->r", contrast, self.within, contrast) + between
            fixed = replace(fixed, rss=rss + at.square_of(left, of_left))
        solved = likelihood.solved(fixed, at.logdet @ counts, total=self.gram[:, -1, -1])
        W = (solved.whitening @ N[:, :used].reshape(R, used, K * P)).reshape(R, used, K, P)
        if of_left is not None:
            W[:, p:] = at.scores(of_left)
        # M, the second differential and Σ_j h_jh_jᵀ, in the coordinates of K, W and h.
        flat = W.reshape(R, used * K, P)
        cross = (flat @ flat.swapaxes(1, 2)).reshape(R, used, K, used, K)
        W = np.concatenate([W, N[:, used:]], axis=1) if several else W.copy()
        h = W[:, p:]
        flat = h.swapaxes(1, 2).reshape(R, K, -1)
        hh = (flat @ flat.swapaxes(1, 2)).reshape(R, K * K)
        h *= np.sqrt(solved.ratio)[:, None, None, None]
        rest = outer_sums(W if likelihood.reml else h)
        KK = at.KK * counts
        M = (KK - rest).sum(axis=-1)
        outer = (2.0 * rest - KK).reshape(R, K * K, P) @ at.KK.reshape(R, K * K, P).swapaxes(1, 2)
        form = symmetric_form(outer.reshape(R, K, K, K, K))
        form -= likelihood.through_fixed_effects([cross], solved.ratio)
        own = hh * solved.ratio[:, None]
        form -= own[:, :, None] * (own / solved.nu)[:, None]
        if at.square is not None:
            M = at.U @ M @ at.U.swapaxes(1, 2)
            form = at.square @ form @ at.square.swapaxes(1, 2)
            hh = (at.square @ hh[..., None])[..., 0]
        return solved.evaluation((M,), form, hh)

    def _precision(
        self, factor: NDArray[np.float64], C: NDArray[np.float64], lacking: NDArray[np.intp]
    ) -> LevelPrecision:
        """The K_j of given C_j; of an orthonormal basis where the coefficients are those of one."""
        if self.basis is None:
            at = level_precision(factor, C)
            return _beside_zeros(at, factor, C, lacking) if len(lacking) else at
        U, s = orthogonal(factor)
        root, KK, logdet = self.basis.precision(U, s)
        return LevelPrecision(
            U=U, square=kronecker_square(U), KK=KK, root=root, R=self.basis.R, logdet=logdet
        )

    def of_levels(self, factor: NDArray[np.float64]) -> LevelPrecision:
        """The K_j of all levels, none taken together, for factors T of shape (R, K, K)."""
        C = self.levels[: factor.shape[1]]
        return self._precision(factor, C, _lacking(C))

    def information(self, row: NDArray[np.intp], column: NDArray[np.intp]) -> NDArray[np.float64]:
        """tr(PB_iPB_j) of some cells of Σ and of σ² at V = I, each parameter at its own scale.

        With C_j = Z_jᵀZ_j, N_j = Z_jᵀX and X orthonormal,

            tr(PσPτ) = Σ_j tr(C_jσC_jτ) - 2 Σ_j tr(N_jN_jᵀσC_jτ)
                       + Σ_xy (Σ_j N_jᵀσN_j)_xy (Σ_j N_jᵀτN_j)_xy

        Parameters
        ----------
        row, column : ndarray of int, shape (m,)
            The cells.

        Returns
        -------
        ndarray, shape (m + 1, m + 1)
        """
        likelihood = self.likelihood
        K, p = len(self.C), likelihood.p
        C, N = self.levels[:K], self.levels[K:]
        NN = np.einsum("xaj,xbj->abj", N, N)
        squares = _products(C, C)
        within = symmetric_form((squares - 2.0 * _products(NN, C))[None])[0]
        flat = N.reshape(p * K, N.shape[2])
        cross = (flat @ flat.T).reshape(p, K, p, K).transpose(1, 3, 0, 2)
        fixed = 0.5 * (cross + cross.swapaxes(0, 1)).reshape(K * K, p * p)
        form = within + fixed @ fixed.T
        total = (C - NN).sum(axis=2)
        # Element (a, b) of a symmetric matrix stands in two places.
        at, times = row * K + column, np.where(row == column, 1.0, 2.0)
        m = len(at)
        information = np.empty((m + 1, m + 1))
        information[:m, :m] = (times[:, None] * times) * form[at[:, None], at]
        information[:m, m] = information[m, :m] = times * total[row, column]
        information[m, m] = likelihood.n - p
        own = np.einsum("aaaa->a", squares)
        size = np.sqrt(times * np.sqrt(own[row] * own[column]))
        size = np.append(np.where(size > 0, size, 1.0), np.sqrt(likelihood.n))
        scaled: NDArray[np.float64] = information / (size[:, None] * size)
        return scaled


def _lacking(C: NDArray[np.float64]) -> NDArray[np.intp]:
    """The levels in which one of several columns is zero, as that of a group without rows there."""
    K = len(C)
    if K == 1:
        return np.empty(0, dtype=np.intp)
    return np.flatnonzero((C[np.arange(K), np.arange(K)] == 0).any(axis=0))


def _beside_zeros(
    at: LevelPrecision,
    T: NDArray[np.float64],
    C: NDArray[np.float64],
    lacking: NDArray[np.intp],
) -> LevelPrecision:
    """The same, right for levels in which a column is zero.

    Zeros are lost in the coordinates of T, and with them the digits of what stands beside the
    largest variance: such levels have roots that keep the zeros.
    """
    U, s = orthogonal(T)
    _, KK, logdet = precision_by_roots(roots_beside_zeros(C[..., lacking]), U, s)
    at.KK[..., lacking], at.logdet[..., lacking] = KK, logdet
    return at


def _products(B: NDArray[np.float64], C: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ_j B_ab C_cd, shape (K, K, K, K), of matrices of shape (K, K, J)."""
    K = len(B)
    return np.asarray(B.reshape(K * K, -1) @ C.reshape(K * K, -1).T).reshape(K, K, K, K)


def one_factor(likelihood: Likelihood, sums: Sums, factor: GroupingFactor) -> OneFactor:
    """What the criterion needs, from the sums."""
    columns, gram = sums.columns, sums.gram
    (levels,), (responses,) = sums.levels, sums.responses
    K, p = factor.width, likelihood.p
    counts, C = np.ones(factor.levels), levels[:K]
    basis, kinds = None, None
    inverses = LevelInverses.of(C)
    if inverses.nearly_singular:
        basis = LevelBasis.of(columns, 0, factor)
        of_y = basis.sums(columns.y)
        of_x = np.tensordot(columns.x_of_base, basis.sums(columns.base), axes=(0, 0))
        explained = products(of_x, of_y, of_x, of_y)
    else:
        both = inverses.coefficients(np.concatenate([levels[K:], responses]))
        of_x, of_y = both[:p], both[p:]
        explained = products(levels[K:], responses, of_x, of_y)
        kinds = patterns(levels)
    within = gram - explained
    little = within.diagonal(axis1=1, axis2=2) < LITTLE * gram.diagonal(axis1=1, axis2=2)
    if little.any():
        of_levels = basis or WithinLevels(columns, factor, 0, inverses)
        _from_rows(columns, within, little, of_levels, np.concatenate([of_x, of_y]))
    columns_of_y = of_y[:, None]
    if kinds is not None:
        both = np.concatenate([C, of_x])
        counts, both, columns_of_y = merged(kinds, both, of_y)
        C, of_x = both[:K], both[K:]
    R = len(responses)
    C = np.ascontiguousarray(C)
    shared = of_x[None] if R == 1 else np.broadcast_to(of_x, (R, *of_x.shape))
    coefficients = np.concatenate([shared, columns_of_y], axis=1)
    return OneFactor(
        likelihood=likelihood,
        counts=counts,
        C=C,
        lacking=_lacking(C),
        coefficients=coefficients,
        within=within,
        gram=gram,
        batch_numbers=coefficients[0].size,
        basis=basis,
        levels=levels,
        responses=responses,
    )


def _from_rows(
    columns: Columns,
    W: NDArray[np.float64],
    little: NDArray[np.bool_],
    of_levels: LevelBasis | WithinLevels,
    c: NDArray[np.float64],
) -> None:
    """Put into W what is left of columns in the rows, where too little is left for a difference."""
    p = W.shape[1] - 1
    B, Z = columns.x_of_base, columns.z_of_base[0]
    base_of_z = np.any(Z != 0, axis=1)
    for j in np.flatnonzero(little[0, :p]):
        if base_of_z.sum() == Z.shape[1] and not B[~base_of_z, j].any():
            # A combination of the factor's own columns: nothing is left.
            W[:, j] = W[:, :, j] = 0.0
            continue
        left = of_levels.less(B[:, j] @ columns.base, c[j])
        of_base = columns.base @ left
        W[:, j, :p] = W[:, :p, j] = of_base @ B
        W[:, j, j] = left @ left
        W[:, j, p] = W[:, p, j] = columns.y @ left
    for r in np.flatnonzero(little[:, p]):
        left = of_levels.less(columns.y[r], c[p + r])
        W[r, p, :p] = W[r, :p, p] = np.where(W[r].diagonal()[:p] == 0, 0, (columns.base @ left) @ B)
        W[r, p, p] = left @ left
