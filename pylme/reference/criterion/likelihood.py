"""The profiled criterion from its parts, and its derivatives by the covariances.

With S = XᵀV⁻¹X = R_XᵀR_X, β̂ = S⁻¹XᵀV⁻¹y, r² = yᵀV⁻¹y - β̂ᵀSβ̂,

    d = log|A| + ρ log|S| + ν(1 + log(2πr²/ν)) - Σ log w
    ML: ρ = 0, ν = n      REML: ρ = 1, ν = n - p

(Bates, Mächler, Bolker & Walker 2015, equations 36 and 42). An `Evaluation` holds the criterion as
a function of the relative covariance matrices Σ_f = T_fT_fᵀ of the factors, with its derivatives
there: M_f = ∂d/∂Σ_f, and the quadratic form of the second differential.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.reference.linalg.small_matrices import FEW

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "UNIT",
    "Evaluation",
    "GivenVariance",
    "LeastSquares",
    "Likelihood",
    "ProfiledCriterion",
    "one_of",
    "outer_sums",
    "stacked",
    "symmetric_form",
]

#: The rounding error of a sum, in proportion: several units in the last place.
UNIT: Final = 16.0 * float(np.finfo(np.float64).eps)
_BY_RESPONSE: Final = ("criterion", "beta", "rss", "RX", "form", "hh", "total", "amplified")
#: The part of a response's square that may be left by X without harm: two digits are lost.
CANCELLED: Final = 1e-2
#: Up to this width one product with a matrix of K⁴ rows takes less time than its several sums.
_NARROW: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """The criterion of R responses, each at its own covariances.

    Attributes
    ----------
    criterion : ndarray, shape (R,)
        The REML criterion or the deviance, of the caller's columns.
    beta : ndarray, shape (R, p)
        Of the well-conditioned columns.
    rss : ndarray, shape (R,)
        r², the penalized residual sum of squares.
    RX : ndarray, shape (R, p, p)
        Lower triangular, RX RXᵀ = XᵀV⁻¹X of the well-conditioned columns.
    M : tuple of ndarray, shapes (R, K_f, K_f)
        ∂d/∂Σ_f, symmetric.
    form : ndarray, shape (R, V, V)
        The second differential of d on the stacked vec(Σ_f), V = ΣK_f²; symmetric in each pair of
        indices of one matrix.
    hh : ndarray, shape (R, V)
        vec of Σ_j h_j h_jᵀ of each factor, h = ZᵀV⁻¹(y - Xβ̂): profiling σ takes
        (ν/r⁴) hh hhᵀ from `form`.
    total : ndarray, shape (R,)
        yᵀy of the responses that residuals were computed from.
    amplified : ndarray, shape (R,)
        Σ A_ii(A⁻¹)_ii of a matrix in log|A| that has the rounding errors of differences; 0 where
        there is none.
    rho : int
    nu : float
    lost : tuple of float
        Of the likelihood; ν is infinite where σ² is given.
    """

    criterion: NDArray[np.float64]
    beta: NDArray[np.float64]
    rss: NDArray[np.float64]
    RX: NDArray[np.float64]
    M: tuple[NDArray[np.float64], ...]
    form: NDArray[np.float64]
    hh: NDArray[np.float64]
    total: NDArray[np.float64]
    amplified: NDArray[np.float64]
    rho: int
    nu: float
    lost: tuple[float, float] = (0.0, 0.0)

    @property
    def rounding(self) -> NDArray[np.float64]:
        """An estimate, on the safe side, of the rounding error of the criterion, shape (R,).

        It is what large variances and little noise make of rounding errors; weights and columns in
        bad condition may add 1e-10 of the criterion's value. To first order, rounding errors of a
        matrix change its log determinant by no more than their own size times Σ A_ii(A⁻¹)_ii; r² is
        right as S_yy is, in proportion, and as residuals are that are differences of numbers of the
        size of y. What sums of squares of rows that were never read have lost is an error of r².
        """
        known = np.isfinite(self.criterion)
        rss = np.where(known, self.rss, 1.0)
        w = (self.beta[:, None] @ self.RX)[:, 0]
        S_yy = rss + (w * w).sum(axis=1)
        # Sums over rows and levels, weights and changes of theta have errors of their own.
        errors = self.amplified + 8.0 * np.abs(np.where(known, self.criterion, 0.0))
        errors += self.nu * (S_yy / rss + np.sqrt(self.total / rss))
        if self.rho:
            inverse = np.linalg.inv(self.RX)
            squares = (self.RX * self.RX).sum(axis=2)
            errors += ((inverse * inverse).sum(axis=1) * squares).sum(axis=1)
        if any(self.lost):
            constant, slope = self.lost
            errors += self.nu * (constant / rss + slope / np.sqrt(rss)) / UNIT
        return np.where(known, UNIT * errors, np.inf)


def stacked(evaluations: list[Evaluation]) -> Evaluation:
    """The evaluations of several responses as one."""
    parts = {n: np.concatenate([getattr(e, n) for e in evaluations]) for n in _BY_RESPONSE}
    M = tuple(
        np.concatenate(of_factor) for of_factor in zip(*(e.M for e in evaluations), strict=True)
    )
    first = evaluations[0]
    return Evaluation(M=M, rho=first.rho, nu=first.nu, lost=first.lost, **parts)


def one_of(evaluation: Evaluation, response: int) -> Evaluation:
    """The evaluation of one of several responses."""
    row = slice(response, response + 1)
    parts = {n: getattr(evaluation, n)[row] for n in _BY_RESPONSE}
    M = tuple(m[row] for m in evaluation.M)
    own = evaluation
    return Evaluation(M=M, rho=own.rho, nu=own.nu, lost=own.lost, **parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """Which criterion it is, and what does not depend on θ.

    Attributes
    ----------
    n, p : int
    reml : bool
    constant : float
        log|RᵀR| of the change of X for REML, less Σ log w.
    lost : tuple of float
        a and b of a + b r, an estimate of the error of r² that sums have which stand for rows.
    rho : int
        1 for REML, 0 for ML.
    nu : int
        The degrees of freedom of the residual variance.
    """

    n: int
    p: int
    reml: bool
    constant: float
    lost: tuple[float, float] = (0.0, 0.0)
    rho: int = field(init=False)
    nu: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rho", int(self.reml))
        object.__setattr__(self, "nu", self.n - self.p * self.rho)

    def solve(
        self,
        logdet: NDArray[np.float64],
        S: NDArray[np.float64],
        *,
        total: NDArray[np.float64] | None = None,
        amplified: float = 0.0,
    ) -> ProfiledCriterion:
        """The criterion, the fixed effects and r².

        Parameters
        ----------
        logdet : ndarray, shape (R,)
            log|A|.
        S : ndarray, shape (R, p + 1, p + 1)
            [X y]ᵀV⁻¹[X y].
        total : ndarray, shape (R,), optional
            yᵀy of the responses that residuals were computed from.
        amplified : float
            Σ A_ii(A⁻¹)_ii of a matrix in log|A| that has the rounding errors of differences.
        """
        return self.solved(
            self.generalized_least_squares(S), logdet, total=total, amplified=amplified
        )

    def generalized_least_squares(self, S: NDArray[np.float64]) -> LeastSquares:
        """The fixed effects from [X y]ᵀV⁻¹[X y], shape (R, p + 1, p + 1)."""
        p = self.p
        RX, failed = _triangles(S[:, :p, :p])
        inverse = np.linalg.inv(RX)
        w = (inverse @ S[:, :p, p:])[..., 0]
        return LeastSquares(
            beta=(w[:, None] @ inverse)[:, 0],
            RX=RX,
            inverse=np.asarray(inverse, dtype=np.float64),
            rss=S[:, p, p] - (w * w).sum(axis=1),
            sound=np.ones(len(S), dtype=np.bool_) if failed is None else ~failed,
        )

    def solved(
        self,
        found: LeastSquares,
        logdet: NDArray[np.float64],
        *,
        total: NDArray[np.float64] | None = None,
        amplified: float = 0.0,
    ) -> ProfiledCriterion:
        """The criterion from the fixed effects and r²; see `solve`."""
        p, nu, rss, R = self.p, self.nu, found.rss, len(found.rss)
        whitening = np.zeros((R, p + 1, p + 1))
        whitening[:, :p, :p] = found.inverse
        whitening[:, p, :p] = -found.beta
        whitening[:, p, p] = 1.0
        # Where rounding has left nothing of the residuals there is no value: no step leads there.
        sound = (rss > 0.0) & found.sound
        rest = rss if sound.all() else np.where(sound, rss, np.inf)
        criterion = logdet + (nu * (1.0 + math.log(2.0 * math.pi / nu)) + self.constant)
        criterion += nu * np.log(rest)
        if self.reml:
            criterion += 2.0 * np.log(found.RX.diagonal(axis1=1, axis2=2)).sum(axis=1)
        none = np.zeros(R)
        return ProfiledCriterion(
            criterion=criterion,
            beta=found.beta,
            rss=rss,
            RX=found.RX,
            whitening=whitening,
            ratio=nu / rest,
            total=none if total is None else total,
            amplified=none + amplified,
            rho=self.rho,
            nu=nu,
            lost=self.lost,
        )

    def through_fixed_effects(
        self, crosses: Sequence[NDArray[np.float64]], ratio: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """What estimating the fixed effects takes from the second differential.

        Parameters
        ----------
        crosses : sequence of ndarray, shapes (R, p + 1, K_f, p + 1, K_f)
            Of each factor: sums of products of whitened [N h] over its levels.
        ratio : ndarray, shape (R,)
            ν/r².

        Returns
        -------
        ndarray, shape (R, V, V)
            ρ (Σ NᵀσN)·(Σ NᵀτN) + 2(ν/r²) (Σ Nᵀσh)·(Σ Nᵀτh).
        """
        both = _stacked([_symmetric(cross[:, :-1]) for cross in crosses])
        R, p, used, V = both.shape
        if self.reml:
            # One product for both: the root of the weight goes to the columns of y.
            both[:, :, -1] *= np.sqrt(2.0 * ratio)[:, None, None]
            flat = both.reshape(R, p * used, V)
            return np.asarray(flat.swapaxes(1, 2) @ flat)
        q = both[:, :, -1]
        return np.asarray((2.0 * ratio)[:, None, None] * (q.swapaxes(1, 2) @ q))


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenVariance(Likelihood):
    """The criterion before σ is profiled out, at a given σ².

        D = log|A| + ρ log|S| + ν log(2πσ²) + r²/σ² - Σ log w

    An evaluation has the derivatives by Σ at that σ². All of them are linear in 1/σ². At an
    infinite σ² only the determinants are left, and D is without its infinite term.

    Attributes
    ----------
    variance : float or ndarray, shape (R,)
        σ², or that of each response.
    """

    variance: float | NDArray[np.float64]

    @classmethod
    def of(cls, likelihood: Likelihood, variance: float | NDArray[np.float64]) -> GivenVariance:
        """The same likelihood at a given σ²."""
        return cls(
            n=likelihood.n, p=likelihood.p, reml=likelihood.reml, constant=likelihood.constant,
            variance=variance,
        )  # fmt: skip

    def solved(
        self,
        found: LeastSquares,
        logdet: NDArray[np.float64],
        *,
        total: NDArray[np.float64] | None = None,
        amplified: float = 0.0,
    ) -> ProfiledCriterion:
        """The criterion from the fixed effects and r²; see `solve`."""
        solved = Likelihood.solved(self, found, logdet, total=total, amplified=amplified)
        variance = np.broadcast_to(self.variance, found.rss.shape)
        precision = 1.0 / variance
        criterion = logdet + self.constant + precision * found.rss
        finite = np.isfinite(variance)
        criterion[finite] += self.nu * np.log(2.0 * np.pi * variance[finite])
        if self.reml:
            criterion += 2.0 * np.log(found.RX.diagonal(axis1=1, axis2=2)).sum(axis=1)
        # With an infinite ν the second derivatives are without what profiling σ takes from them.
        return replace(
            solved,
            criterion=np.where(found.sound, criterion, np.inf),
            ratio=precision,
            nu=np.inf,
        )


def _triangles(
    S: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """Lower Cholesky factors, shape (R, p, p), and where there are none, if anywhere.

    A trial step may lead so far out that rounding errors take definiteness away; the criterion is
    then infinite, and the step is refused.
    """
    try:
        return np.asarray(np.linalg.cholesky(S), dtype=np.float64), None
    except np.linalg.LinAlgError:
        finite = np.where(np.isfinite(S), S, 0.0)
        failed = np.asarray(np.linalg.eigvalsh(finite)[:, 0] <= 0.0)
        safe = np.where(failed[:, None, None], np.eye(S.shape[1]), S)
        return np.asarray(np.linalg.cholesky(safe), dtype=np.float64), failed


def _symmetric(cross: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients of a symmetric σ, shape (R, c, d, K²), from shape (R, c, K, d, K)."""
    R, c, K, d, _ = cross.shape
    pairs = cross.transpose(0, 1, 3, 2, 4).reshape(R, c, d, K * K)
    return pairs if K == 1 else pairs @ _mean_with_transpose(K)


@cache
def _mean_with_transpose(K: int) -> NDArray[np.float64]:
    """The matrix that makes vec(½(B + Bᵀ)) of vec(B), shape (K², K²)."""
    units = np.eye(K * K).reshape(K * K, K, K)
    return 0.5 * (units + units.swapaxes(1, 2)).reshape(K * K, K * K)


def _stacked(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=3)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeastSquares:
    """The fixed effects at given covariances.

    Attributes
    ----------
    beta : ndarray, shape (R, p)
    RX, inverse : ndarray, shape (R, p, p)
        Lower triangular, and its inverse.
    rss : ndarray, shape (R,)
        r². As the difference S_yy - β̂ᵀSβ̂ it loses the digits that S_yy/r² has; summed over the
        residuals at β̂ it does not, as errors of β̂ enter it in the second order.
    sound : ndarray of bool, shape (R,)
        Whether S was positive definite.
    """

    beta: NDArray[np.float64]
    RX: NDArray[np.float64]
    inverse: NDArray[np.float64]
    rss: NDArray[np.float64]
    sound: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProfiledCriterion:
    """The fixed effects and the criterion at given covariances.

    Attributes
    ----------
    criterion, rss : ndarray, shape (R,)
    beta : ndarray, shape (R, p)
    RX : ndarray, shape (R, p, p)
        Lower triangular.
    whitening : ndarray, shape (R, p + 1, p + 1)
        Makes Zᵀ V⁻¹[X y] into [N h]: X times the inverse of R_X, and y less Xβ̂.
    ratio : ndarray, shape (R,)
        ν/r².
    total, amplified : ndarray, shape (R,)
        What the rounding error of the criterion depends on: see `Evaluation`.
    rho : int
    nu : float
    lost : tuple of float
        Of the likelihood.
    """

    criterion: NDArray[np.float64]
    beta: NDArray[np.float64]
    rss: NDArray[np.float64]
    RX: NDArray[np.float64]
    whitening: NDArray[np.float64]
    ratio: NDArray[np.float64]
    total: NDArray[np.float64]
    amplified: NDArray[np.float64]
    rho: int
    nu: float
    lost: tuple[float, float]

    def evaluation(
        self,
        M: tuple[NDArray[np.float64], ...],
        form: NDArray[np.float64],
        hh: NDArray[np.float64],
    ) -> Evaluation:
        """With the derivatives."""
        return Evaluation(
            criterion=self.criterion, beta=self.beta, rss=self.rss, RX=self.RX,
            M=M, form=form, hh=hh, total=self.total, amplified=self.amplified,
            rho=self.rho, nu=self.nu, lost=self.lost,
        )  # fmt: skip


def outer_sums(W: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of w wᵀ over the vectors of each matrix, shapes (R, c, K, P) to (R, K, K, P)."""
    if W.shape[3] < FEW and len(W) > 1:
        columns = W.transpose(0, 3, 2, 1)
        return np.moveaxis(columns @ columns.swapaxes(2, 3), 1, -1)
    made: NDArray[np.float64] = np.einsum("rcag,rcbg->rabg", W, W)
    return made


def symmetric_form(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """The quadratic form tr(B σ K τ) on symmetric σ and τ, made symmetric.

    Parameters
    ----------
    products : ndarray, shape (R, K, K, K, K)
        Σ B_ab K_cd for symmetric B and K.

    Returns
    -------
    ndarray, shape (R, K², K²)
    """
    R, K = products.shape[:2]
    if K == 1:
        return products.reshape(R, 1, 1)
    if K <= _NARROW:
        return (products.reshape(R, K**4) @ _symmetrizer(K)).reshape(R, K * K, K * K)
    return _made_symmetric(products)


@cache
def _symmetrizer(K: int) -> NDArray[np.float64]:
    """What `_made_symmetric` does, a linear map, as one matrix of shape (K⁴, K⁴)."""
    units = np.eye(K**4).reshape(K**4, K, K, K, K)
    return _made_symmetric(units).reshape(K**4, K**4)


def _made_symmetric(products: NDArray[np.float64]) -> NDArray[np.float64]:
    R, K = products.shape[:2]
    form = products.transpose(0, 2, 3, 4, 1)
    form = form + form.swapaxes(1, 2)
    form = (form + form.swapaxes(3, 4)).reshape(R, K * K, K * K)
    return 0.125 * (form + form.swapaxes(1, 2))
