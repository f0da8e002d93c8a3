"""Where each element of theta stands: which factor's matrix, which row, which column.

The terms of one grouping factor share a block: their relative covariance factors stand on the
diagonal of one matrix T_f of shape (K_f, K_f). Theta runs through the lower triangle of each term's
own T column by column, term by term, as in lme4 (Bates, Mächler, Bolker & Walker 2015, section
2.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.covariance.cells import lower_triangle_places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["Factor", "Layout", "gradient", "hessian", "layout_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Factor:
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
    codes : ndarray of int32, shape (n,)
        The level of each row, from 0.
    """

    group: str
    terms: tuple[int, ...]
    places: tuple[slice, ...]
    width: int
    levels: int
    codes: NDArray[np.int32]

    @property
    def size(self) -> int:
        """The number of random effects."""
        return self.width * self.levels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """The factors, most random effects first, and the place of each element of theta.

    Attributes
    ----------
    factors : tuple of Factor
    factor_of, row, column : ndarray of int, shape (m,)
        Element k of theta stands at ``T[factor_of[k]][row[k], column[k]]``.
    same_column : ndarray of bool, shape (m, m)
        Whether two elements stand in the same column of the same factor's matrix.
    """

    factors: tuple[Factor, ...]
    factor_of: NDArray[np.intp]
    row: NDArray[np.intp]
    column: NDArray[np.intp]
    same_column: NDArray[np.bool_]

    @property
    def diagonal(self) -> NDArray[np.bool_]:
        """Which elements of theta stand on the diagonal, shape (m,)."""
        return np.asarray(self.row == self.column)

    def matrices(self, theta: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """The matrices T_f of each factor, shapes (R, K_f, K_f), of thetas of shape (R, m)."""
        made = []
        for f, factor in enumerate(self.factors):
            matrix = np.zeros((len(theta), factor.width, factor.width))
            own = self.factor_of == f if len(self.factors) > 1 else slice(None)
            matrix[:, self.row[own], self.column[own]] = theta[:, own]
            made.append(matrix)
        return made

    def theta(self, matrices: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """The elements of theta of the matrices T_f, shape (R, m)."""
        theta = np.empty((len(matrices[0]), len(self.row)))
        for f, matrix in enumerate(matrices):
            own = self.factor_of == f
            theta[:, own] = matrix[:, self.row[own], self.column[own]]
        return theta


def layout_of(terms: Sequence[RandomTerm]) -> Layout:
    """The factors of these terms, and where their thetas stand."""
    by_group: dict[str, list[int]] = {}
    for position, term in enumerate(terms):
        by_group.setdefault(term.group, []).append(position)
    factors = sorted((_factor(terms, own) for own in by_group.values()), key=lambda f: -f.size)
    total = terms[-1].thetas.stop
    factor_of, row, column = (np.empty(total, dtype=np.intp) for _ in range(3))
    for f, factor in enumerate(factors):
        for position, place in zip(factor.terms, factor.places, strict=True):
            term = terms[position]
            k = len(term.names)
            rows, columns = lower_triangle_places(k)
            factor_of[term.thetas] = f
            row[term.thetas], column[term.thetas] = rows + place.start, columns + place.start
    same = (factor_of[:, None] == factor_of) & (column[:, None] == column)
    return Layout(
        factors=tuple(factors), factor_of=factor_of, row=row, column=column, same_column=same
    )


def _factor(terms: Sequence[RandomTerm], own: list[int]) -> Factor:
    places = []
    start = 0
    for position in own:
        width = len(terms[position].names)
        places.append(slice(start, start + width))
        start += width
    first = terms[own[0]]
    return Factor(
        group=first.group,
        terms=tuple(own),
        places=tuple(places),
        width=start,
        levels=len(first.levels),
        codes=first.codes,
    )


def gradient(
    layout: Layout, T: list[NDArray[np.float64]], M: tuple[NDArray[np.float64], ...]
) -> NDArray[np.float64]:
    """∂d/∂θ, shape (R, m)."""
    if len(T) == 1:
        product = M[0] @ T[0]
        return 2.0 * product[:, layout.row, layout.column]
    return 2.0 * layout.theta([m @ t for m, t in zip(M, T, strict=True)])


def hessian(
    layout: Layout,
    T: list[NDArray[np.float64]],
    M: tuple[NDArray[np.float64], ...],
    form: NDArray[np.float64],
) -> NDArray[np.float64]:
    """∂²d/∂θ², shape (R, m, m)."""
    R = len(form)
    widths = [t.shape[1] for t in T]
    starts = np.cumsum([0, *(k * k for k in widths)])
    if len(T) == 1:
        kept = _contracted(form, T[0], T[0])[:, layout.row, layout.column]
        result: NDArray[np.float64] = 4.0 * kept[..., layout.row, layout.column]
        result += np.where(layout.same_column, 2.0 * M[0][:, layout.row[:, None], layout.row], 0.0)
        return result
    m = len(layout.row)
    result = np.zeros((R, m, m))
    for f, left in enumerate(T):
        own = np.flatnonzero(layout.factor_of == f)
        for g, right in enumerate(T):
            other = np.flatnonzero(layout.factor_of == g)
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
