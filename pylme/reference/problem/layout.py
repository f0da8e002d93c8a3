"""θ, T and their derivatives: where each element stands, and the coordinates of a search.

The terms of one grouping factor share a block: their relative covariance factors stand on the
diagonal of one matrix T_f of shape (K_f, K_f). Theta runs through the lower triangle of each term's
own T column by column, term by term, as in lme4 (Bates, Mächler, Bolker & Walker 2015, section
2.2). Derivatives by Σ_f = T_fT_fᵀ become those by theta by the chain rule: with
σ_k = E_kTᵀ + TE_kᵀ for element k of theta, which stands in row i and column c,

    ∂d/∂θ_k = 2 (M T)_ic      ∂²d/∂θ_k∂θ_l = form(σ_k, σ_l) + 2 M_ii' [c = c']

(the second term is ⟨M, E_kE_lᵀ + E_lE_kᵀ⟩; derived in "The mathematics of the reference").

A search changes the order of rows. Every Σ has a factor PT' for each order P of its effects, T'
lower triangular. At a minimum all are alike; on the way they are not. Where the first pivot is much
smaller than the rows below it, a rotation of the later columns of T changes Σ by no more than that
pivot: the criterion has a valley along a circle, and Newton's method follows it by small arcs. With
the effect of the largest variance first, and so on as in a Cholesky factorisation with pivoting,
there is no such valley. The order is therefore changed where a pivot has become much smaller than
what stands below it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.covariance.roots import triangular

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["Chart", "GroupingFactor", "Layout", "derivatives", "gradient", "hessian", "layout_of"]

#: The order is changed where a pivot is below this part of what stands below it.
MUCH_SMALLER: Final = 0.3
#: Matrices smaller than this are zero but for rounding: their order does not matter.
_NOTHING: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupingFactor:
    """A grouping factor with all its terms.

    Attributes
    ----------
    group : str
    terms : tuple of int
        The terms on this factor, as positions among all terms.
    places : tuple of slice
        The columns of each of these terms within the factor's block.
    width : int
        K, the number of columns of the block.
    levels : int
        J, the number of levels.
    size : int
        The number of random effects.
    codes : ndarray of int32, shape (n,)
        The level of each row, from 0.
    """

    group: str
    terms: tuple[int, ...]
    places: tuple[slice, ...]
    width: int
    levels: int
    size: int
    codes: NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """The factors, most random effects first, and the place of each element of theta.

    Attributes
    ----------
    factors : tuple of GroupingFactor
    factor_of, row, column : ndarray of int, shape (m,)
        Element k of theta stands at ``T[factor_of[k]][row[k], column[k]]``.
    same_row : ndarray, shape (m, m)
        1 where two elements stand in the same row of the same factor's matrix.
    same_column : ndarray of bool, shape (m, m)
        Whether two elements stand in the same column of the same factor's matrix.
    diagonal : ndarray of bool, shape (m,)
        Which elements stand on the diagonal.
    lone : ndarray of bool, shape (m,)
        Which elements are the standard deviations of terms of one effect.
    last : ndarray of int, shape (T,)
        The last pivot of each term, which has its column to itself.
    own : tuple of ndarray of int
        The elements of each factor.
    cells : tuple of ndarray of int
        Where each of them stands in its factor's matrix row by row.
    least : ndarray, shape (m,)
        J/n of each element's factor.
    pivots : ndarray of int, shape (B,)
        For each pivot and each row below it of the same term: the pivot's place in theta.
    tails : ndarray, shape (m, B)
        1 for that row's elements from the pivot's column on.
    """

    factors: tuple[GroupingFactor, ...]
    factor_of: NDArray[np.intp]
    row: NDArray[np.intp]
    column: NDArray[np.intp]
    same_row: NDArray[np.float64]
    same_column: NDArray[np.bool_]
    diagonal: NDArray[np.bool_]
    lone: NDArray[np.bool_]
    last: NDArray[np.intp]
    own: tuple[NDArray[np.intp], ...]
    cells: tuple[NDArray[np.intp], ...]
    least: NDArray[np.float64]
    pivots: NDArray[np.intp]
    tails: NDArray[np.float64]

    def matrices(self, theta: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """The matrices T_f of each factor, shapes (R, K_f, K_f), of thetas of shape (R, m)."""
        made = []
        for factor, own, cells in zip(self.factors, self.own, self.cells, strict=True):
            matrix = np.zeros((len(theta), factor.width**2))
            matrix[:, cells] = theta if len(self.own) == 1 else theta[:, own]
            made.append(matrix.reshape(-1, factor.width, factor.width))
        return made

    def theta(self, matrices: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """The elements of theta of the matrices T_f, shape (R, m)."""
        theta = np.empty((len(matrices[0]), len(self.row)))
        for matrix, own, cells in zip(matrices, self.own, self.cells, strict=True):
            # Written out, as there may be no response.
            theta[:, own] = matrix.reshape(len(matrix), matrix.shape[1] ** 2)[:, cells]
        return theta


def layout_of(terms: Sequence[RandomTerm], n: int | None = None) -> Layout:
    """The factors of these terms, and where their thetas stand.

    Parameters
    ----------
    terms : sequence of RandomTerm
    n : int, optional
        The rows of the data, where those of the terms stand for more.
    """
    by_group: dict[str, list[int]] = {}
    for position, term in enumerate(terms):
        by_group.setdefault(term.group, []).append(position)
    factors = sorted((_factor(terms, own) for own in by_group.values()), key=lambda f: -f.size)
    total = terms[-1].thetas.stop
    factor_of, row, column = (np.empty(total, dtype=np.intp) for _ in range(3))
    lone = np.zeros(total, dtype=np.bool_)
    for f, factor in enumerate(factors):
        for position, place in zip(factor.terms, factor.places, strict=True):
            term = terms[position]
            rows, columns = term.structure.cells
            factor_of[term.thetas] = f
            lone[term.thetas] = len(term.names) == 1
            row[term.thetas], column[term.thetas] = rows + place.start, columns + place.start
    same_factor = factor_of[:, None] == factor_of
    same_row = same_factor & (row[:, None] == row)
    same_column = same_factor & (column[:, None] == column)
    pivots, tails = [], []
    for pivot in np.flatnonzero(row == column).tolist():
        # The elements below a pivot belong to its term.
        for below in np.flatnonzero(same_column[pivot] & (row > row[pivot])).tolist():
            pivots.append(pivot)
            tails.append(same_row[below] & (column >= column[pivot]))
    own = tuple([np.flatnonzero(factor_of == f) for f in range(len(factors))])
    least = np.array([factor.levels / (n or len(factor.codes)) for factor in factors])
    return Layout(
        factors=tuple(factors),
        factor_of=factor_of,
        row=row,
        column=column,
        same_row=same_row.astype(np.float64),
        same_column=same_column,
        diagonal=row == column,
        lone=lone,
        last=np.flatnonzero(same_column.sum(axis=1) == 1),
        own=own,
        cells=tuple([row[at] * f.width + column[at] for f, at in zip(factors, own, strict=True)]),
        least=least[factor_of],
        pivots=np.array(pivots, dtype=np.intp),
        tails=np.array(tails, dtype=np.float64).reshape(len(pivots), total).T,
    )


def _factor(terms: Sequence[RandomTerm], own: list[int]) -> GroupingFactor:
    places = []
    start = 0
    for position in own:
        width = len(terms[position].names)
        places.append(slice(start, start + width))
        start += width
    first = terms[own[0]]
    return GroupingFactor(
        group=first.group,
        terms=tuple(own),
        places=tuple(places),
        width=start,
        levels=len(first.levels),
        size=start * len(first.levels),
        codes=first.codes,
    )


def derivatives(
    layout: Layout,
    theta: NDArray[np.float64],
    M: tuple[NDArray[np.float64], ...],
    form: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """∂d/∂θ and ∂²d/∂θ² at theta, shapes (R, m) and (R, m, m)."""
    T = layout.matrices(theta)
    return gradient(layout, T, M), hessian(layout, T, M, form)


def gradient(
    layout: Layout, T: list[NDArray[np.float64]], M: tuple[NDArray[np.float64], ...]
) -> NDArray[np.float64]:
    """∂d/∂θ, shape (R, m)."""
    if len(T) == 1:
        product = (M[0] @ T[0]).reshape(len(M[0]), T[0].shape[1] ** 2)
        return 2.0 * product[:, layout.cells[0]]
    return 2.0 * layout.theta([m @ t for m, t in zip(M, T, strict=True)])


def hessian(
    layout: Layout,
    T: list[NDArray[np.float64]],
    M: tuple[NDArray[np.float64], ...],
    form: NDArray[np.float64],
) -> NDArray[np.float64]:
    """∂²d/∂θ², shape (R, m, m)."""
    if len(T) == 1:
        at = layout.cells[0]
        both = _contracted(form, T[0], T[0]).reshape(form.shape)
        result: NDArray[np.float64] = 4.0 * both[:, at[:, None], at]
        result += (2.0 * layout.same_column) * M[0][:, layout.row[:, None], layout.row]
        return result
    starts = np.cumsum([0, *(t.shape[1] ** 2 for t in T)])
    m = len(layout.row)
    result = np.zeros((len(form), m, m))
    for f, left in enumerate(T):
        own = layout.own[f]
        for g, right in enumerate(T):
            other = layout.own[g]
            block = form[:, starts[f] : starts[f + 1], starts[g] : starts[g + 1]]
            kept = _contracted(block, left, right)
            kept = kept[:, layout.row[own], layout.column[own]]
            result[:, own[:, None], other] = (
                4.0 * kept[..., layout.row[other], layout.column[other]]
            )
        result[:, own[:, None], own] += np.where(
            layout.same_column[np.ix_(own, own)],
            2.0 * M[f][:, layout.row[own][:, None], layout.row[own]],
            0.0,
        )
    return result


def _contracted(
    form: NDArray[np.float64], left: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Σ_bd form[(i, b), (j, d)] left[b, c] right[d, e], shape (R, i, c, j, e)."""
    R, K, _ = left.shape
    L = right.shape[1]
    half = form.reshape(R, K, K, L * L).swapaxes(2, 3) @ left[:, None]
    half = half.reshape(R, K, L, L, K).transpose(0, 1, 4, 2, 3)
    return half @ right[:, None, None]


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
    order: tuple[NDArray[np.intp], ...] | None = None

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

    def own_theta(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Theta in the effects' own order, shape (R, m)."""
        return theta if self.order is None else self.layout.theta(self.matrices(theta))

    def derivatives(
        self,
        theta: NDArray[np.float64],
        M: tuple[NDArray[np.float64], ...],
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
        if self.order is not None:
            r = np.arange(len(theta))[:, None, None]
            M = tuple(m[r, o[:, :, None], o[:, None]] for m, o in zip(M, self.order, strict=True))
            starts = np.cumsum([0, *(o.shape[1] ** 2 for o in self.order)])
            pairs = [
                start + (o[:, :, None] * o.shape[1] + o[:, None]).reshape(len(theta), -1)
                for start, o in zip(starts, self.order, strict=False)
            ]
            at = np.concatenate(pairs, axis=1)
            form = form[r, at[:, :, None], at[:, None]]
        # An effect of variance Σ_ii that is seen through n/J rows of a level changes the criterion
        # on the scale of (Σ_ii + J/n)^½: so far may a coordinate go before the shape changes.
        scale = np.sqrt(self.layout.least + (theta * theta) @ self.layout.same_row)
        g, H = derivatives(self.layout, theta, M, form)
        return scale * g, scale[:, :, None] * H * scale[:, None], scale

    def improved(self, theta: NDArray[np.float64]) -> tuple[Chart, NDArray[np.float64]] | None:
        """The chart with better orders where they are needed, and theta there; None if nowhere."""
        if not len(self.layout.pivots):
            return None
        squares = theta * theta
        below = squares @ self.layout.tails
        pivots = squares[:, self.layout.pivots]
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
