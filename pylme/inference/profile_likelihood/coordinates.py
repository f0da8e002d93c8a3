"""Coordinates in which a parameter of the covariances is one of the coordinates.

With the absolute factor τ = σT of each term, s = log σ² and the effect in question first,

    standard deviation   τ₁₁                     correlation   (τ₂₁, τ₂₂) = t(sin ψ, cos ψ): ψ

so that every value of the parameter is a plane or a circle of these coordinates, and all others are
free. The deviance is a function of Σ = e^(-s) G ττᵀ Gᵀ, where G leads from the term's own effects,
the ones in question first, to the well-conditioned columns that the criterion works with; with
σ_k = E_kτᵀ + τE_kᵀ,

    ∂Σ/∂τ_k = e^(-s) G σ_k Gᵀ    ∂Σ/∂s = -Σ
    ∂²Σ/∂τ_k∂τ_l = e^(-s) G (E_kE_lᵀ + E_lE_kᵀ) Gᵀ    ∂²Σ/∂τ_k∂s = -∂Σ/∂τ_k    ∂²Σ/∂s² = Σ

A linear map of the effects that leaves the ones in question alone changes neither parameter, so it
is chosen to make the others uncorrelated with them in the data: PᵀC = LQ, L lower triangular.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from pylme.covariance.roots import lower_root, triangular
from pylme.inference.profile_likelihood.deviance import Local
from pylme.reference.problem.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.reference.criterion.prepare import Problem

__all__ = ["Coordinates", "Point", "coordinates_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Point:
    """The deviance at one set of coordinates.

    Attributes
    ----------
    value : float
    gradient : ndarray, shape (d,)
    hessian : ndarray, shape (d, d)
    local : Local
        The same as a function of Σ.
    """

    value: float
    gradient: NDArray[np.float64]
    hessian: NDArray[np.float64]
    local: Local


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coordinates:
    """The coordinates (τ, s) or (τ, s, v); τ as theta stands, term by term.

    Attributes
    ----------
    layout : Layout
    frames : tuple of ndarray, shapes (K_f, K_f)
        G of each factor.
    first : int or None
        The place of τ₁₁ of the term in question.
    circle : tuple of int, or None
        The places of τ₂₁ and τ₂₂, whose coordinates are ψ and t.
    unit : float
        A standard deviation is τ₁₁ times this.
    """

    layout: Layout
    frames: tuple[NDArray[np.float64], ...]
    first: int | None = None
    circle: tuple[int, int] | None = None
    unit: float = 1.0

    def of(self, T: list[NDArray[np.float64]], others: NDArray[np.float64]) -> NDArray[np.float64]:
        """The coordinates of T, shapes (1, K_f, K_f), with s, or s and v, behind them."""
        size = np.exp(0.5 * others[0])
        made = []
        for factor, G, matrix in zip(self.layout.factors, self.frames, T, strict=True):
            turned = size * np.linalg.solve(G, matrix[0])
            for place in factor.places:
                turned[place, place] = lower_root(turned[place, place])
            made.append(turned[None])
        x = np.append(self.layout.theta(made)[0], others)
        if self.circle is not None:
            angle, length = self.circle
            across, down = x[angle], x[length]
            x[angle], x[length] = np.arctan2(across, down), np.hypot(across, down)
        return x

    def cartesian(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same with (τ₂₁, τ₂₂) in place of (ψ, t)."""
        if self.circle is None:
            return x
        made = x.copy()
        angle, length = self.circle
        made[angle] = x[length] * np.sin(x[angle])
        made[length] = x[length] * np.cos(x[angle])
        return made

    def absolute(self, x: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """τ of each factor, shapes (1, K_f, K_f)."""
        m = len(self.layout.row)
        return self.layout.matrices(self.cartesian(x)[None, :m])

    def conditioned(self, x: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """T of the well-conditioned columns, shapes (1, K_f, K_f)."""
        shrink = np.exp(-0.5 * x[len(self.layout.row)])
        return [shrink * (G @ tau) for G, tau in zip(self.frames, self.absolute(x), strict=True)]

    def scales(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far each coordinate may go before the shape of the deviance changes, shape (d,)."""
        m = len(self.layout.row)
        tau = self.cartesian(x)[:m]
        made = np.ones(len(x))
        variance = np.exp(x[m])
        made[:m] = np.sqrt(self.layout.least * variance + (tau * tau) @ self.layout.same_row)
        if self.circle is not None:
            made[self.circle[0]] = 1.0
        return made

    def point(self, x: NDArray[np.float64], local: Local) -> Point:
        """The derivatives by the coordinates."""
        layout = self.layout
        m, d = len(layout.row), len(x)
        shrink = float(np.exp(-x[m]))
        tau = self.absolute(x)
        V = sum(len(G) ** 2 for G in self.frames)
        J = np.zeros((d, V + d - m))
        J[np.arange(m, d), np.arange(V, V + d - m)] = 1.0
        second = np.zeros((d, d))
        start = 0
        for f, (G, matrix) in enumerate(zip(self.frames, tau, strict=True)):
            K, own = len(G), layout.own[f]
            stop = start + K * K
            products = np.zeros((len(own), K, K))
            products[np.arange(len(own)), layout.row[own]] = matrix[0].T[layout.column[own]]
            slopes = shrink * (G @ (products + products.swapaxes(1, 2)) @ G.T)
            half = G @ matrix[0]
            sigma = shrink * (half @ half.T)
            J[own, start:stop] = slopes.reshape(len(own), K * K)
            J[m, start:stop] = -sigma.ravel()
            M = local.gradient[start:stop].reshape(K, K)
            inner = G.T @ M @ G
            second[np.ix_(own, own)] = np.where(
                layout.same_column[np.ix_(own, own)],
                2.0 * shrink * inner[layout.row[own][:, None], layout.row[own]],
                0.0,
            )
            along = slopes.reshape(len(own), -1) @ M.ravel()
            second[own, m] = second[m, own] = -along
            second[m, m] += float(M.ravel() @ sigma.ravel())
            start = stop
        gradient = J @ local.gradient
        hessian = J @ local.hessian @ J.T + second
        if self.circle is not None:
            gradient, hessian = _turned(x, self.circle, gradient, hessian)
        return Point(value=local.value, gradient=gradient, hessian=hessian, local=local)

    def roots(self, x: NDArray[np.float64], problem: Problem) -> list[NDArray[np.float64]]:
        """Roots of each factor's covariance matrix of the caller's effects, shapes (K_f, K_f)."""
        return [
            C @ G @ tau[0]
            for C, G, tau in zip(problem.columns.C, self.frames, self.absolute(x), strict=True)
        ]


def _turned(
    x: NDArray[np.float64],
    circle: tuple[int, int],
    gradient: NDArray[np.float64],
    hessian: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The derivatives by ψ and t in place of τ₂₁ and τ₂₂."""
    at = list(circle)
    psi, t = x[at]
    sin, cos = np.sin(psi), np.cos(psi)
    change = np.eye(len(x))
    change[np.ix_(at, at)] = [[t * cos, -t * sin], [sin, cos]]
    across, down = gradient[at]
    turned = change @ hessian @ change.T
    turned[at[0], at[0]] -= t * (across * sin + down * cos)
    mixed = across * cos - down * sin
    turned[at[0], at[1]] += mixed
    turned[at[1], at[0]] += mixed
    return change @ gradient, turned


def coordinates_of(
    problem: Problem, term: int | None = None, effects: Sequence[int] = ()
) -> Coordinates:
    """The coordinates in which a standard deviation or a correlation is one.

    Parameters
    ----------
    problem : Problem
    term : int, optional
        The position of the term; None where the parameter is no covariance of a term.
    effects : sequence of int
        One effect of the term, or two for their correlation.
    """
    layout = problem.layout
    frames = []
    first = circle = None
    unit = 1.0
    for f, (factor, C) in enumerate(zip(layout.factors, problem.columns.C, strict=True)):
        blocks = []
        for position, place in zip(factor.terms, factor.places, strict=True):
            own = C[place, place]
            if position != term:
                blocks.append(np.eye(len(own)))
                continue
            frame, unit = _frame(own, effects)
            blocks.append(frame)
            there = (layout.factor_of == f) & (layout.row == place.start)
            first = int(np.flatnonzero(there)[0])
            if len(effects) == 2:
                circle = first + 1, first + len(own)
        frames.append(block_diag(*blocks))
    return Coordinates(layout=layout, frames=tuple(frames), first=first, circle=circle, unit=unit)


def _frame(C: NDArray[np.float64], effects: Sequence[int]) -> tuple[NDArray[np.float64], float]:
    """G of a term, shape (k, k), and how many units of the first effect its first has."""
    order = [*effects, *(i for i in range(len(C)) if i not in effects)]
    L = triangular(C[order])
    L = L * np.where(L.diagonal() < 0, -1.0, 1.0)
    if len(effects) == 2:
        L[1, 0] = 0.0
    return np.asarray(np.linalg.solve(C[order], L)), float(L[0, 0])
