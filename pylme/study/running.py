"""Shards done: here or by joblib's workers, with a progress bar; those of a study kept on disk."""

from __future__ import annotations

from concurrent.futures import as_completed
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs
from joblib.externals.loky import ProcessPoolExecutor

from pylme.lme4.reference_blas import prefer_reference_blas
from pylme.study.shards import blocks_of_shard, rows_of_shard, shards
from pylme.warning_scopes import Carried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pylme.study.block import Block
    from pylme.study.job import Job
    from pylme.study.shards import Work
    from pylme.study.store import Store

    Shard = tuple[int, int]

__all__ = ["blocks", "run"]

T = TypeVar("T")


def blocks(work: Work, n: int, *, n_jobs: int | None, progress: bool) -> list[Block]:
    """The fits to all replicates, in their order.

    Parameters
    ----------
    work, n, n_jobs, progress
        As for `run`.
    """
    all_shards = shards(work, n)
    working = _done(work, all_shards, n_jobs, blocks_of_shard)
    done = dict(_shown(working, all_shards, n, progress=progress, called="bootstrap"))
    return [block for shard in all_shards for block in done[shard]]


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
        As joblib has it; None is one, or what an active `joblib.parallel_config` says.
    progress : bool
        Whether to show a bar, in a terminal or a notebook.
    store : Store or None
        Where shards are kept, and looked for.
    reference_blas : bool
        Whether R shall run on the reference BLAS.
    """
    all_shards = shards(work, n)
    done: dict[Shard, pd.DataFrame] = {} if store is None else store.kept(all_shards)
    missing = [shard for shard in all_shards if shard not in done]
    if missing and store is not None:
        store.require_writable()
    doing = _on_reference_blas if reference_blas else _done
    working = doing(work, missing, n_jobs, rows_of_shard)
    for shard, rows in _shown(working, missing, n, progress=progress, called="study"):
        done[shard] = rows
        if store is not None:
            store.write(*shard, rows)
    frames = [done[shard] for shard in all_shards]
    return _sorted(pd.concat(frames, ignore_index=True), list(work.models))


def _done(
    work: Work, missing: list[Shard], n_jobs: int | None, task: Callable[[Work, int, int], T]
) -> Iterator[tuple[Shard, T]]:
    """The shards in the order in which they are done."""
    # A generator, so that rows go to disk while others are still at work.
    # One shard at a time: joblib's own batches would leave workers idle at the end.
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered", batch_size=1)
    yield from parallel(delayed(Carried(_shard))(task, work, shard) for shard in missing)


def _on_reference_blas(
    work: Work, missing: list[Shard], n_jobs: int | None, task: Callable[[Work, int, int], T]
) -> Iterator[tuple[Shard, T]]:
    """The shards, from processes that are made for them: a running R keeps the BLAS it has."""
    if not missing:
        return
    with ProcessPoolExecutor(
        max_workers=effective_n_jobs(n_jobs), initializer=prefer_reference_blas
    ) as pool:
        waiting = [pool.submit(_shard, task, work, shard) for shard in missing]
        for done in as_completed(waiting):
            yield done.result()


def _shard(task: Callable[[Work, int, int], T], work: Work, shard: Shard) -> tuple[Shard, T]:
    return shard, task(work, *shard)


def _shown(
    done: Iterable[tuple[Shard, T]], missing: list[Shard], n: int, *, progress: bool, called: str
) -> Iterator[tuple[Shard, T]]:
    """The same, counted in a bar."""
    if not progress:
        yield from done
        return
    from tqdm.auto import tqdm

    there = n - sum(stop - first for first, stop in missing)
    with tqdm(total=n, initial=there, unit="replicate", desc=called) as bar:
        for (first, stop), found in done:
            yield (first, stop), found
            bar.update(stop - first)


def _sorted(rows: pd.DataFrame, models: list[str]) -> pd.DataFrame:
    place = {name: i for i, name in enumerate(models)}
    model = np.array([place[name] for name in rows["model"]])
    order = np.lexsort((model, rows["replicate"].to_numpy()))
    return rows.iloc[order].reset_index(drop=True)
