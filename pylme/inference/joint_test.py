"""F tests of several contrasts of fixed effects at once, with denominator degrees of freedom.

*Satterthwaite.* With LΦ̂Lᵀ = PDPᵀ the rows of PᵀL are uncorrelated contrasts, t_m their statistics
and df_m their degrees of freedom, and F = Σt_m²/q has those for which its mean is the sum of the
means of the t_m² over q (Fai & Cornelius 1996, Journal of Statistical Computation and Simulation
54):

    df = 2E/(E - q)      E = Σ df_m/(df_m - 2)

*Kenward and Roger* (1997, Biometrics 53) match mean and variance of the Wald statistic with the
adjusted covariance matrix Φ_A. V is linear in σ² and its other parameters, so that V itself can be
the element of the basis that belongs to σ²; it contributes nothing to the adjustment, and no V⁻² is
needed. With W = 2Î⁻¹, LS⁻¹Lᵀ = RRᵀ and M_i = R⁻¹L S⁻¹(NᵀB_iN)S⁻¹LᵀR⁻ᵀ - (c_i/ν)I,

    A₁ = 2q²/ν + Σ W_ij tr M_i tr M_j      A₂ = 2q/ν + Σ W_ij tr(M_iM_j)

take the place of theirs. The rest is as in their paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.inference.targets import Targets, infer
from pylme.inference.wald import joint_p

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.inference.ddf import Ddf
    from pylme.inference.kernels import Kernels

__all__ = ["JointTest", "joint_test"]

#: Degrees of freedom that differ by less, in proportion, are the same.
_SAME: Final = 1e-8
#: Where df is this near to 2, Kenward and Roger's λ is 0/0 and takes its limit.
_NEAR_TWO: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class JointTest:
    """An F test.

    Attributes
    ----------
    statistic : float
        F; by Kenward and Roger's method, times their λ.
    df_num : int
        The number of independent contrasts.
    df : float
        Denominator degrees of freedom; infinite for normal tests.
    p_value : float
    """

    statistic: float
    df_num: int
    df: float
    p_value: float


def joint_test(
    kernels: Kernels, L: NDArray[np.float64], beta0: NDArray[np.float64] | None = None, *, ddf: Ddf
) -> JointTest:
    """Test Lβ = β₀.

    Parameters
    ----------
    kernels : Kernels
        Of the fit.
    L : ndarray, shape (q, p)
        Its rows may depend on each other.
    beta0 : ndarray, shape (q,), optional
        Zero by default.
    ddf : {"satterthwaite", "kenward-roger", "normal"}
    """
    if ddf == "kenward-roger":
        kernels = kernels.restricted
    estimate = L @ kernels.beta - (0.0 if beta0 is None else beta0)
    values, P = np.linalg.eigh(L @ kernels.S_inv @ L.T)
    kept = values > np.sqrt(np.finfo(float).eps) * max(float(values.max(initial=0.0)), 0.0)
    q = int(kept.sum())
    if q == 0:
        return JointTest(statistic=np.nan, df_num=0, df=np.nan, p_value=np.nan)
    L, estimate, values = P[:, kept].T @ L, P[:, kept].T @ estimate, values[kept]
    if ddf == "kenward-roger":
        F, df = _kenward_roger(kernels, L, estimate)
    else:
        F = float((estimate**2 / values).sum() / (q * kernels.sigma2))
        df = _pooled(infer(kernels, Targets(x=L), ddf=ddf).df) if ddf == "satterthwaite" else np.inf
    return JointTest(statistic=F, df_num=q, df=df, p_value=float(joint_p(F, q, df)))


def _pooled(df: NDArray[np.float64]) -> float:
    """Degrees of freedom of F from those of its uncorrelated contrasts."""
    q = len(df)
    if q == 1 or np.ptp(df) < _SAME * df[0]:
        return float(df[0])
    if (df <= 2.0).any():
        return 2.0
    total = float((df / (df - 2.0)).sum())
    return 2.0 * total / (total - q)


def _kenward_roger(
    kernels: Kernels, L: NDArray[np.float64], estimate: NDArray[np.float64]
) -> tuple[float, float]:
    """λF and its degrees of freedom, for independent rows of L."""
    q = len(L)
    inferred = infer(kernels, Targets(x=L), ddf="kenward-roger")
    if inferred.covariance is None:
        raise TypeError
    F = float(estimate @ np.linalg.solve(inferred.covariance, estimate)) / q
    if q == 1:
        return F, float(inferred.df[0])
    # The rows of G are orthonormal combinations of the whitened contrasts.
    G = np.linalg.qr(kernels.whitened(L).T)[0].T
    identity = np.eye(q)
    M = [
        moment - (trace / kernels.nu) * identity
        for moment, trace in zip(kernels.moments(G), kernels.traces, strict=True)
    ]
    W = 2.0 * kernels.inverse_information
    traces = np.array([np.trace(m) for m in M])
    flat = np.array(M).reshape(len(M), -1)
    A1 = 2.0 * q * q / kernels.nu + float(traces @ W @ traces)
    A2 = 2.0 * q / kernels.nu + float((W * (flat @ flat.T)).sum())
    scale, df = scale_and_df(A1, A2, q)
    return scale * F, df


def scale_and_df(A1: float, A2: float, q: int) -> tuple[float, float]:
    """Kenward and Roger's λ and denominator degrees of freedom of q > 1 contrasts."""
    B = (A1 + 6.0 * A2) / (2.0 * q)
    g = ((q + 1) * A1 - (q + 4) * A2) / ((q + 2) * A2)
    below = 3.0 * q + 2.0 * (1.0 - g)
    c1, c2, c3 = g / below, (q - g) / below, (q + 2 - g) / below
    ratio = _over(1.0 - A2 / q, 1.0 - c2 * B)
    rho = ratio**2 * _over(1.0 + c1 * B, 1.0 - c3 * B) / q
    df = 4.0 + (q + 2) / (q * rho - 1.0)
    if abs(df - 2.0) < _NEAR_TWO:
        return 1.0, df
    return df * (1.0 - A2 / q) / (df - 2.0), df


def _over(a: float, b: float) -> float:
    """A / b, and 1 where both are zero."""
    tiny = 1e-10
    return 1.0 if abs(a) < tiny and abs(b) < tiny else a / b
