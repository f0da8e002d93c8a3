"""Blocks of responses, fitted by workers, with a progress bar and a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from pylme.responses.estimates import Estimates
from pylme.simulation.workers.delivery import delivered
from pylme.warning_scopes import Carried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylme.responses.design import SharedDesign
    from pylme.responses.sources import Columns
    from pylme.responses.store import ResponseStore

__all__ = ["Batches", "estimates_of"]

#: Responses of a block: enough for one batch, few enough for a progress bar and a store.
_OF_A_BATCH: Final = 4000
_ONE_BY_ONE: Final = 200
#: How many numbers the responses of a block may contain.
_MOST_NUMBERS: Final = 4_000_000


class Batches(Protocol):
    """What fits a block of responses."""

    @property
    def batched(self) -> bool:
        """Whether the responses of a block are fitted at once."""
        ...

    def fit(self, Y: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> Estimates:
        """The fits of responses of shape (R, n), with weights of their own or without."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Task:
    """One block, for a worker."""

    batches: Batches
    first: int
    Y: NDArray[np.float64]
    weights: NDArray[np.float64] | None


def estimates_of(
    batches: Batches,
    design: SharedDesign,
    responses: Columns,
    weights: Columns | None,
    *,
    n_jobs: int | None,
    progress: bool,
    store: ResponseStore | None,
) -> Estimates:
    """The fits of all responses, in their order.

    Parameters
    ----------
    batches : Batches
    design : SharedDesign
    responses : Columns
    weights : Columns or None
        Of each response.
    n_jobs : int or None
        As in joblib.
    progress : bool
    store : ResponseStore or None
        Where blocks are kept and looked up.
    """
    count = len(responses.names)
    size = block_size(design.table.nrow, batched=batches.batched)
    blocks = [(first, min(first + size, count)) for first in range(0, count, size)]
    kept: dict[int, Estimates] = {}

    def tasks() -> Iterator[_Task]:
        for first, stop in blocks:
            Y = design.rows_of(responses.take(first, stop))
            w = None if weights is None else design.rows_of(weights.take(first, stop))
            task = _Task(batches=batches, first=first, Y=Y, weights=w)
            known = None if store is None else store.kept(first, stop, Y, w)
            if known is None:
                yield task
            else:
                kept[first] = known

    found = delivered(Carried(_fitted), tasks(), n_jobs=n_jobs)
    for first, own in _shown(found, count, progress=progress):
        kept[first] = own
        if store is not None:
            store.write(first, own)
    return Estimates.joined([kept[first] for first, _ in blocks])


def block_size(rows: int, *, batched: bool) -> int:
    """How many responses are read and fitted together."""
    most = _OF_A_BATCH if batched else _ONE_BY_ONE
    return max(1, min(most, _MOST_NUMBERS // max(rows, 1)))


def _fitted(task: _Task) -> tuple[int, Estimates]:
    return task.first, task.batches.fit(task.Y, task.weights)


def _shown(
    found: Iterator[tuple[int, Estimates]], count: int, *, progress: bool
) -> Iterator[tuple[int, Estimates]]:
    if not progress:
        yield from found
        return
    from tqdm.auto import tqdm

    with tqdm(total=count, unit="response", desc="many responses") as bar:
        for first, own in found:
            yield first, own
            bar.update(len(own))
