"""Dense or sparse: how the remainder is kept, by the memory and the time that each way takes.

A small remainder is dense. A large one is sparse where that is quicker, which is known once the
structure of its factor is, or where a dense one does not fit into memory. What fits neither way is
refused with the bytes that the smaller of the two needs, before they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from scipy import sparse

from pylme.errors import TooLargeError
from pylme.reference.dense_elimination import dense_bytes, dense_elimination
from pylme.reference.memory import available_bytes
from pylme.reference.sparse_coupling import coefficient_bytes
from pylme.reference.sparse_elimination import sparse_elimination, sparse_plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pylme.reference.cells import Cells
    from pylme.reference.dense_elimination import DenseElimination
    from pylme.reference.remainder import Remainder
    from pylme.reference.sparse_elimination import SparseElimination

__all__ = ["Storage", "stored"]

Storage: TypeAlias = Literal["dense", "sparse"]

#: Up to so many random effects a dense remainder takes a few milliseconds at most.
SMALL: Final = 500
#: Where more than this part of all pairs of levels occur, hardly anything is left to save.
CROWDED: Final = 0.04
#: What a dense evaluation takes for each of the q₂³, in seconds, with one thread.
DENSE_SECONDS: Final = 5e-11


def stored(
    parts: Sequence[Cells],
    products: Mapping[tuple[int, int], Cells],
    remainder: Remainder,
    *,
    shape: tuple[int, int],
    storage: Storage | None = None,
    available: float | None = None,
) -> DenseElimination | SparseElimination:
    """The remainder in the better way.

    Parameters
    ----------
    parts : sequence of Cells
        Of the leading factor with each of the others: B.
    products : mapping of (f, g) to Cells
        Of the others with each other, f ≤ g: Z₂ᵀZ₂.
    remainder : Remainder
    shape : tuple of int
        K and J of the leading factor.
    storage : {"dense", "sparse"}, optional
        The way to take; None for the better one.
    available : float, optional
        The bytes that it may take; None for those that there are.

    Raises
    ------
    TooLargeError
        If it does not fit.
    """
    limit = float(available_bytes() if available is None else available)
    q2 = remainder.size
    needed = {}
    dense = False
    if storage != "sparse":
        needed["dense"] = dense_bytes(parts, remainder, shape=shape, limit=limit)
        dense = needed["dense"] <= limit
    if storage is None and dense and (q2 <= SMALL or _is_crowded(parts, remainder)):
        storage = "dense"
    if storage != "dense":
        needed["sparse"] = coefficient_bytes(parts, shape=shape)
        if needed["sparse"] <= limit:
            plan = sparse_plan(parts, products, remainder, shape=shape)
            needed["sparse"] = plan.bytes
            quicker = not dense or plan.layout.seconds < DENSE_SECONDS * float(q2) ** 3
            if plan.bytes <= limit and quicker:
                return sparse_elimination(plan, parts, remainder)
    if dense:
        return dense_elimination(parts, products, remainder, shape=shape, limit=limit)
    raise TooLargeError(
        asked=f"Fitting a model with {q2 + shape[0] * shape[1]:,} random effects",
        needed=int(min(needed.values())),
        available=int(limit),
    )


def _is_crowded(parts: Sequence[Cells], remainder: Remainder) -> bool:
    """Whether many of all pairs of the remainder's levels occur within one of the leading factor.

    So many of the leading levels are looked at, evenly spread, that a fifth of all pairs would be
    found if each pair that is met were a new one.
    """
    levels = sum(remainder.levels)
    starts = np.cumsum([0, *remainder.levels])
    rows = np.concatenate([part.rows for part in parts])
    columns = np.concatenate(
        [start + part.columns for start, part in zip(starts, parts, strict=False)]
    )
    counts = np.bincount(rows).astype(np.float64)
    every = int(counts @ counts / (0.2 * float(levels) ** 2)) + 1
    chosen = rows % every == 0
    seen = np.ones(int(chosen.sum()), dtype=np.float32)
    met = sparse.csr_array(
        (seen, (rows[chosen] // every, columns[chosen])), shape=(len(counts) // every + 1, levels)
    )
    return bool((met.T @ met).nnz > CROWDED * float(levels) ** 2)
