"""The cross products from which a problem is prepared: all that a linear mixed model needs of rows.

With the well-conditioned columns of X and Z, the responses y, all times the roots of the weights,

    [X y]ᵀ[X y]    Z_jᵀ[Z_j X y] within each level j of a factor    Z_fᵀZ_g by pairs of levels

are additive over rows (Bates, Mächler, Bolker & Walker 2015, section 3.4, for what they enter).
They are summed column pair by column pair, so that memory is that of one column.

Levels with the same Z_jᵀZ_j and Z_jᵀX_j form a *pattern*. They share a factorisation, and of their
responses only the sum and the second moments enter the criterion. In a balanced design all levels
of a kind fall together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pylme.reference.problem.cells import Cells, cells
from pylme.reference.problem.columns import Columns

if TYPE_CHECKING:
    from typing import Self

    from pylme.reference.problem.layout import GroupingFactor, Layout

__all__ = [
    "FAR",
    "LITTLE",
    "Sums",
    "base_tables",
    "clear_rounding",
    "fixed_products",
    "merged",
    "patterns",
    "products",
    "response_tables",
    "within_levels",
]

#: Tables are the same if they differ by less than this part of the largest: the order of the rows
#: leaves rounding errors in the sums.
SAME: Final = 1e-12
#: A standard deviation relative to the residual's that counts as large.
FAR: Final = 1e4
#: Where less than this part of a column's square is left, a difference of squares loses digits.
LITTLE: Final = 1e-3
#: A sum of squares, relative to the largest that it could be, that is summed again from the rows.
#: What is left of a column, relative to its largest value, that is rounding error.
VANISHED: Final = 1e-14
DOUBTFUL: Final = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sums:
    """The cross products of a model with one or several grouping factors.

    Rows are still needed behind it where sums alone lose digits: `columns` is the hook for that.
    It serves orthonormal bases within levels (`LevelBasis`), what is left of columns of which the
    effects explain nearly everything, and the recentring of responses in `prepare`. Sums that come
    without rows, as from a query that groups and adds, will need other ways for these three.

    Attributes
    ----------
    gram : ndarray, shape (R, p + 1, p + 1)
        [X y]ᵀ[X y] for each response.
    levels : tuple of ndarray, shapes (K_f + p, K_f, J_f)
        Z_jᵀ[Z_j X] within each level of a factor. Of several factors the leading one's, which are
        those of a basis, are left out.
    responses : tuple of ndarray, shapes (R, K_f, J_f)
        Z_jᵀy within each level, of the same factors.
    cells : mapping of (f, g) to Cells
        Z_fᵀZ_g, f ≤ g, of all factors but the leading one, numbered from 0.
    columns : Columns
        What they were summed from.
    """

    gram: NDArray[np.float64]
    levels: tuple[NDArray[np.float64], ...]
    responses: tuple[NDArray[np.float64], ...]
    cells: Mapping[tuple[int, int], Cells]
    columns: Columns

    @classmethod
    def of(cls, columns: Columns, layout: Layout) -> Self:
        """The sums over the rows of arrays."""
        G = len(layout.factors)
        numbers = range(1, G) if G > 1 else range(1)
        levels, responses = [], []
        for f in numbers:
            factor = layout.factors[f]
            levels.append(within_levels(columns, f, base_tables(columns, factor, f)))
            responses.append(response_tables(columns, factor, f))
        gram = fixed_products(columns)
        if G == 1:
            clear_rounding(columns, layout.factors[0], 0, levels[0], responses[0])
        between = {
            (f - 1, g - 1): cells(columns, layout, f, g) for f in range(1, G) for g in range(f, G)
        }
        return cls(
            gram=gram,
            levels=tuple(levels),
            responses=tuple(responses),
            cells=between,
            columns=columns,
        )


def base_tables(columns: Columns, factor: GroupingFactor, f: int) -> NDArray[np.float64]:
    """Z_fᵀ base within each level, shape (K, b, J)."""
    base = columns.base
    B = columns.z_of_base[f]
    used = np.flatnonzero(np.any(B != 0, axis=1)).tolist()
    tables = np.empty((len(used), len(base), factor.levels))
    for i, a in enumerate(used):
        for c in range(len(base)):
            if c in used[:i]:
                tables[i, c] = tables[used.index(c), a]
            else:
                tables[i, c] = np.bincount(
                    factor.codes, weights=base[a] * base[c], minlength=factor.levels
                )
    combined = B[used].T @ tables.reshape(len(used), -1)
    return np.asarray(combined).reshape(factor.width, len(base), factor.levels)


def response_tables(columns: Columns, factor: GroupingFactor, f: int) -> NDArray[np.float64]:
    """Z_fᵀ y within each level for each response, shape (R, K, J)."""
    B = columns.z_of_base[f]
    used = np.flatnonzero(np.any(B != 0, axis=1)).tolist()
    R, n = columns.y.shape
    J = factor.levels
    if R == 1:
        y = columns.y[0]
        tables = np.empty((1, len(used), J))
        for i, a in enumerate(used):
            tables[0, i] = np.bincount(factor.codes, weights=columns.base[a] * y, minlength=J)
    else:
        rows = np.arange(n + 1)
        tables = np.empty((R, len(used), J))
        for i, a in enumerate(used):
            indicator = sparse.csr_array((columns.base[a], factor.codes, rows), shape=(n, J))
            tables[:, i] = (indicator.T @ columns.y.T).T
    combined: NDArray[np.float64] = B[used].T @ tables
    return combined


def within_levels(columns: Columns, f: int, tables: NDArray[np.float64]) -> NDArray[np.float64]:
    """Z_fᵀ[Z_f X] within each level from `base_tables`: shape (K + p, K, J), its columns first."""
    combined = np.concatenate([columns.z_of_base[f], columns.x_of_base], axis=1)
    return np.ascontiguousarray((combined.T @ tables).swapaxes(0, 1))


def fixed_products(columns: Columns) -> NDArray[np.float64]:
    """[X y]ᵀ[X y] for each response, shape (R, p + 1, p + 1)."""
    R = len(columns.y)
    B = columns.x_of_base
    p = B.shape[1]
    products = np.empty((R, p + 1, p + 1))
    products[:, :p, :p] = B.T @ (columns.base @ columns.base.T) @ B
    products[:, :p, p] = products[:, p, :p] = (columns.y @ columns.base.T) @ B
    products[:, p, p] = np.einsum("rn,rn->r", columns.y, columns.y)
    return products


@cache
def _mixture(entries: int) -> NDArray[np.float64]:
    """Fixed weights for so many entries."""
    return np.random.default_rng(0).uniform(0.5, 1.5, entries)


def patterns(within: NDArray[np.float64]) -> NDArray[np.intp] | None:
    """The pattern of each level, numbered from 0, shape (J,); None where most are alone.

    Parameters
    ----------
    within : ndarray, shape (c, K, J)
        Z_jᵀ[Z_j X] of each level.
    """
    J = within.shape[-1]
    flat = within.reshape(-1, J)
    size = float(np.abs(flat).max(initial=0.0))
    if size == 0.0:
        return np.zeros(J, dtype=np.intp)
    # A fixed combination of the entries distinguishes most different levels; what it joins
    # is compared entry by entry.
    mixture = _mixture(len(flat)) @ flat
    order = np.argsort(mixture, kind="stable")
    near = np.diff(mixture[order]) <= SAME * size * len(flat)
    if 2 * int(np.count_nonzero(near)) < J:
        return None
    kinds = np.empty(J, dtype=np.intp)
    kinds[order] = np.concatenate([[0], np.cumsum(~near)])
    first = np.full(kinds.max() + 1, J, dtype=np.intp)
    np.minimum.at(first, kinds, np.arange(J))
    alike = np.abs(flat - flat[:, first[kinds]]).max(axis=0) <= SAME * size
    return kinds if alike.all() else None


def merged(
    kinds: NDArray[np.intp], within: NDArray[np.float64], responses: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The tables of patterns from those of levels.

    Parameters
    ----------
    kinds : ndarray of int, shape (J,)
    within : ndarray, shape (K + p, K, J)
        Z_jᵀZ_j, and what belongs to the columns of X.
    responses : ndarray, shape (R, K, J)
        The same of y.

    Returns
    -------
    counts : ndarray, shape (P,)
    within : ndarray, shape (K + p, K, P)
        Those of X times the root of the count.
    responses : ndarray, shape (R, 1 + K, K, P)
        The sums over the root of the count, and a root of the second moments about the mean.
    """
    K = within.shape[1]
    counts = np.bincount(kinds).astype(np.float64)
    order = np.argsort(kinds, kind="stable")
    starts = np.searchsorted(kinds[order], np.arange(len(counts)))
    sums = np.add.reduceat(responses[..., order], starts, axis=-1)
    about = responses - (sums / counts)[..., kinds]
    products = (about[:, :, None] * about[:, None])[..., order]
    moments = np.moveaxis(np.add.reduceat(products, starts, axis=-1), -1, 1)
    # Eigenvalues are right to the rounding error of the largest: of columns of one length.
    lengths = np.sqrt(moments.diagonal(axis1=2, axis2=3))
    safe = np.where(lengths > 0, lengths, 1.0)
    values, vectors = np.linalg.eigh(moments / (safe[..., None] * safe[..., None, :]))
    roots = lengths[..., None] * vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
    representative = within[..., order[starts]]
    representative[K:] *= np.sqrt(counts)
    made = np.concatenate([(sums / np.sqrt(counts))[:, None], roots.transpose(0, 3, 2, 1)], axis=1)
    return counts, representative, made


def products(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    with_x: NDArray[np.float64],
    with_y: NDArray[np.float64],
) -> NDArray[np.float64]:
    """[x y]ᵀ[with_x with_y] for each y, shape (R, p + 1, p + 1)."""
    p, R = len(x), len(y)
    size = int(np.prod(y.shape[1:]))
    flat_y, of_x = y.reshape(R, size), with_x.reshape(p, size)
    made = np.empty((R, p + 1, p + 1))
    made[:, :p, :p] = x.reshape(p, size) @ of_x.T
    made[:, :p, p] = made[:, p, :p] = flat_y @ of_x.T
    made[:, p, p] = np.einsum("rs,rs->r", flat_y, with_y.reshape(R, size))
    return made


def clear_rounding(
    columns: Columns,
    factor: GroupingFactor,
    f: int,
    levels: NDArray[np.float64],
    responses: NDArray[np.float64],
) -> None:
    """Put zeros into the tables of columns that vanish within a level.

    A column that is a combination of others, as the indicator of one group is of the constant and
    that of another, is zero in the rows of a level only up to rounding, and its products are the
    rounding errors of sums of far larger ones. Inverted, they would stand for all that there is.

    Parameters
    ----------
    columns : Columns
    factor : GroupingFactor
    f : int
        The factor's number.
    levels, responses : ndarray, shapes (K + p, K, J) and (R, K, J)
        Of `within_levels` and `response_tables`; overwritten.
    """
    B = columns.z_of_base[f]
    K, J = factor.width, factor.levels
    size = np.abs(B).T @ np.abs(columns.base).max(axis=1)
    largest = size[:, None] ** 2 * np.bincount(factor.codes, minlength=J)
    own = levels[np.arange(K), np.arange(K)]
    doubtful = (own != 0) & (own < DOUBTFUL * largest)
    for a in np.flatnonzero(doubtful.any(axis=1)):
        row = B[:, a] @ columns.base
        exact = np.bincount(factor.codes, weights=row * row, minlength=J)
        vanish = doubtful[a] & (exact <= VANISHED**2 * largest[a])
        levels[:, a, vanish] = levels[a, :, vanish] = 0.0
        responses[:, a, vanish] = 0.0
