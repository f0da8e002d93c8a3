"""How the equations of several grouping factors are kept: densely, or as sparse matrices.

The first factor, with most effects, is eliminated level by level. What is left of the others is a
dense matrix where it is small or hardly has zeros, and sparse where that is quicker or where a
dense one is too large.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.errors import TooLargeError
from pylme.reference.criterion.storage import available_bytes
from pylme.reference.generalized.algebra.meetings import meeting_of
from pylme.reference.generalized.algebra.several_factors import SeveralFactorsAlgebra
from pylme.reference.generalized.algebra.sparse_rest import OF_PRODUCT, pairs_of, sparse_rest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.reference.generalized.algebra.sparse_rest import SparseRest
    from pylme.reference.problem.layout import GroupingFactor, Layout

__all__ = ["several_factors_of"]

#: Where more than this part of the pairs of levels meet, the coupling is stored densely.
DENSE: Final = 0.2
#: Up to this many effects of the other factors a dense matrix takes a few milliseconds at most.
SMALL: Final = 500
#: The most for which a dense one is tried.
MOST_DENSE: Final = 8000
#: Bytes of a dense evaluation for each of the q₂², and seconds for each of the q₂³.
DENSE_BYTES: Final = 48
DENSE_SECONDS: Final = 5e-11
#: Bytes of products beyond which a sparse remainder is not looked into where a dense one serves.
SAFE: Final = 2e9


def several_factors_of(
    layout: Layout, columns: Sequence[NDArray[np.float64]]
) -> SeveralFactorsAlgebra:
    """The algebra of a layout of several factors, the one with most effects first.

    Parameters
    ----------
    layout : Layout
    columns : sequence of ndarray, shapes (n, k_t)
        The columns of each term, in the order of the terms.
    """
    factors = layout.factors
    order = np.argsort(factors[0].codes, kind="stable")
    codes = [factor.codes[order].astype(np.intp) for factor in factors]
    z = [
        np.ascontiguousarray(np.concatenate([columns[t].T for t in factor.terms])[:, order])
        for factor in factors
    ]
    levels = [factor.levels for factor in factors]
    meetings = tuple(meeting_of(codes, levels, 0, g) for g in range(1, len(factors)))
    rest = tuple(
        meeting_of(codes, levels, f, g) for f in range(1, len(factors)) for g in range(1, f + 1)
    )
    q2 = sum(factor.size for factor in factors[1:])
    filled = sum(len(m.at) * factors[m.g].width for m in meetings)
    sizes = [factor.size for factor in factors[1:]]
    algebra = SeveralFactorsAlgebra(
        order=order, codes=codes, starts=np.searchsorted(codes[0], np.arange(levels[0])), z=z,
        levels=levels, meetings=meetings, rest=rest,
        offsets=[0, 0, *np.cumsum(sizes).tolist()],
        dense=filled > DENSE * levels[0] * q2 and q2 <= MOST_DENSE,
    )  # fmt: skip
    if algebra.dense:
        return algebra
    return replace(algebra, pattern=_pattern(algebra), sparse=_sparse(algebra, factors))


def _sparse(algebra: SeveralFactorsAlgebra, factors: Sequence[GroupingFactor]) -> SparseRest | None:
    """The sparse remainder, where it is quicker than a dense one or that would be too large.

    Raises
    ------
    TooLargeError
        If neither fits into the memory that there is.
    """
    q2 = algebra.offsets[-1]
    if q2 <= SMALL:
        return None
    widths = [factor.width for factor in factors]
    limit = float(available_bytes())
    dense = q2 <= MOST_DENSE and DENSE_BYTES * float(q2) ** 2 <= limit
    products = OF_PRODUCT * pairs_of(algebra.meetings, widths, algebra.levels[0])
    if products <= limit and not (dense and products > SAFE):
        found = sparse_rest(algebra.meetings, algebra.rest, widths, algebra.levels, algebra.offsets)
        quicker = not dense or found.layout.seconds < DENSE_SECONDS * float(q2) ** 3
        if found.bytes <= limit and quicker:
            return found
        products = found.bytes
    if dense:
        return None
    raise TooLargeError(
        asked=f"Fitting a generalized model with {sum(f.size for f in factors):,} random effects",
        needed=int(products), available=int(limit),
    )  # fmt: skip


def _pattern(algebra: SeveralFactorsAlgebra) -> tuple[NDArray[np.intp], ...]:
    """The compressed rows of the coupling, and which entry each element is."""
    K, J = algebra.shapes[0]
    rows, columns = [], []
    for m, start in zip(algebra.meetings, algebra.offsets[1:], strict=False):
        for a in range(K):
            for b in range(len(algebra.z[m.g])):
                rows.append(a * J + m.at)
                columns.append(start + b * algebra.levels[m.g] + m.to)
    row, column = np.concatenate(rows), np.concatenate(columns)
    source = np.lexsort((column, row))
    indptr = np.searchsorted(row[source], np.arange(K * J + 1))
    return indptr, column[source], source
