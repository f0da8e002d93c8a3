"""Contrasts of the fixed effects of many fits on one design, with their degrees of freedom.

Of each fit is kept what every later contrast l needs, in the columns of the caller:

    φ = lᵀS⁻¹l      ∂φ/∂θ_k = lᵀ(∂S⁻¹/∂θ_k)l      1/df = 1/ν + γᵀGγ      γ_k = ∂φ/∂θ_k / φ - d_k

For Satterthwaite's method θ are the covariance parameters of the fit, d_k = hᵀΣ_kh/r² and G the
inverse Hessian; for Kenward and Roger's they are the elements of Σ, d_k = tr(P_ZB_k)/ν and G half
of their W (see `pylme.inference.targets`, whose formulas these are, with an axis for the fits).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.inference.ddf import Ddf
from pylme.inference.joint_test import scale_and_df
from pylme.inference.wald import joint_p, wald_p

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ManyContrasts", "ManyFixedEffects"]

#: Degrees of freedom that differ by less, in proportion, are the same.
_SAME: Final = 1e-8
#: Contrasts whose variance is below this part of the largest depend on the others.
_DEPENDENT: Final = float(np.sqrt(np.finfo(float).eps))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ManyContrasts:
    """Contrasts of R fits: t or F tests.

    Attributes
    ----------
    estimate, std_error : ndarray, shape (R,)
        NaN for F tests of several equations.
    statistic, df, p_value : ndarray, shape (R,)
        Degrees of freedom are infinite by the normal method.
    df_num : ndarray of int, shape (R,)
        The number of independent equations.
    """

    estimate: NDArray[np.float64]
    std_error: NDArray[np.float64]
    statistic: NDArray[np.float64]
    df: NDArray[np.float64]
    p_value: NDArray[np.float64]
    df_num: NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ManyFixedEffects:
    """What tests of the fixed effects of R fits need.

    Attributes
    ----------
    ddf : {"satterthwaite", "kenward-roger", "normal"}
    beta : ndarray, shape (R, p)
        NaN where a coefficient is not estimated.
    vcov : ndarray, shape (R, p, p)
        The covariance matrix of β̂, by Kenward and Roger's method their adjusted one.
    unscaled : ndarray, shape (R, p, p)
        S⁻¹.
    sigma2 : ndarray, shape (R,)
        σ̂²; 1 for a generalized model.
    nu : ndarray, shape (R,)
        Degrees of freedom of the residual variance.
    slopes : ndarray, shape (R, m, p, p)
        ∂S⁻¹/∂θ_k; m is 0 by the normal method.
    drift : ndarray, shape (R, m)
        d.
    inverse : ndarray, shape (R, m, m)
        G.
    """

    ddf: Ddf
    beta: NDArray[np.float64]
    vcov: NDArray[np.float64]
    unscaled: NDArray[np.float64]
    sigma2: NDArray[np.float64]
    nu: NDArray[np.float64]
    slopes: NDArray[np.float64]
    drift: NDArray[np.float64]
    inverse: NDArray[np.float64]

    def of(self, fits: NDArray[np.intp]) -> ManyFixedEffects:
        """Those of some of the fits."""
        own = {f.name: getattr(self, f.name)[fits] for f in fields(self) if f.name != "ddf"}
        return ManyFixedEffects(ddf=self.ddf, **own)

    @classmethod
    def joined(cls, parts: Sequence[ManyFixedEffects]) -> ManyFixedEffects:
        """Those of several batches, one after the other."""
        names = [f.name for f in fields(cls) if f.name != "ddf"]
        own = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        return cls(ddf=parts[0].ddf, **own)

    def degrees_of_freedom(self, L: NDArray[np.float64]) -> NDArray[np.float64]:
        """Degrees of freedom of each contrast by itself, shape (R, r).

        Parameters
        ----------
        L : ndarray, shape (r, p), or (R, r, p) where the contrasts differ by fit
        """
        if self.ddf == "normal":
            return np.full((len(self.beta), L.shape[-2]), np.inf)
        L = np.broadcast_to(L, (len(self.beta), *L.shape[-2:]))
        with np.errstate(divide="ignore", invalid="ignore"):
            phi = ((L @ self.unscaled) * L).sum(axis=2)
            along = ((L[:, None] @ self.slopes) * L[:, None]).sum(axis=3).swapaxes(1, 2)
            gamma = along / phi[:, :, None] - self.drift[:, None]
            over = 1.0 / self.nu[:, None] + ((gamma @ self.inverse) * gamma).sum(axis=2)
            return np.asarray(1.0 / over)

    def single(self, L: NDArray[np.float64], rhs: NDArray[np.float64]) -> list[ManyContrasts]:
        """T tests of each row of Lβ = c by itself.

        Parameters
        ----------
        L : ndarray, shape (r, p)
        rhs : ndarray, shape (r,)
            c.
        """
        made = []
        for row, value in zip(L, rhs, strict=True):
            # What is not estimated matters to those contrasts alone that use it.
            own = self.with_columns(np.flatnonzero(row))
            x = row[row != 0][None]
            estimate = (own.beta @ x.T)[:, 0]
            with np.errstate(invalid="ignore", divide="ignore"):
                error = np.sqrt((x @ own.vcov @ x.T)[:, 0, 0])
                statistic = (estimate - value) / error
            df = own.degrees_of_freedom(x)[:, 0]
            made.append(
                ManyContrasts(
                    estimate=estimate, std_error=error, statistic=statistic, df=df,
                    p_value=wald_p(statistic, df), df_num=np.ones(len(df), dtype=np.intp),
                )
            )  # fmt: skip
        return made

    def joint(self, L: NDArray[np.float64], rhs: NDArray[np.float64]) -> ManyContrasts:
        """F tests of Lβ = c, all rows at once.

        Fits in which a coefficient of L is not estimated are not tested: NaN.

        Parameters
        ----------
        L : ndarray, shape (q, p)
            Its rows may depend on each other.
        rhs : ndarray, shape (q,)
            c.
        """
        R = len(self.beta)
        used = (L != 0).any(axis=0)
        known = np.isfinite(self.beta[:, used]).all(axis=1)
        F, df = np.full(R, np.nan), np.full(R, np.nan)
        df_num = np.zeros(R, dtype=np.intp)
        fits = np.flatnonzero(known)
        if len(fits):
            F[fits], df[fits], df_num[fits] = _joint(self.of(fits).with_zeros(), L, rhs)
        with np.errstate(invalid="ignore"):
            p = joint_p(F, df_num, df)
        nothing = np.full(R, np.nan)
        return ManyContrasts(
            estimate=nothing, std_error=nothing, statistic=F, df=df,
            p_value=np.where(np.isnan(F), np.nan, p), df_num=df_num,
        )  # fmt: skip

    def with_columns(self, columns: NDArray[np.intp]) -> ManyFixedEffects:
        """The same for some of the coefficients."""
        square = (..., columns[:, None], columns)
        return replace(
            self,
            beta=self.beta[:, columns],
            vcov=self.vcov[square],
            unscaled=self.unscaled[square],
            slopes=self.slopes[square],
        )

    def with_zeros(self) -> ManyFixedEffects:
        """The same with zeros for what is not estimated, which no contrast asked for uses."""
        own = {
            name: np.nan_to_num(getattr(self, name))
            for name in ("beta", "vcov", "unscaled", "slopes")
        }
        return replace(self, **own)


def _joint(
    fixed: ManyFixedEffects, L: NDArray[np.float64], rhs: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    estimate = fixed.beta @ L.T - rhs
    values, P = np.linalg.eigh(L @ fixed.unscaled @ L.T)
    kept = values > _DEPENDENT * np.maximum(values.max(axis=1, keepdims=True), 0.0)
    q = kept.sum(axis=1)
    # Rows of PᵀL are uncorrelated; those that depend on others are left out of all sums.
    turned = P.swapaxes(1, 2)
    rows = turned @ L
    if fixed.ddf == "kenward-roger":
        F, df = _kenward_roger(fixed, rows, (turned @ estimate[..., None])[..., 0], kept)
        return F, df, q
    t = (turned @ estimate[..., None])[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = np.where(kept, t * t / values, 0.0).sum(axis=1)
        F = squares / (q * fixed.sigma2)
    if fixed.ddf == "normal":
        return F, np.full(len(F), np.inf), q
    return F, _pooled(fixed.degrees_of_freedom(rows), kept), q


def _kenward_roger(
    fixed: ManyFixedEffects,
    rows: NDArray[np.float64],
    estimate: NDArray[np.float64],
    kept: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    F, df = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    single = fixed.degrees_of_freedom(rows)
    for r in range(len(rows)):
        L, e = rows[r, kept[r]], estimate[r, kept[r]]
        q = len(L)
        if q == 0:
            continue
        F[r] = float(e @ np.linalg.solve(L @ fixed.vcov[r] @ L.T, e)) / q
        if q == 1:
            df[r] = float(single[r, kept[r]][0])
            continue
        back = np.linalg.inv(np.linalg.cholesky(L @ fixed.unscaled[r] @ L.T))
        half = back @ L
        M = half @ fixed.slopes[r] @ half.T
        M = M - fixed.drift[r][:, None, None] * np.eye(q)
        W = 2.0 * fixed.inverse[r]
        traces = np.trace(M, axis1=1, axis2=2)
        flat = M.reshape(len(M), -1)
        A1 = 2.0 * q * q / fixed.nu[r] + float(traces @ W @ traces)
        A2 = 2.0 * q / fixed.nu[r] + float((W * (flat @ flat.T)).sum())
        scale, df[r] = scale_and_df(A1, A2, q)
        F[r] *= scale
    return F, df


def _pooled(df: NDArray[np.float64], kept: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Degrees of freedom of F from those of its uncorrelated contrasts (Fai & Cornelius 1996)."""
    q = kept.sum(axis=1)
    first = np.where(kept, df, np.inf).min(axis=1)
    last = np.where(kept, df, -np.inf).max(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.where(kept, df / (df - 2.0), 0.0).sum(axis=1)
        made = np.where(first <= 2.0, 2.0, 2.0 * total / (total - q))
        return np.where((q == 1) | (last - first < _SAME * first), first, made)
