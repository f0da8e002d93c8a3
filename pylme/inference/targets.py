"""Standard errors and degrees of freedom of targets μ = xᵀβ + zᵀb.

A contrast of fixed effects, a prediction and a marginal mean are each such a target. With the g, v
and φ of `kernels`, by Satterthwaite's method and by Kenward and Roger's

    1/df = 1/ν + γᵀH⁻¹γ    γ_k = vᵀΣ_kv/φ - hᵀΣ_kh/r²
    1/df = 1/ν + γᵀÎ⁻¹γ    γ_i = vᵀB_iv/φ - tr(P_ZB_i)/ν

with H the Hessian of the profiled criterion by θ, and Î_ij = tr(P_ZB_iP_ZB_j) - c_ic_j/ν (Fai &
Cornelius 1996, Journal of Statistical Computation and Simulation 54; Kenward & Roger 1997,
Biometrics 53). The first is 2f²/(gᵀCg) for f = σ²φ with σ² profiled out; the second is the first
with expected for observed information. An adjusted variance adds

    2 Σ_ij W_ij vᵀB_iP_ZB_jv,   W = 2Î⁻¹

to φ: what the uncertainty of θ adds to the variance of a prediction, and what the estimate of that
variance lacks (Prasad & Rao 1990, JASA 85; for a contrast it is Kenward and Roger's).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pylme.inference.kernels import Kernels, products

if TYPE_CHECKING:
    from pylme.inference.ddf import Ddf
    from pylme.reference.criterion.precision import Blocks

__all__ = ["NewEffects", "TargetInference", "Targets", "infer"]

#: Targets with random effects that are computed together: their v have q numbers each.
_CHUNK: Final = 256
#: Up to so many random effects, more targets than effects are combinations of what is computed for
#: each effect once, in up to three matrices of q by q.
_MOST_UNITS: Final = 5000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewEffects:
    """Random effects of levels that the data do not have, drawn anew.

    Attributes
    ----------
    term : int
        The random-effects term, in lme4's order.
    levels : ndarray of int, shape (r,)
        A number for each new level; targets with the same number have the same effects. -1 for a
        target without.
    columns : ndarray, shape (r, k)
        The values that multiply the effects of the term.
    """

    term: int
    levels: NDArray[np.intp]
    columns: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Targets:
    """What is to be inferred: μ = xᵀβ + zᵀb, and perhaps noise.

    Attributes
    ----------
    x : ndarray, shape (r, p)
        In the columns of `LinearProblem.X`.
    z : sparse array, shape (r, q), or None
        In the order of Zᵀ's rows; None for contrasts of fixed effects.
    new : tuple of NewEffects
        Effects of new levels that are part of the targets.
    noise : ndarray, shape (r,), or None
        The residual variance that is part of each target over σ²: 1/w for a new observation.
    """

    x: NDArray[np.float64]
    z: sparse.csr_array | None = None
    new: tuple[NewEffects, ...] = ()
    noise: NDArray[np.float64] | None = None

    def part(self, rows: slice) -> Targets:
        """Some of them."""
        return Targets(
            x=self.x[rows],
            z=None if self.z is None else self.z[rows],
            new=tuple(
                NewEffects(term=n.term, levels=n.levels[rows], columns=n.columns[rows])
                for n in self.new
            ),
            noise=None if self.noise is None else self.noise[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TargetInference:
    """Standard errors and degrees of freedom.

    Attributes
    ----------
    kernels : Kernels
        Those that they are computed from, with the β̂ and b̂ that belong to them: of the fit, or of
        its REML fit where Kenward and Roger's method needs one.
    covariance : ndarray, shape (r, r), or None
        Of μ̂ - μ; None where it was not asked for.
    std_error : ndarray, shape (r,)
    df : ndarray, shape (r,)
        Infinite for normal tests.
    """

    kernels: Kernels
    covariance: NDArray[np.float64] | None
    std_error: NDArray[np.float64]
    df: NDArray[np.float64]


def infer(
    kernels: Kernels,
    targets: Targets,
    *,
    ddf: Ddf,
    adjusted: bool | None = None,
    joint: bool = True,
) -> TargetInference:
    """Standard errors and degrees of freedom of targets.

    Parameters
    ----------
    kernels : Kernels
        Of the fit.
    targets : Targets
    ddf : {"satterthwaite", "kenward-roger", "normal"}
    adjusted : bool, optional
        Whether variances are adjusted for the uncertainty of θ; by default those of contrasts of
        fixed effects by Kenward and Roger's method alone. Never with a covariance structure, as
        the adjustment is derived for variances that are linear in the parameters.
    joint : bool
        Whether the covariances of the targets are wanted too.
    """
    if ddf == "kenward-roger":
        kernels = kernels.restricted
    if adjusted is None:
        adjusted = ddf == "kenward-roger" and targets.z is None
    adjusted = adjusted and not kernels.structured
    r = len(targets.x)
    step = r if joint or targets.z is None else _CHUNK
    units = None
    if not joint and targets.z is not None and r > targets.z.shape[1] <= _MOST_UNITS:
        units = UnitEffects(kernels, adjusted=adjusted)
    parts = [
        _Derived(kernels, targets.part(slice(start, start + step)), units)
        for start in range(0, r, max(step, 1))
    ]
    df = [part.df(ddf) for part in parts]
    if joint:
        covariance = parts[0].covariance(adjusted=adjusted) if parts else np.zeros((0, 0))
        variance = covariance.diagonal()
    else:
        covariance = None
        known = [part.variance(adjusted=adjusted) for part in parts]
        variance = np.concatenate(known) if known else np.zeros(0)
    return TargetInference(
        kernels=kernels,
        covariance=covariance,
        std_error=np.sqrt(variance),
        df=np.concatenate(df) if df else np.zeros(0),
    )


class _Derived:
    """The g, φ and v of some targets."""

    def __init__(
        self, kernels: Kernels, targets: Targets, units: UnitEffects | None = None
    ) -> None:
        self.kernels = kernels
        self.targets = targets
        self.g = kernels.whitened(targets.x)
        self.own: _OfEffects | _OfUnits | None = None
        if targets.z is not None:
            if units is None:
                self.own = _OfEffects(kernels, targets.z)
            else:
                self.own = _OfUnits(units, targets.z)
            self.g = self.g - self.own.fixed
        self.new = [self._inner(n) for n in targets.new]
        phi = (self.g * self.g).sum(axis=1)
        if self.own is not None:
            phi += self.own.phi
        for f, w in self.new:
            phi += np.einsum("ra,ab,rb->r", w, kernels.Sigma[f], w)
        if targets.noise is not None:
            phi += targets.noise
        self.phi: NDArray[np.float64] = phi

    def _inner(self, new: NewEffects) -> tuple[int, NDArray[np.float64]]:
        """The factor of new effects, and their columns in its well-conditioned ones, (r, K_f)."""
        layout, C = self.kernels.layout, self.kernels.problem.columns.C
        f = next(f for f, factor in enumerate(layout.factors) if new.term in factor.terms)
        place = layout.factors[f].places[layout.factors[f].terms.index(new.term)]
        w = np.zeros((len(new.columns), len(C[f])))
        w[:, place] = new.columns
        w[new.levels < 0] = 0.0
        return f, w @ C[f]

    @property
    def vectors(self) -> Blocks:
        """v, an array of shape (K_f, J_f, r) for each factor; without that of new levels."""
        of_fixed = tuple(N @ self.g.T for N in self.kernels.precision.N)
        if self.own is None:
            return tuple(-part for part in of_fixed)
        return tuple(a - b for a, b in zip(self.own.left, of_fixed, strict=True))

    def squares(self) -> list[NDArray[np.float64]]:
        """Σ_j v_jv_jᵀ of each factor, shapes (r, K_f, K_f)."""
        if self.own is None:
            made = [
                np.einsum("rd,rdab->rab", self.g, np.tensordot(self.g, cross, axes=1))
                for cross in self.kernels.crosses
            ]
        else:
            made = [np.einsum("ajr,bjr->rab", v, v) for v in self.vectors]
        for f, w in self.new:
            made[f] = made[f] + w[:, :, None] * w[:, None]
        return made

    def df(self, ddf: Ddf) -> NDArray[np.float64]:
        """Degrees of freedom, shape (r,)."""
        kernels = self.kernels
        if ddf == "normal":
            return np.full(len(self.phi), np.inf)
        with np.errstate(divide="ignore", invalid="ignore"):
            over = 1.0 / self.phi[:, None]
            if ddf == "satterthwaite":
                slopes = kernels.along_theta(self.squares()) * over - kernels.drift
                inverse = kernels.inverse_hessian
            else:
                slopes = kernels.along_cells(self.squares()) * over - kernels.traces / kernels.nu
                inverse = kernels.inverse_information
            over_df = 1.0 / kernels.nu + ((slopes @ inverse) * slopes).sum(axis=1)
            # A target without any error, such as 0ᵀβ, has no df: its interval is a point.
            return np.where(self.phi > 0.0, 1.0 / over_df, np.inf)

    def variance(self, *, adjusted: bool) -> NDArray[np.float64]:
        """E(μ̂ - μ)², shape (r,)."""
        phi = self.phi
        if adjusted and isinstance(self.own, _OfUnits):
            phi = phi + 2.0 * self.own.lacking(self.g, self.kernels.adjustment)
        elif adjusted:
            phi = phi + 2.0 * self._lacking().diagonal()
        return np.asarray(self.kernels.sigma2 * phi)

    def covariance(self, *, adjusted: bool) -> NDArray[np.float64]:
        """E(μ̂ - μ)(μ̂ - μ)ᵀ, shape (r, r)."""
        phi = self.g @ self.g.T
        if isinstance(self.own, _OfEffects):
            phi = phi + products(self.own.z, self.own.spread)
        for n, (f, w) in zip(self.targets.new, self.new, strict=True):
            same = (n.levels[:, None] == n.levels) & (n.levels >= 0)
            phi = phi + np.where(same, w @ self.kernels.Sigma[f] @ w.T, 0.0)
        if self.targets.noise is not None:
            phi = phi + np.diag(self.targets.noise)
        if adjusted:
            phi = phi + 2.0 * self._lacking()
        return np.asarray(self.kernels.sigma2 * phi)

    def _lacking(self) -> NDArray[np.float64]:
        """Σ_ij W_ij vᵀB_iP_ZB_jv of all pairs of targets, shape (r, r)."""
        if self.own is None:
            made: NDArray[np.float64] = self.g @ self.kernels.adjustment @ self.g.T
            return made
        v = self.vectors
        return self.kernels.lacking(v, v)


class _OfEffects:
    """What the random effects contribute: z, ΛA⁻¹Λᵀz, (I - KΣ)z, and NᵀΣz of whitened N."""

    def __init__(self, kernels: Kernels, rows: sparse.csr_array) -> None:
        precision = kernels.precision
        z = kernels.inner(rows.toarray().T)
        Sz = tuple(np.tensordot(S, own, axes=1) for S, own in zip(kernels.Sigma, z, strict=True))
        self.z: Blocks = z
        self.spread: Blocks = precision.spread(z)
        self.left: Blocks = tuple(a - b for a, b in zip(z, precision.times(Sz), strict=True))
        self.fixed: NDArray[np.float64] = products(precision.N, Sz).T

    @property
    def phi(self) -> NDArray[np.float64]:
        """zᵀΛA⁻¹Λᵀz, shape (r,)."""
        parts = [
            np.einsum("ajr,ajr->r", z, spread)
            for z, spread in zip(self.z, self.spread, strict=True)
        ]
        return np.asarray(sum(parts[1:], parts[0]))


class UnitEffects:
    """What `_OfEffects` gives for each random effect by itself.

    Attributes
    ----------
    spread : ndarray, shape (q, q)
        ΛA⁻¹Λᵀ in the order of Zᵀ's rows.
    left : tuple of ndarray, shapes (q, K_f J_f)
        (I - KΣ)z of each effect's z.
    fixed : ndarray, shape (q, p)
        NᵀΣz.
    lacking, mixed : ndarray, shapes (q, q) and (q, p)
        Σ_ij W_ij uᵀB_iP_ZB_jw for u and w among these (I - KΣ)z, and for w among N.
    """

    def __init__(self, kernels: Kernels, *, adjusted: bool) -> None:
        q = kernels.linear.terms[-1].rows.stop
        N = kernels.precision.N
        self.shapes = [own.shape[:2] for own in N]
        self.spread = np.empty((q, q))
        self.left = tuple(np.empty((q, a * b)) for a, b in self.shapes)
        self.fixed = np.empty((q, N[0].shape[2]))
        steps = [slice(start, min(start + _CHUNK, q)) for start in range(0, q, _CHUNK)]
        for step in steps:
            rows = sparse.eye_array(step.stop - step.start, q, k=step.start, format="csr")
            own = _OfEffects(kernels, rows)
            self.spread[step] = kernels.outer(own.spread).T
            self.fixed[step] = own.fixed
            for whole, part in zip(self.left, own.left, strict=True):
                whole[step] = part.reshape(-1, part.shape[2]).T
        if adjusted:
            every = self.blocks(slice(0, q))
            self.mixed = kernels.lacking(every, N)
            self.lacking = np.empty((q, q))
            for step in steps:
                self.lacking[:, step] = kernels.lacking(every, self.blocks(step))

    def blocks(self, rows: slice) -> Blocks:
        """(I - KΣ)z of some effects, shapes (K_f, J_f, r)."""
        return tuple(
            whole[rows].T.reshape(*shape, -1)
            for whole, shape in zip(self.left, self.shapes, strict=True)
        )


class _OfUnits:
    """The same as `_OfEffects`, from what is known of each random effect."""

    def __init__(self, units: UnitEffects, rows: sparse.csr_array) -> None:
        self.units = units
        self.rows = rows
        self.fixed: NDArray[np.float64] = rows @ units.fixed
        self.left: Blocks = tuple(
            (rows @ whole).T.reshape(*shape, -1)
            for whole, shape in zip(units.left, units.shapes, strict=True)
        )

    @property
    def phi(self) -> NDArray[np.float64]:
        """zᵀΛA⁻¹Λᵀz, shape (r,)."""
        return self._quadratic(self.units.spread)

    def lacking(
        self, g: NDArray[np.float64], adjustment: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Σ_ij W_ij vᵀB_iP_ZB_jv of each target, shape (r,)."""
        mixed = (self.rows @ self.units.mixed) * g
        fixed = (g @ adjustment) * g
        return np.asarray(self._quadratic(self.units.lacking) + (fixed - 2.0 * mixed).sum(axis=1))

    def _quadratic(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.rows.multiply(self.rows @ matrix).sum(axis=1)).ravel()
