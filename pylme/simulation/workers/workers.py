"""Shards done by worker processes, whose death neither ends the work nor is met again.

Which replicate ended a worker is not known: its pool ends with it, and other shards were begun too.
So each shard that was begun is done once more, in a process of its own. One that ends that process
as well is divided into its replicates, and a replicate that ends its process by itself becomes a
failed fit. The rest goes on in a new pool.
"""

from __future__ import annotations

import os
import pickle
import re
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from joblib import Parallel, delayed, effective_n_jobs
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from joblib.parallel import get_active_backend

from pylme.errors import OptionError, WorkerError
from pylme.lme4.start import prefer_reference_blas
from pylme.simulation.estimate.block import stacked
from pylme.simulation.estimate.record import failure
from pylme.simulation.workers.parent import born_of, end_with
from pylme.simulation.workers.shards import blocks_of_shard
from pylme.warning_scopes import Carried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylme.simulation.estimate.block import Block
    from pylme.simulation.workers.shards import Work

    Shard = tuple[int, int]

__all__ = ["done"]


def done(
    work: Work, shards: list[Shard], *, n_jobs: int | None, reference_blas: bool = False
) -> Iterator[tuple[Shard, list[Block]]]:
    """The fits of each shard, in the order in which they are done.

    Parameters
    ----------
    work : Work
    shards : list of (int, int)
        Replicates, from and to.
    n_jobs : int or None
        As joblib has it.
    reference_blas : bool
        Whether R shall run on the reference BLAS, in processes that are made for that: a running R
        keeps the BLAS that it has.

    Raises
    ------
    OptionError
        If the work cannot be copied to other processes, or the backend that is set for joblib
        gives results at the end alone.
    """
    waiting = list(shards)
    pool = _on_reference_blas if reference_blas else _by_joblib
    while waiting:
        begun: list[Shard] = []
        with TemporaryDirectory(prefix="pylme-", ignore_cleanup_errors=True) as folder:
            try:
                with _errors_told(n_jobs):
                    for shard, blocks in pool(work, waiting.copy(), n_jobs, folder):
                        waiting.remove(shard)
                        yield shard, blocks
            except TerminatedWorkerError:
                begun = [shard for shard in waiting if _mark(folder, shard).exists()]
                begun = begun or waiting[:1]
        for shard, blocks in _alone(work, begun, reference_blas=reference_blas):
            waiting.remove(shard)
            yield shard, blocks


def _by_joblib(
    work: Work, shards: list[Shard], n_jobs: int | None, folder: str
) -> Iterator[tuple[Shard, list[Block]]]:
    # A generator, so that rows go to disk while others are still at work.
    # One shard at a time: joblib's own batches would leave workers idle at the end.
    backend, _ = get_active_backend()
    if not backend.supports_return_generator:
        name = type(backend).__name__.removesuffix("Backend").lower()
        raise OptionError(
            option="the backend of joblib",
            value=name,
            allowed="one that hands over results as they are done, such as "
            "joblib.parallel_config(backend='loky') or backend='threading'",
        )
    parallel = Parallel(
        n_jobs=n_jobs, return_as="generator_unordered", batch_size=1, **_initializer()
    )
    task = Carried(_blocks)
    yield from parallel(delayed(task)(work, shard, os.getpid(), folder) for shard in shards)


def _initializer() -> dict[str, Any]:
    """What lets joblib's own workers watch their parent before the first task reaches them."""
    backend, _ = get_active_backend()
    parameters = signature(Parallel).parameters.values()
    takes_more = any(each.kind is each.VAR_KEYWORD for each in parameters)
    if type(backend).__name__ != "LokyBackend" or not takes_more:
        return {}
    return {"initializer": born_of, "initargs": (os.getpid(),)}


def _on_reference_blas(
    work: Work, shards: list[Shard], n_jobs: int | None, folder: str
) -> Iterator[tuple[Shard, list[Block]]]:
    with _executor(effective_n_jobs(n_jobs), reference_blas=True) as pool:
        futures = [pool.submit(_blocks, work, shard, os.getpid(), folder) for shard in shards]
        for future in as_completed(futures):
            yield future.result()


@contextmanager
def _executor(workers: int, *, reference_blas: bool) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(
        max_workers=workers,
        initializer=partial(_started, reference_blas=reference_blas),
        initargs=(os.getpid(),),
    )
    try:
        yield pool
    except BaseException:
        # Such as Ctrl-C: what is at work would be waited for.
        pool.shutdown(wait=True, kill_workers=True)
        raise
    pool.shutdown(wait=True)


@contextmanager
def _errors_told(n_jobs: int | None) -> Iterator[None]:
    """What cannot be copied, told as such; the death of a worker is let through."""
    try:
        yield
    except TerminatedWorkerError:
        raise
    except (pickle.PicklingError, BrokenProcessPool) as error:
        # The cause ends with the quotation marks around its own traceback.
        reason = str(error.__cause__ or error).strip(' "\n').splitlines()[-1]
        raise OptionError(
            option="n_jobs",
            value=n_jobs,
            allowed="1 here: the functions or data cannot be copied to another process "
            f"({reason.strip()})",
        ) from error


def _alone(
    work: Work, shards: list[Shard], *, reference_blas: bool
) -> Iterator[tuple[Shard, list[Block]]]:
    """Shards one by one in a process of their own; a replicate that ends it is a failed fit."""
    waiting = list(shards)
    while waiting:
        try:
            with _executor(1, reference_blas=reference_blas) as pool:
                while waiting:
                    future = pool.submit(_blocks, work, waiting[0], os.getpid(), None)
                    shard, blocks = future.result()
                    waiting.pop(0)
                    yield shard, blocks
        except TerminatedWorkerError as error:
            first, stop = shard = waiting.pop(0)
            if stop - first == 1:
                yield shard, _failed(work, first, error)
                continue
            single = [(i, i + 1) for i in range(first, stop)]
            each = _alone(work, single, reference_blas=reference_blas)
            yield shard, [block for _, blocks in each for block in blocks]


def _started(parent: int, *, reference_blas: bool) -> None:
    """What a worker does first."""
    born_of(parent)
    if reference_blas:
        prefer_reference_blas()


def _blocks(work: Work, shard: Shard, parent: int, folder: str | None) -> tuple[Shard, list[Block]]:
    """What a worker does."""
    end_with(parent)
    mark = None if folder is None else _mark(folder, shard)
    # On another machine there is no such folder, and nobody looks there.
    with suppress(OSError):
        if mark is not None:
            mark.touch()
    blocks = blocks_of_shard(work, *shard)
    with suppress(OSError):
        if mark is not None:
            mark.unlink()
    return shard, blocks


def _mark(folder: str, shard: Shard) -> Path:
    """The file that is there while a shard is at work."""
    return Path(folder, "{}-{}".format(*shard))


def _failed(work: Work, replicate: int, error: Exception) -> list[Block]:
    """The failed fits of a replicate that ended its worker."""
    codes = re.search(r"exit codes of the workers are \{(.*)\}", str(error))
    told = WorkerError(replicate=replicate, exit_code=codes[1] if codes else None)
    return [
        stacked(name, [failure(told, seconds=float("nan"))], first=replicate) for name in work.names
    ]
