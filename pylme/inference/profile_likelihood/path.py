"""The deviance with one coordinate fixed, minimised over all others.

The minimum over the free coordinates η is found by the trust-region Newton steps of the NumPy
engine. As in a fit, a stationary point is a minimum only if the deviance does not fall with
variance that is added: for every term M ⪰ 0 between the directions in which Σ_t may grow, which for
the term in question are those that leave the fixed parameter alone (its Schur complement). Where
there is such a direction, the search leaves along it. With the correlation of two effects fixed,
their standard deviations are coordinates that may not change sign: they are bounded by zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.covariance.roots import lower_root
from pylme.inference.profile_likelihood.coordinates import Coordinates, Point
from pylme.inference.profile_likelihood.deviance import Deviance, Local
from pylme.inference.profile_likelihood.settling import settle
from pylme.reference.optimize.descent import ENOUGH, ROUNDING
from pylme.reference.optimize.newton import WORTH_LEAVING

if TYPE_CHECKING:
    from pylme.reference.problem.layout import GroupingFactor

__all__ = ["Path", "nowhere"]


@dataclass(slots=True, kw_only=True, eq=False)
class Path:
    """The minima of the deviance along one coordinate.

    Attributes
    ----------
    deviance : Deviance
    coordinates : Coordinates
    fixed : int
        The place of the coordinate that is fixed.
    term : int or None
        The position of the term whose parameter that is.
    evaluations : int
        How often the deviance has been evaluated.
    """

    deviance: Deviance
    coordinates: Coordinates
    fixed: int
    term: int | None = None
    evaluations: int = field(default=0)

    @property
    def negligible(self) -> float:
        """What a Newton step may promise where it is taken without evaluating its end.

        With exact second derivatives the deviance there is right to the power 3/2 of it.
        """
        return 1e-5

    def evaluate(self, x: NDArray[np.float64]) -> Point:
        """The deviance at some coordinates; infinite where it cannot be computed."""
        self.evaluations += 1
        m = len(self.coordinates.layout.row)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            try:
                local = self.deviance.at(self.coordinates.conditioned(x), x[m:])
            except np.linalg.LinAlgError:
                return nowhere(len(x))
            point = self.coordinates.point(x, local)
        if not (np.isfinite(point.value) and np.isfinite(point.hessian).all()):
            return nowhere(len(x))
        return point

    def free(self, x: NDArray[np.float64], point: Point) -> NDArray[np.bool_]:
        """The coordinates that may change: neither fixed nor held back by a bound."""
        free = np.ones(len(x), dtype=np.bool_)
        free[self.fixed] = False
        for at in self._bounded():
            free[at] &= not (x[at] <= 0.0 and point.gradient[at] >= 0.0)
        return free

    def _bounded(self) -> tuple[int, ...]:
        first, circle = self.coordinates.first, self.coordinates.circle
        return () if first is None or circle is None else (first, circle[1])

    def scales(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far each coordinate may go before the shape of the deviance changes, shape (d,)."""
        return self.coordinates.scales(x)

    def scale(self, x: NDArray[np.float64]) -> float:
        """The same of the coordinate that is fixed."""
        return float(self.scales(x)[self.fixed])

    def within_bounds(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The nearest coordinates within the bounds."""
        made = x.copy()
        for at in self._bounded():
            if at != self.fixed:
                made[at] = max(made[at], 0.0)
        return made

    def settle(
        self, x: NDArray[np.float64], *, within: float = ENOUGH
    ) -> tuple[NDArray[np.float64], Point]:
        """The coordinates at which the deviance is least, from a start; one of them is fixed.

        Parameters
        ----------
        x : ndarray, shape (d,)
        within : float
            How far above the minimum the deviance may be.

        Returns
        -------
        x : ndarray, shape (d,)
        point : Point
        """
        return settle(self, x, within=within)

    def leave(
        self, x: NDArray[np.float64], point: Point, worth: float = WORTH_LEAVING
    ) -> tuple[NDArray[np.float64], Point] | None:
        """A lower point with variance added in one direction; None where there is none.

        Parameters
        ----------
        x : ndarray, shape (d,)
        point : Point
        worth : float
            What a direction must promise. Away from a minimum, directions in which there is
            variance already promise what a Newton step does.
        """
        found = max(
            (
                one
                for f, factor in enumerate(self.coordinates.layout.factors)
                for one in self._directions(f, factor, x, point.local)
            ),
            key=lambda one: one.gain,
            default=None,
        )
        if found is None or not found.gain > worth + ROUNDING * abs(point.value):
            return None
        share = 1.0
        while share > 1e-9:
            trial = self._grown(x, found, share)
            tried = self.evaluate(trial)
            if tried.value < point.value:
                return trial, tried
            share *= 0.25
        return None

    def _directions(
        self, f: int, factor: GroupingFactor, x: NDArray[np.float64], local: Local
    ) -> list[_Direction]:
        """In each term the direction in which the deviance falls most with variance."""
        shrink = float(np.exp(-x[len(self.coordinates.layout.row)]))
        start = sum(len(G) ** 2 for G in self.coordinates.frames[:f])
        G = self.coordinates.frames[f]
        K = len(G)
        own = slice(start, start + K * K)
        M = shrink * (G.T @ local.gradient[own].reshape(K, K) @ G)
        form = local.hessian[own, own]
        made = []
        for position, place in zip(factor.terms, factor.places, strict=True):
            rows = slice(place.start + self._pinned(position), place.stop)
            if rows.start == rows.stop:
                continue
            values, vectors = np.linalg.eigh(M[rows, rows])
            if not values[0] < 0:
                continue
            v = np.zeros(K)
            v[rows] = vectors[:, 0]
            there = G @ v
            outer = np.outer(there, there).ravel()
            bend = max(shrink**2 * float(outer @ form @ outer), 0.0)
            most = 1.0 / shrink
            variance = min(-values[0] / bend, most) if bend > 0 else most
            gain = -values[0] * variance - 0.5 * bend * variance**2
            made.append(
                _Direction(gain=gain, factor=f, rows=rows, vector=v[rows], variance=variance)
            )
        return made

    def _pinned(self, position: int) -> int:
        """How many effects of a term may not grow, as the fixed parameter is theirs."""
        if position != self.term:
            return 0
        return 1 if self.coordinates.circle is None else 2

    def _grown(
        self, x: NDArray[np.float64], found: _Direction, share: float
    ) -> NDArray[np.float64]:
        layout = self.coordinates.layout
        tau = self.coordinates.absolute(x)
        block = tau[found.factor][0, found.rows, found.rows]
        extra = np.sqrt(share * found.variance) * found.vector
        tau[found.factor][0, found.rows, found.rows] = lower_root(
            np.concatenate([block, extra[:, None]], axis=1)
        )
        made = x.copy()
        grown = layout.theta(tau)[0]
        changed = np.zeros(len(x), dtype=np.bool_)
        changed[: len(grown)] = (
            (layout.factor_of == found.factor)
            & (layout.row >= found.rows.start)
            & (layout.row < found.rows.stop)
        )
        made[changed] = grown[changed[: len(grown)]]
        return made


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Direction:
    """Variance that is added to some rows of a factor's block."""

    gain: float
    factor: int
    rows: slice
    vector: NDArray[np.float64]
    variance: float


def nowhere(d: int) -> Point:
    """A point at which the deviance cannot be computed."""
    nothing = np.zeros(0)
    local = Local(value=np.inf, gradient=nothing, hessian=nothing, beta=nothing)
    return Point(value=np.inf, gradient=np.zeros(d), hessian=np.zeros((d, d)), local=local)
