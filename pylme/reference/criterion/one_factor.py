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

from pylme.reference.criterion.likelihood import CANCELLED, Likelihood, symmetric_form
from pylme.reference.linalg.small_matrices import (
    LevelInverses,
    applied,
    kronecker_square,
    orthogonal,
    outer_sums,
    precision,
    spread,
)
from pylme.reference.problem.level_basis import LevelBasis
from pylme.reference.problem.sums import (
    FAR,
    LITTLE,
    WithinLevels,
    base_tables,
    clear_rounding,
    fixed_products,
    merged,
    patterns,
    products,
    response_tables,
    within_levels,
)

if TYPE_CHECKING:
    from pylme.reference.criterion.likelihood import Evaluation, Solved
    from pylme.reference.problem.columns import Columns
    from pylme.reference.problem.layout import Factor

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
    coefficients : ndarray, shape (R, p + 1 + e, K, P)
        The c_j of each pattern: of X times the root of its count, of y the sum over its levels over
        that root. Where patterns have several levels e is K, and the last columns are a root of the
        second moments about the mean; else e is 0.
    within : ndarray, shape (R, p + 1, p + 1)
        W.
    gram : ndarray, shape (R, p + 1, p + 1)
        [X y]ᵀ[X y].
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
    coefficients: NDArray[np.float64]
    within: NDArray[np.float64]
    gram: NDArray[np.float64]
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
        at = self._precision(T[0], self.levels[:K])
        h = at.scores(at.weighted(at.turned(c[None])))
        return [(at.U[0] @ h[0, 0]).T]

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
        R, K, P = len(factor), *self.C.shape[1:]
        p, used = self.likelihood.p, self.likelihood.p + 1
        at = self._precision(factor, self.C)
        c = at.turned(self.coefficients)
        weighted = at.weighted(c)
        flat = weighted.reshape(R, -1, K * P)
        products = flat @ c.reshape(len(c), -1, K * P).swapaxes(1, 2)
        between = np.einsum("rcc->r", products[:, used:, used:])
        S = self.within + products[:, :used, :used]
        S[:, -1, -1] += between
        fixed = self.likelihood.generalized_least_squares(S)
        of_left = None
        if (fixed.rss < CANCELLED * S[:, -1, -1]).any():
            # y less Xβ̂, before anything is multiplied: what they have in common cancels exactly.
            left = c[:, p:used] - np.einsum("rc,rckg->rkg", fixed.beta, c[:, :p])[:, None]
            of_left = at.weighted(left)
            contrast = np.concatenate([-fixed.beta, np.ones((R, 1))], axis=1)
            rss = np.einsum("rc,rcd,rd->r", contrast, self.within, contrast) + between
            fixed = replace(fixed, rss=rss + at.square_of(left, of_left))
        solved = self.likelihood.solved(fixed, at.logdet @ self.counts, total=self.gram[:, -1, -1])
        N = at.scores(weighted)
        W = (solved.whitening @ N[:, :used].reshape(R, used, K * P)).reshape(R, used, K, P)
        if of_left is not None:
            W[:, p:] = at.scores(of_left)
        h = W[:, p:]
        if N.shape[1] > used:
            h = np.concatenate([h, N[:, used:]], axis=1)
        M, form, hh = self._derivatives(solved, at.KK, W, h)
        if at.square is not None:
            M = at.U @ M @ at.U.swapaxes(1, 2)
            form = at.square @ form @ at.square.swapaxes(1, 2)
            hh = (at.square @ hh[..., None])[..., 0]
        return solved.evaluation((M,), form, hh)

    def _precision(self, factor: NDArray[np.float64], C: NDArray[np.float64]) -> _Precision:
        """The K_j of given C_j."""
        R, K, P = len(factor), *C.shape[1:]
        U, s = orthogonal(factor)
        square = kronecker_square(U) if K > 1 else None
        if self.basis is not None:
            root, KK, logdet = self.basis.precision(U, s)
            return _Precision(U=U, square=square, KK=KK, root=root, R=self.basis.R, logdet=logdet)
        turned = C[None]
        if square is not None:
            turned = (square.swapaxes(1, 2) @ C.reshape(K * K, P)).reshape(R, K, K, P)
        KK, _, logdet = precision(s, turned)
        return _Precision(U=U, square=square, KK=KK, root=None, R=None, logdet=logdet)

    def _derivatives(
        self,
        solved: Solved,
        KK: NDArray[np.float64],
        W: NDArray[np.float64],
        h: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """M, the second differential and Σ_j h_jh_jᵀ, in the coordinates of K, W and h."""
        R, used, K, P = W.shape
        hh = outer_sums(h)
        weighted = KK * self.counts
        rest = solved.ratio[:, None, None, None] * hh
        if self.likelihood.reml:
            rest += outer_sums(W[:, :-1])
        M = (weighted - rest).sum(axis=-1)
        total = hh.sum(axis=-1).reshape(R, K * K)
        left = (2.0 * rest - weighted).reshape(R, K * K, P)
        outer = left @ KK.reshape(R, K * K, P).swapaxes(1, 2)
        form = symmetric_form(outer.reshape(R, K, K, K, K))
        flat = W.reshape(R, used * K, P)
        cross = (flat @ flat.swapaxes(1, 2)).reshape(R, used, K, used, K)
        form -= self.likelihood.through_fixed_effects([cross], solved.ratio)
        form -= (solved.ratio**2 / solved.nu)[:, None, None] * (total[:, :, None] * total[:, None])
        return M, form, total


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Precision:
    """What V⁻¹ makes of each level at one T, in the coordinates U in which TTᵀ is diagonal.

    Attributes
    ----------
    U : ndarray, shape (R, K, K)
    square : ndarray, shape (R, K², K²), or None
        U ⊗ U; None where K is 1.
    KK : ndarray, shape (R, K, K, P)
        The K_j.
    root : ndarray, shape (R, K, K, P), or None
        What coefficients of an orthonormal basis are weighted by is the square of it, E = rootᵀroot
        = Q_jᵀV⁻¹Q_j; None where coefficients are those of Z_j, and are weighted by E = K_j.
    R : ndarray, shape (K, K, P), or None
        Z_j = Q_jR_j where there is a basis.
    logdet : ndarray, shape (R, P)
    """

    U: NDArray[np.float64]
    square: NDArray[np.float64] | None
    KK: NDArray[np.float64]
    root: NDArray[np.float64] | None
    R: NDArray[np.float64] | None
    logdet: NDArray[np.float64]

    def turned(self, c: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coefficients as `weighted` takes them, shape (R or 1, c, K, P)."""
        if self.R is not None or self.square is None:
            return c
        return self._back @ c

    def weighted(self, c: NDArray[np.float64]) -> NDArray[np.float64]:
        """E c, shape (R, c, K, P)."""
        if self.root is None:
            return applied(self.KK, c)
        return applied(self.root.swapaxes(1, 2), applied(self.root, c))

    def square_of(
        self, c: NDArray[np.float64], weighted: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Σ cᵀEc of all levels and columns, shape (R,); never less than zero by rounding."""
        if self.root is None:
            return np.asarray((c * weighted).sum(axis=(1, 2, 3)))
        half = applied(self.root, c)
        return np.asarray((half * half).sum(axis=(1, 2, 3)))

    def scores(self, weighted: NDArray[np.float64]) -> NDArray[np.float64]:
        """The K_jc_j from `weighted`, shape (R, c, K, P)."""
        if self.R is None:
            return weighted
        return np.asarray(self._back @ np.einsum("bag,rcbg->rcag", self.R, weighted))

    @property
    def _back(self) -> NDArray[np.float64]:
        return self.U.swapaxes(1, 2)[:, None]


def one_factor(likelihood: Likelihood, columns: Columns, factor: Factor) -> OneFactor:
    """What the criterion needs, from the columns."""
    levels = within_levels(columns, 0, base_tables(columns, factor, 0))
    responses = response_tables(columns, factor, 0)
    clear_rounding(columns, factor, 0, levels, responses)
    K = factor.width
    gram = fixed_products(columns)
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
        p = len(levels) - K
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
    shared = of_x[None] if R == 1 else np.broadcast_to(of_x, (R, *of_x.shape))
    return OneFactor(
        likelihood=likelihood,
        counts=counts,
        C=np.ascontiguousarray(C),
        coefficients=np.concatenate([shared, columns_of_y], axis=1),
        within=within,
        gram=gram,
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
