"""The profiled criterion from its parts, and the fixed effects.

With S = XᵀV⁻¹X = R_XᵀR_X, β̂ = S⁻¹XᵀV⁻¹y, r² = yᵀV⁻¹y - β̂ᵀSβ̂,

    d = log|A| + ρ log|S| + ν(1 + log(2πr²/ν)) - Σ log w
    ML: ρ = 0, ν = n      REML: ρ = 1, ν = n - p

(Bates, Mächler, Bolker & Walker 2015, equations 36 and 42).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.reference.criterion.evaluation import Evaluation

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LeastSquares", "Likelihood", "Solved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """Which criterion it is, and what does not depend on θ.

    Attributes
    ----------
    n, p : int
    reml : bool
    constant : float
        log|RᵀR| of the change of X for REML, less Σ log w.
    """

    n: int
    p: int
    reml: bool
    constant: float

    @property
    def rho(self) -> int:
        """1 for REML, 0 for ML."""
        return int(self.reml)

    @property
    def nu(self) -> int:
        """The degrees of freedom of the residual variance."""
        return self.n - self.p * self.rho

    def solve(
        self,
        logdet: NDArray[np.float64],
        S: NDArray[np.float64],
        *,
        total: NDArray[np.float64] | None = None,
        amplified: float = 0.0,
    ) -> Solved:
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
    ) -> Solved:
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
        return Solved(
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
    both = cross + cross.swapaxes(2, 4)
    both *= 0.5
    return both.transpose(0, 1, 3, 2, 4).reshape(R, c, d, K * K)


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
class Solved:
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
    rho, nu : int
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
    nu: int

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
            rho=self.rho, nu=self.nu,
        )  # fmt: skip
