"""Coordinates of a generalized model in which the parameter that is profiled is one coordinate.

The criterion works in well-conditioned columns: X₁ = X[:, order] R⁻¹ and, for each factor,
Z₁ = ZE⁻¹, where fixed effects are β₁ = Rβ[order] and covariance factors T₁ with T₁T₁ᵀ = ETTᵀEᵀ, T₁
lower triangular. R is upper triangular, and E is a lower triangular matrix of effects in an order
of our choice. Hence

    β_j last in the order:               β_j = β₁_p / R_pp
    an effect first in its term:         its standard deviation is T₁₁₁ / E₁₁
    two effects first, and E₂₁ = 0:      their correlation is that of the first two rows of T₁

With the rows (exp a, 0) and exp b (sin ψ, cos ψ) the correlation is sin ψ at any a and b, so that
neither standard deviation changes its sign on the way. A dispersion φ makes the covariance matrix
of the random effects φTTᵀ; then the coordinates are φ^½T₁ and s = ln φ in the place of T₁ and
ln 1/φ. In these coordinates every parameter is fixed by fixing one coordinate, and all others are
free. Gradients follow by the chain rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from pylme.covariance.roots import lower_root
from pylme.reference.generalized.criterion import GeneralizedCriterion
from pylme.reference.generalized.optimum.boundary import free_on_face
from pylme.reference.generalized.optimum.conditioning import root_of_gram, upper_root_of_gram

if TYPE_CHECKING:
    from pylme.inference.profile_likelihood.parameters import ProfiledParameter

__all__ = ["GeneralizedCoordinates", "generalized_coordinates"]

#: A standard deviation of the pair whose correlation is fixed is no smaller than this, in
#: well-conditioned columns: zero has no logarithm.
LEAST: Final = 1e-6
#: The step of the differences by which the change of coordinates is differentiated.
STEP: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GeneralizedCoordinates:
    """The coordinates of one parameter.

    Attributes
    ----------
    criterion : GeneralizedCriterion
        In well-conditioned columns.
    E : tuple of ndarray, shapes (K_f, K_f)
        From the caller's effects to those of the criterion.
    R : ndarray, shape (p, p)
    order : ndarray of int, shape (p,)
    fixed : int
        The place of the coordinate that is fixed.
    unit : float
        The parameter is the coordinate times this, for a coefficient or a standard deviation.
    places : tuple of tuple of slice
        For each factor and each of its terms, the rows in which variance may grow.
    circle : tuple of int, or None
        For a correlation, the places of ψ, b and a.
    dispersed : bool
        Whether the last coordinate is ln φ.
    """

    criterion: GeneralizedCriterion
    E: tuple[NDArray[np.float64], ...]
    R: NDArray[np.float64]
    order: NDArray[np.intp]
    fixed: int
    unit: float
    places: tuple[tuple[slice, ...], ...]
    circle: tuple[int, int, int] | None
    dispersed: bool

    def of(self, outer: NDArray[np.float64]) -> NDArray[np.float64]:
        """The coordinates of the caller's parameters (θ, β [, ln ϑ or ln 1/φ])."""
        criterion, m = self.criterion, self.criterion.m
        T = []
        for factor, E, own in zip(
            criterion.layout.factors, self.E, criterion.factors(outer[:m]), strict=True
        ):
            turned = E @ own
            for place in factor.places:
                turned[place, place] = lower_root(turned[place, place])
            T.append(turned)
        beta = self.R @ outer[m : m + criterion.p][self.order]
        return self.of_inner(np.concatenate([criterion.theta(T), beta, outer[m + criterion.p :]]))

    def of_inner(self, inner: NDArray[np.float64]) -> NDArray[np.float64]:
        """The coordinates of the criterion's parameters."""
        x = inner.copy()
        if self.dispersed:
            x[-1] = -x[-1]
            x[: self.criterion.m] *= np.exp(0.5 * x[-1])
        if self.circle is not None:
            psi, b, a = self.circle
            across, down = x[psi], x[b]
            x[psi] = np.arctan2(across, down)
            x[b] = np.log(max(np.hypot(across, down), LEAST))
            x[a] = np.log(max(abs(x[a]), LEAST))
        return x

    def inner(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The parameters of the criterion."""
        made = x.copy()
        if self.circle is not None:
            psi, b, a = self.circle
            made[psi] = np.exp(x[b]) * np.sin(x[psi])
            made[b] = np.exp(x[b]) * np.cos(x[psi])
            made[a] = np.exp(x[a])
        if self.dispersed:
            made[: self.criterion.m] *= np.exp(-0.5 * x[-1])
            made[-1] = -x[-1]
        return made

    def gradient(self, x: NDArray[np.float64], inner: NDArray[np.float64]) -> NDArray[np.float64]:
        """The gradient by the coordinates, from that by the criterion's parameters."""
        made = inner.copy()
        m = self.criterion.m
        if self.dispersed:
            at = self.inner(x)
            made[:m] *= np.exp(-0.5 * x[-1])
            made[-1] = -inner[-1] - 0.5 * float(inner[:m] @ at[:m])
        if self.circle is not None:
            psi, b, a = self.circle
            across, down = made[psi], made[b]
            size, sin, cos = np.exp(x[b]), np.sin(x[psi]), np.cos(x[psi])
            made[psi] = size * (across * cos - down * sin)
            made[b] = size * (across * sin + down * cos)
            made[a] *= np.exp(x[a])
        return made

    def outer(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The caller's parameters, from the coordinates."""
        criterion, m, p = self.criterion, self.criterion.m, self.criterion.p
        inner = self.inner(x)
        T = []
        for factor, root in zip(criterion.layout.factors, self.roots(inner), strict=True):
            made = np.zeros_like(root)
            for place in factor.places:
                made[place, place] = lower_root(root[place, place])
            T.append(made)
        beta = np.empty(p)
        beta[self.order] = solve_triangular(self.R, inner[m : m + p]) if p else inner[m : m + p]
        return np.concatenate([criterion.theta(T), beta, inner[m + p :]])

    def roots(self, inner: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Roots of the caller's relative covariance matrices, shapes (K_f, K_f)."""
        T = self.criterion.factors(inner[: self.criterion.m])
        return [np.asarray(np.linalg.solve(E, own)) for E, own in zip(self.E, T, strict=True)]

    def free(self, x: NDArray[np.float64]) -> NDArray[np.bool_]:
        """The coordinates that may change at x without a change of rank."""
        free = np.zeros(len(x), dtype=np.bool_)
        free[free_on_face(self.criterion, self.inner(x))] = True
        if self.circle is not None:
            free[list(self.circle)] = True
        free[self.fixed] = False
        return free

    def curvature(
        self, x: NDArray[np.float64], hessian: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The Hessian by the coordinates at a stationary point, from that by the caller's.

        Where the gradient is zero JᵀHJ is all of it, with J the derivatives of the caller's
        parameters by the coordinates.
        """
        J = np.empty((len(x), len(x)))
        for i in range(len(x)):
            step = np.zeros(len(x))
            step[i] = STEP
            J[:, i] = (self.outer(x + step) - self.outer(x - step)) / (2.0 * STEP)
        return np.asarray(J.T @ hessian @ J)


def generalized_coordinates(
    criterion: GeneralizedCriterion, w: NDArray[np.float64], parameter: ProfiledParameter | None
) -> GeneralizedCoordinates:
    """The coordinates in which a parameter is one.

    Parameters
    ----------
    criterion : GeneralizedCriterion
        In the caller's columns.
    w : ndarray, shape (n,)
        The expected information of its rows at the optimum.
    parameter : ProfiledParameter or None
        None for coordinates in which nothing is to be fixed.
    """
    layout, m, p = criterion.layout, criterion.m, criterion.p
    order = np.arange(p)
    fixed, unit = criterion.problem.n_parameters - 1, 1.0
    last = parameter is not None and parameter.kind == "fixed"
    if parameter is not None and last:
        order = np.array([*np.delete(order, parameter.places[0]), parameter.places[0]])
        fixed = m + p - 1
    R = upper_root_of_gram((w * criterion.Xt[order]) @ criterion.Xt[order].T)
    if last:
        unit = 1.0 / float(R[-1, -1])
    E, z, places = [], [], []
    circle = None
    for f, (factor, columns) in enumerate(zip(layout.factors, criterion.algebra.z, strict=True)):
        E_f = np.zeros((factor.width, factor.width))
        growing = []
        for term, place in zip(factor.terms, factor.places, strict=True):
            gram = ((w * columns[place]) @ columns[place].T) / factor.levels
            own = parameter.places if parameter is not None and term == parameter.term else ()
            E_f[place, place] = _leading(gram, own)
            growing.append(slice(place.start + len(own), place.stop))
            if own:
                there = (layout.factor_of == f) & (layout.row == place.start)
                fixed = int(np.flatnonzero(there)[0])
                unit = 1.0 / float(E_f[place.start, place.start + own[0]])
            if len(own) == 2:
                below = fixed + 1
                circle = below, fixed + place.stop - place.start, fixed
                fixed = below
        E.append(E_f)
        z.append(np.ascontiguousarray(np.linalg.solve(E_f.T, columns)))
        places.append(tuple(growing))
    Xt = solve_triangular(R, criterion.Xt[order], trans="T") if p else criterion.Xt
    return GeneralizedCoordinates(
        criterion=criterion.with_columns(z, np.ascontiguousarray(Xt)),
        E=tuple(E), R=R, order=order, fixed=fixed, unit=unit, places=tuple(places), circle=circle,
        dispersed=criterion.objective.likelihood,
    )  # fmt: skip


def _leading(gram: NDArray[np.float64], first: tuple[int, ...]) -> NDArray[np.float64]:
    """E of a term with some effects first, shape (k, k), by the caller's order of columns."""
    order = [*first, *(i for i in range(len(gram)) if i not in first)]
    L = root_of_gram(gram[np.ix_(order, order)])
    if len(first) == 2:
        L[1, 0] = 0.0
    E = np.empty_like(L)
    E[:, order] = L
    return E
