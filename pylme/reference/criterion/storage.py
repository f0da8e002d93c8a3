"""Dense or sparse: how the remainder is kept, by the memory and the time that each way takes.

A small remainder is dense. A large one is sparse where that is quicker, which is known once the
structure of its factor is, or where a dense one does not fit into the memory that the system says
is available. What fits neither way is refused, before any memory is allocated, with the bytes that
the smaller of the two needs.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from pylme.errors import TooLargeError
from pylme.reference.criterion.dense_elimination import dense_elimination, dense_plan
from pylme.reference.criterion.sparse_elimination import sparse_elimination, sparse_plan
from pylme.reference.problem.sparse_coupling import coefficient_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pylme.reference.criterion.dense_elimination import DenseElimination
    from pylme.reference.criterion.sparse_elimination import SparseElimination
    from pylme.reference.problem.cells import Cells
    from pylme.reference.problem.remainder import Remainder

__all__ = ["Storage", "available_bytes", "stored"]

Storage: TypeAlias = Literal["dense", "sparse"]
#: Up to this many random effects, a dense remainder takes a few milliseconds at most.
SMALL: Final = 500
#: If more than this part of all pairs of levels occur together, the factor has hardly any zeros.
CROWDED: Final = 0.04
#: Seconds that a dense evaluation takes for each of the q₂³ operations, with one thread.
DENSE_SECONDS: Final = 5e-11
#: Assumed if the system does not report its memory.
UNKNOWN: Final = 4 * 2**30
_MEMINFO: Final = Path("/proc/meminfo")
_CONTAINER: Final = Path("/sys/fs/cgroup")


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
    dense = dense_plan(parts, remainder, shape=shape, limit=limit)
    needed = [dense.bytes] if storage != "sparse" else []
    fits = storage != "sparse" and dense.bytes <= limit
    if storage is None and ((fits and q2 <= SMALL) or _is_crowded(parts, remainder)):
        storage = "dense"
    if storage != "dense":
        needed.append(int(coefficient_bytes(parts, shape=shape)[0]))
        if needed[-1] <= limit:
            plan = sparse_plan(parts, products, remainder, shape=shape)
            needed[-1] = plan.bytes
            quicker = not fits or plan.layout.seconds < DENSE_SECONDS * float(q2) ** 3
            if plan.bytes <= limit and quicker:
                return sparse_elimination(plan, parts, remainder)
    if fits:
        return dense_elimination(dense, parts, products, remainder, shape=shape)
    raise TooLargeError(
        asked=f"Fitting a model with {q2 + shape[0] * shape[1]:,} random effects",
        needed=min(needed),
        available=int(limit),
    )


def _is_crowded(parts: Sequence[Cells], remainder: Remainder) -> bool:
    """Whether so many of all pairs of levels meet, and tie them together, that none are spared.

    Two levels meet where one level of the leading factor occurs with both. Of the leading levels so
    many are examined, evenly spread, that a fifth of all pairs would be found if no pair were met
    twice, or ten million pairs. If few are met twice, the others are taken to meet at random.
    """
    levels = sum(remainder.levels)
    starts = np.cumsum([0, *remainder.levels])
    rows = np.concatenate([part.rows for part in parts])
    columns = np.concatenate(
        [start + part.columns for start, part in zip(starts, parts, strict=False)]
    )
    counts = np.bincount(rows).astype(np.float64)
    all_pairs, meetings = float(levels) ** 2, float(counts @ counts)
    every = int(meetings / min(0.2 * all_pairs, 1e7)) + 1
    chosen = rows % every == 0
    seen = np.ones(int(chosen.sum()), dtype=np.float32)
    occur = sparse.csr_array(
        (seen, (rows[chosen] // every, columns[chosen])), shape=(len(counts) // every + 1, levels)
    )
    met = occur.T @ occur
    pairs = float(met.nnz)
    if every > 1 and pairs > 0.5 * float((counts[::every] ** 2).sum()):
        pairs = -all_pairs * np.expm1(-meetings / all_pairs)
    if pairs <= CROWDED * all_pairs:
        return False
    _, component = connected_components(met, directed=False)
    return bool(2 * np.bincount(component).max() > levels)


def available_bytes() -> int:
    """The bytes that can be had without swapping, within the limit of a container if there is one.

    Linux says it; elsewhere it is half of the physical memory, or 4 GiB where even that is unknown.
    """
    found = [size for size in (_of_system(), _of_container()) if size is not None]
    return min(found, default=UNKNOWN)


def _of_system() -> int | None:
    with suppress(OSError, ValueError, StopIteration):
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(line.split()[1]) * 1024
    with suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return None


def _of_container() -> int | None:
    """What control groups (version 2) leave; the word "max" stands where they set no limit."""
    with suppress(OSError, ValueError):
        limit = int((_CONTAINER / "memory.max").read_text(encoding="ascii"))
        used = int((_CONTAINER / "memory.current").read_text(encoding="ascii"))
        # Files that were read are counted as used, and given up where memory is needed.
        lines = (_CONTAINER / "memory.stat").read_text(encoding="ascii").splitlines()
        kept = sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
        return max(limit - used + kept, 0)
    return None
