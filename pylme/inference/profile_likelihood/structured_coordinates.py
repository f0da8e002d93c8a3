"""Coordinates of a model with covariance structures: standard deviations and correlations.

Of a structured term the coordinates are the absolute standard deviations and ρ, within their
bounds; of an unstructured one the cells of the factor τ = σT with the effects in question first, as
in `pylme.inference.profile_likelihood.coordinates`: the first is a standard deviation, and
(τ₂₁, τ₂₂) = t(sin ψ, cos ψ) has the correlation sin ψ. With C(a) the covariance matrix of the
effects, and s = log σ²,

    Σ = e^(-s) C(a)    ∂Σ/∂a_k = e^(-s) C_k    ∂Σ/∂s = -Σ
    ∂²Σ/∂a_k∂a_l = e^(-s) C_kl    ∂²Σ/∂a_k∂s = -∂Σ/∂a_k    ∂²Σ/∂s² = Σ
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.linalg import block_diag

from pylme.covariance.correlation import cov2sdcor
from pylme.covariance.names import cells
from pylme.covariance.roots import lower_root
from pylme.inference.profile_likelihood.coordinates import Point
from pylme.model_matrix.random_term import RandomTerm
from pylme.reference.criterion.prepare import Problem
from pylme.reference.solution import free_slices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.inference.profile_likelihood.deviance import Local

__all__ = ["StructuredCoordinates", "TermCoordinates"]

#: How far a correlation may go before the shape of the deviance changes.
_OF_A_CORRELATION: Final = 0.3
#: The same of a standard deviation, in units of the residual's over the size of the column.
_LEAST: Final = 0.3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TermCoordinates:
    """The coordinates of one term.

    Attributes
    ----------
    term : RandomTerm
    order : tuple of int
        The effects, those in question first; in their own order for a structured term.
    circle : bool
        Whether the correlation of the first two effects of an unstructured term is a coordinate.
    """

    term: RandomTerm
    order: tuple[int, ...]
    circle: bool

    @classmethod
    def of(cls, term: RandomTerm, effects: Sequence[int]) -> TermCoordinates:
        """Those of a term some of whose effects are in question."""
        k = len(term.names)
        if term.structure.kind != "us":
            return cls(term=term, order=tuple(range(k)), circle=False)
        others = (i for i in range(k) if i not in effects)
        return cls(term=term, order=(*effects, *others), circle=len(effects) == 2)

    @property
    def angle(self) -> tuple[int, int]:
        """The places of ψ and t."""
        return 1, len(self.order)

    def fixed(self, places: Sequence[int]) -> int:
        """The place of a parameter: of one effect, or of the correlation of two."""
        if self.term.structure.kind == "us":
            return len(places) - 1
        if len(places) == 2:
            return self.term.structure.n_free - 1
        return 0 if self.term.structure.hom else places[0]

    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The least and the largest values, each of shape (n_free,)."""
        structure = self.term.structure
        low, high = structure.free_bounds()
        if structure.kind == "us":
            # Another sign gives the same matrix, except where a correlation is held.
            low = np.full(structure.n_free, -np.inf)
            low[0] = 0.0
            if self.circle:
                low[self.angle[1]] = 0.0
        return low, high

    def of_theta(self, theta: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
        """The coordinates of lme4's theta of all terms, shape (n_free,)."""
        structure = self.term.structure
        if structure.kind == "us":
            T = sigma * self.term.factor(theta)[list(self.order)]
            x = structure.parameters(lower_root(T))
            if self.circle:
                at = list(self.angle)
                x[at] = np.arctan2(*x[at]), np.hypot(*x[at])
            return x
        free = np.array(structure.free_of(theta[self.term.thetas]))
        n_sd = 1 if structure.hom else structure.size
        free[:n_sd] *= sigma
        return free

    def _parameters(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        if not self.circle:
            return x
        made = x.copy()
        psi, t = x[list(self.angle)]
        made[list(self.angle)] = t * np.sin(psi), t * np.cos(psi)
        return made

    def factor(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """A root of the covariance matrix of the effects, shape (k, k)."""
        structure = self.term.structure
        if structure.kind != "us":
            return structure.factor(structure.theta_of(x))
        T = np.empty((structure.size, structure.size))
        T[list(self.order)] = structure.factor(self._parameters(x))
        return T

    def derivatives(
        self, x: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """First and second derivatives of the covariance matrix."""
        first, second = self.term.structure.covariance_derivatives(self._parameters(x))
        if self.term.structure.kind != "us":
            return first, second
        back = np.argsort(self.order)
        first, second = first[:, back][:, :, back], second[:, :, back][:, :, :, back]
        if not self.circle:
            return first, second
        at = list(self.angle)
        psi, t = x[at]
        sin, cos = np.sin(psi), np.cos(psi)
        J = np.eye(len(x))
        J[np.ix_(at, at)] = [[t * cos, -t * sin], [sin, cos]]
        across, down = first[at]
        second = np.einsum("ik,jl,klab->ijab", J, J, second)
        second[at[0], at[0]] -= t * (sin * across + cos * down)
        mixed = cos * across - sin * down
        second[at[0], at[1]] += mixed
        second[at[1], at[0]] += mixed
        return np.tensordot(J, first, axes=1), second

    def scales(self, x: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
        """How far each coordinate may go before the shape of the deviance changes."""
        structure, columns = self.term.structure, self.term.columns
        size = np.sqrt(np.einsum("nk,nk->k", columns, columns) / len(columns))
        least = _LEAST * sigma / np.where(size > 0, size, 1.0)
        if structure.kind == "us":
            T = structure.factor(self._parameters(x))
            rows = structure.cells[0]
            made = np.hypot(least[list(self.order)], np.sqrt((T * T).sum(axis=1)))[rows]
            if self.circle:
                made[self.angle[0]] = 1.0
            return np.asarray(made)
        made = np.full(structure.n_free, _OF_A_CORRELATION)
        n_sd = 1 if structure.hom else structure.size
        made[:n_sd] = np.hypot(least.mean() if structure.hom else least, x[:n_sd])
        return made

    def components(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standard deviations and correlations, shape (n_free,)."""
        if self.term.structure.kind != "us":
            return x
        T = self.factor(x)
        own = cov2sdcor(T @ T.T)
        return np.array([own[i, j] for i, j in cells(len(own))])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StructuredCoordinates:
    """The coordinates of all terms, s = log σ², and perhaps v.

    Attributes
    ----------
    problem : Problem
    terms : tuple of TermCoordinates
    """

    problem: Problem
    terms: tuple[TermCoordinates, ...]

    @property
    def m(self) -> int:
        """The number of coordinates of covariances; s stands behind them."""
        return sum(own.term.structure.n_free for own in self.terms)

    @property
    def slices(self) -> list[slice]:
        """Where each term's coordinates stand."""
        return free_slices([own.term for own in self.terms])

    def bounds(self, d: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The bounds of all d coordinates."""
        lows, highs = zip(*(own.bounds() for own in self.terms), strict=True)
        open_ = np.full(d - self.m, np.inf)
        return np.concatenate([*lows, -open_]), np.concatenate([*highs, open_])

    def of_theta(
        self, theta: NDArray[np.float64], others: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The coordinates of lme4's theta, with s, or s and v, behind them."""
        sigma = float(np.exp(0.5 * others[0]))
        return np.concatenate([*(own.of_theta(theta, sigma) for own in self.terms), others])

    def conditioned(self, x: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """T of the well-conditioned columns, shapes (1, K_f, K_f)."""
        shrink = np.exp(-0.5 * x[self.m])
        made = []
        for factor, C in zip(self.problem.layout.factors, self.problem.columns.C, strict=True):
            roots = [
                self.terms[position].factor(x[self.slices[position]]) for position in factor.terms
            ]
            made.append(shrink * np.linalg.solve(C, block_diag(*roots))[None])
        return made

    def scales(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far each coordinate may go before the shape of the deviance changes, shape (d,)."""
        sigma = float(np.exp(0.5 * x[self.m]))
        own = zip(self.terms, self.slices, strict=True)
        return np.concatenate(
            [*(term.scales(x[at], sigma) for term, at in own), np.ones(len(x) - self.m)]
        )

    def point(self, x: NDArray[np.float64], local: Local) -> Point:
        """The derivatives by the coordinates."""
        layout, m, d = self.problem.layout, self.m, len(x)
        shrink = float(np.exp(-x[m]))
        change = self.problem.change_of_covariance()
        V = len(change)
        by_callers = change.T @ local.gradient[:V]
        slopes, second, sigma = np.zeros((m, V)), np.zeros((d, d)), np.zeros(V)
        start = 0
        for factor in layout.factors:
            K = factor.width
            M = by_callers[start : start + K * K].reshape(K, K)
            whole = np.zeros((K, K))
            for position, place in zip(factor.terms, factor.places, strict=True):
                term, at = self.terms[position], self.slices[position]
                T = term.factor(x[at])
                whole[place, place] = shrink * (T @ T.T)
                first, twice = term.derivatives(x[at])
                block = np.zeros((len(first), K, K))
                block[:, place, place] = shrink * first
                slopes[at, start : start + K * K] = block.reshape(len(first), -1)
                second[at, at] = shrink * np.einsum("ab,ijab->ij", M[place, place], twice)
            sigma[start : start + K * K] = whole.ravel()
            start += K * K
        J = np.zeros((d, V + d - m))
        J[np.arange(m, d), np.arange(V, V + d - m)] = 1.0
        J[:m, :V] = slopes @ change.T
        J[m, :V] = -(change @ sigma)
        second[:m, m] = second[m, :m] = -(slopes @ by_callers)
        second[m, m] = float(by_callers @ sigma)
        return Point(
            value=local.value,
            gradient=J @ local.gradient,
            hessian=J @ local.hessian @ J.T + second,
            local=local,
        )

    def components(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standard deviations and correlations of all terms, in the order of their parameters."""
        own = zip(self.terms, self.slices, strict=True)
        return np.concatenate([term.components(x[at]) for term, at in own])
