"""The coordinates of a search: the lower triangle of T, its rows in an order that suits the point.

Every Σ has a factor PT' for each order P of its effects, T' lower triangular. At a minimum all are
alike; on the way they are not. Where the first pivot is much smaller than the rows below it, a
rotation of the later columns of T changes Σ by no more than that pivot: the criterion has a valley
along a circle, and Newton's method follows it by small arcs. With the effect of the largest
variance first, and so on as in a Cholesky factorisation with pivoting, there is no such valley. The
order is therefore changed where a pivot has become much smaller than what stands below it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.covariance.roots import triangular
from pylme.reference.problem.layout import Layout, gradient, hessian

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Chart"]

#: The order is changed where a pivot is below this part of what stands below it.
MUCH_SMALLER: Final = 0.3
#: Matrices smaller than this are zero but for rounding: their order does not matter.
_NOTHING: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Places:
    """What depends on the layout alone.

    Attributes
    ----------
    least : ndarray, shape (m,)
        J/n of each element's factor.
    same_row : ndarray, shape (m, m)
        1 where two elements of theta stand in one row of a factor's matrix.
    pivots : ndarray of int, shape (B,)
        For each pivot and each row below it of the same term: the pivot's place in theta.
    tails : ndarray, shape (m, B)
        1 for that row's elements from the pivot's column on.
    """

    least: NDArray[np.float64]
    same_row: NDArray[np.float64]
    pivots: NDArray[np.intp]
    tails: NDArray[np.float64]


def _places(layout: Layout) -> _Places:
    least = np.array([factor.levels / len(factor.codes) for factor in layout.factors])
    same_factor = layout.factor_of[:, None] == layout.factor_of
    same_row = same_factor & (layout.row[:, None] == layout.row)
    pivots, tails = [], []
    for pivot in np.flatnonzero(layout.diagonal).tolist():
        # The elements below a pivot belong to its term.
        for below in np.flatnonzero(layout.same_column[pivot] & ~layout.diagonal).tolist():
            if layout.row[below] > layout.row[pivot]:
                pivots.append(pivot)
                tails.append(same_row[below] & (layout.column >= layout.column[pivot]))
    return _Places(
        least=least[layout.factor_of],
        same_row=same_row.astype(np.float64),
        pivots=np.array(pivots, dtype=np.intp),
        tails=np.array(tails, dtype=np.float64).reshape(len(pivots), len(layout.row)).T,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chart:
    """The coordinates of R searches.

    Attributes
    ----------
    layout : Layout
    order : tuple of ndarray of int, shapes (R, K_f), or None
        Row a of T' of factor f belongs to effect ``order[f][r, a]``; None where all orders are the
        effects' own.
    """

    layout: Layout
    places: _Places
    order: tuple[NDArray[np.intp], ...] | None = None

    @classmethod
    def of(cls, layout: Layout) -> Chart:
        """The effects' own order everywhere."""
        return cls(layout=layout, places=_places(layout))

    def subset(self, responses: NDArray[np.bool_]) -> Chart:
        """The same for some of the responses."""
        if self.order is None:
            return self
        return replace(self, order=tuple(order[responses] for order in self.order))

    def matrices(self, theta: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """The lower triangular factors of each Σ_f in the effects' own order."""
        T = self.layout.matrices(theta)
        if self.order is None:
            return T
        made = []
        for factor, order, matrix in zip(self.layout.factors, self.order, T, strict=True):
            own = np.empty_like(matrix)
            np.put_along_axis(own, order[:, :, None], matrix, axis=1)
            for place in factor.places:
                _make_lower(own, place, order)
            made.append(own)
        return made

    def theta(self, T: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """These coordinates of the factors of each Σ_f in the effects' own order, shape (R, m)."""
        if self.order is None:
            return self.layout.theta(T)
        made = []
        for factor, order, matrix in zip(self.layout.factors, self.order, T, strict=True):
            own = np.take_along_axis(matrix, order[:, :, None], axis=1)
            for place in factor.places:
                _make_lower(own, place, order)
            made.append(own)
        return self.layout.theta(made)

    def scales(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far each coordinate may go before the criterion changes its shape, shape (R, m).

        An effect of variance Σ_ii that is seen through n/J rows of a level changes the criterion on
        the scale of (Σ_ii + J/n)^½.
        """
        return np.asarray(np.sqrt(self.places.least + (theta * theta) @ self.places.same_row))

    def own_theta(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Theta in the effects' own order, shape (R, m)."""
        return theta if self.order is None else self.layout.theta(self.matrices(theta))

    def derivatives(
        self,
        theta: NDArray[np.float64],
        M: Sequence[NDArray[np.float64]],
        form: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Gradient and Hessian by these coordinates in units of their scales, and the scales.

        Their shapes are (R, m), (R, m, m) and (R, m).

        Parameters
        ----------
        theta : ndarray, shape (R, m)
        M, form
            As in `pylme.reference.criterion.likelihood.Evaluation`.
        """
        T = self.layout.matrices(theta)
        if self.order is not None:
            r = np.arange(len(theta))[:, None, None]
            M = [m[r, o[:, :, None], o[:, None]] for m, o in zip(M, self.order, strict=True)]
            starts = np.cumsum([0, *(o.shape[1] ** 2 for o in self.order)])
            pairs = [
                start + (o[:, :, None] * o.shape[1] + o[:, None]).reshape(len(theta), -1)
                for start, o in zip(starts, self.order, strict=False)
            ]
            at = np.concatenate(pairs, axis=1)
            form = form[r, at[:, :, None], at[:, None]]
        scale = self.scales(theta)
        g = gradient(self.layout, T, tuple(M))
        H = hessian(self.layout, T, tuple(M), form)
        return scale * g, scale[:, :, None] * H * scale[:, None], scale

    def improved(self, theta: NDArray[np.float64]) -> tuple[Chart, NDArray[np.float64]] | None:
        """The chart with better orders where they are needed, and theta there; None if nowhere."""
        if not len(self.places.pivots):
            return None
        squares = theta * theta
        below = squares @ self.places.tails
        pivots = squares[:, self.places.pivots]
        bad = (pivots < MUCH_SMALLER**2 * below) & (below > _NOTHING**2)
        if not bad.any():
            return None
        worse = bad.any(axis=1)
        T = self.layout.matrices(theta)
        orders, made = [], []
        for f, (factor, matrix) in enumerate(zip(self.layout.factors, T, strict=True)):
            own = np.tile(np.arange(factor.width), (len(theta), 1))
            order = own if self.order is None else self.order[f].copy()
            for place in factor.places:
                if place.stop - place.start > 1:
                    best = _pivoted(matrix[worse, place, place]) + place.start
                    order[worse, place] = np.take_along_axis(order[worse], best, axis=1)
                    rows = np.take_along_axis(matrix[worse], best[:, :, None], axis=1)
                    matrix[worse, place, place] = triangular(rows[:, :, place])
            orders.append(order)
            made.append(matrix)
        moved = theta.copy()
        moved[worse] = self.layout.theta(made)[worse]
        return replace(self, order=tuple(orders)), moved


def _make_lower(T: NDArray[np.float64], place: slice, order: NDArray[np.intp]) -> None:
    """Turn the columns of a term's rows, where they are out of order, into a lower triangle."""
    if place.stop - place.start == 1:
        return
    changed = (np.diff(order[:, place], axis=1) < 0).any(axis=1)
    if changed.any():
        T[changed, place, place] = triangular(T[changed, place, place])


def _pivoted(T: NDArray[np.float64]) -> NDArray[np.intp]:
    """The order of a Cholesky factorisation of TTᵀ with pivoting, shape (R, k)."""
    left = T @ T.swapaxes(1, 2)
    R, k = left.shape[:2]
    rows = np.arange(R)
    order = np.empty((R, k), dtype=np.intp)
    for j in range(k):
        size = left.diagonal(axis1=1, axis2=2).copy()
        if j:
            np.put_along_axis(size, order[:, :j], -np.inf, axis=1)
        order[:, j] = size.argmax(axis=1)
        column = left[rows, order[:, j]]
        pivot = column[rows, order[:, j]]
        scaled = column / np.where(pivot > 0, pivot, 1.0)[:, None]
        left = left - column[:, :, None] * scaled[:, None] * (pivot > 0)[:, None, None]
    return order
