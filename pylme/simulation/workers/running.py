"""Process all shards, with a progress bar; keep those of a study on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pylme.simulation.workers.shards import shards
from pylme.simulation.workers.workers import done

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pylme.simulation.estimate.block import Block
    from pylme.simulation.store.directory import Store
    from pylme.simulation.workers.job import Job
    from pylme.simulation.workers.shards import Work

    Shard = tuple[int, int]

__all__ = ["blocks", "run"]


def blocks(work: Work, n: int, *, n_jobs: int | None, progress: bool) -> list[Block]:
    """The fits to all replicates, in their order.

    Parameters
    ----------
    work, n, n_jobs, progress
        As for `run`.
    """
    all_shards = shards(work, n)
    working = done(work, all_shards, n_jobs=n_jobs)
    found = dict(_shown(working, all_shards, n, progress=progress, called="bootstrap"))
    return [block for shard in all_shards for block in found[shard]]


def run(
    work: Job,
    n: int,
    *,
    n_jobs: int | None,
    progress: bool,
    store: Store | None,
    reference_blas: bool,
) -> pd.DataFrame:
    """The rows of all replicates, in the order of replicates and models.

    Parameters
    ----------
    work : Job
    n : int
        Replicates.
    n_jobs : int or None
        As in joblib; None means one, or the setting of an active `joblib.parallel_config`.
    progress : bool
        Whether to show a bar, in a terminal or a notebook.
    store : Store or None
        Where shards are kept and looked up.
    reference_blas : bool
        Whether R runs on the reference BLAS.
    """
    all_shards = shards(work, n)
    kept: dict[Shard, pd.DataFrame] = {} if store is None else store.kept(all_shards)
    missing = [shard for shard in all_shards if shard not in kept]
    if missing and store is not None:
        store.require_writable()
    working = done(work, missing, n_jobs=n_jobs, reference_blas=reference_blas)
    for shard, found in _shown(working, missing, n, progress=progress, called="study"):
        rows = pd.concat([block.to_frame() for block in found], ignore_index=True)
        kept[shard] = rows
        if store is not None:
            store.write(*shard, rows)
    return _sorted(pd.concat([kept[shard] for shard in all_shards], ignore_index=True), work.names)


def _shown(
    working: Iterable[tuple[Shard, list[Block]]],
    missing: list[Shard],
    n: int,
    *,
    progress: bool,
    called: str,
) -> Iterator[tuple[Shard, list[Block]]]:
    """The same, with a progress bar."""
    if not progress:
        yield from working
        return
    from tqdm.auto import tqdm

    there = n - sum(stop - first for first, stop in missing)
    with tqdm(total=n, initial=there, unit="replicate", desc=called) as bar:
        for (first, stop), found in working:
            yield (first, stop), found
            bar.update(stop - first)


def _sorted(rows: pd.DataFrame, models: tuple[str, ...]) -> pd.DataFrame:
    place = {name: i for i, name in enumerate(models)}
    model = np.array([place[name] for name in rows["model"]])
    order = np.lexsort((model, rows["replicate"].to_numpy()))
    return rows.iloc[order].reset_index(drop=True)
