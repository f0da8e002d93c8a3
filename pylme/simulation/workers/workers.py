"""Shards processed by workers; a worker that dies neither stops the work nor dies twice.

Which replicate ended a worker is unknown, because its pool ends with it while other shards are in
progress. Each shard that had been started is therefore processed once more, in a process of its
own. A shard that ends this process too is divided into its replicates, and a replicate that ends
its process alone becomes a failed fit. The remaining shards continue in a new pool.
"""

from __future__ import annotations

import os
import pickle
import re
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from joblib import effective_n_jobs
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from pylme.errors import OptionError, WorkerError
from pylme.lme4.start import prefer_reference_blas
from pylme.parent_process import born_of, end_with
from pylme.simulation.estimate.block import stacked
from pylme.simulation.estimate.record import failure
from pylme.simulation.workers.delivery import delivered
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
    """The fits of each shard, in the order in which they are finished.

    Parameters
    ----------
    work : Work
    shards : list of (int, int)
        Replicates, from and to.
    n_jobs : int or None
        As in joblib.
    reference_blas : bool
        Whether R runs on the reference BLAS, in processes started for this purpose: a running R
        cannot change its BLAS.

    Raises
    ------
    OptionError
        If the work cannot be copied to other processes.
    """
    waiting = list(shards)
    pool = _on_reference_blas if reference_blas else _by_joblib
    while waiting:
        begun: list[Shard] = []
        with TemporaryDirectory(prefix="pylme-", ignore_cleanup_errors=True) as folder:
            try:
                with _copy_errors(n_jobs):
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
    # As they are finished, so that rows are written to disk while others are being computed.
    task = Carried(partial(_blocks_of, work, os.getpid(), folder))
    yield from delivered(task, shards, n_jobs=n_jobs)


def _blocks_of(work: Work, parent: int, folder: str, shard: Shard) -> tuple[Shard, list[Block]]:
    return _blocks(work, shard, parent, folder)


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
        # After Ctrl-C, for example, the pool would wait for running tasks.
        pool.shutdown(wait=True, kill_workers=True)
        raise
    pool.shutdown(wait=True)


@contextmanager
def _copy_errors(n_jobs: int | None) -> Iterator[None]:
    """An error for work that cannot be copied; the death of a worker passes through."""
    try:
        yield
    except TerminatedWorkerError:
        raise
    except (pickle.PicklingError, BrokenProcessPool) as error:
        # The last line of the cause is the closing quotation mark of its traceback.
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
    """Process shards one by one in a separate process; a replicate that ends it is a failed fit."""
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
    """Prepare a worker."""
    born_of(parent)
    if reference_blas:
        prefer_reference_blas()


def _blocks(work: Work, shard: Shard, parent: int, folder: str | None) -> tuple[Shard, list[Block]]:
    """Process one shard in a worker."""
    end_with(parent)
    mark = None if folder is None else _mark(folder, shard)
    # On another machine the folder does not exist, and its marks are not needed.
    with suppress(OSError):
        if mark is not None:
            mark.touch()
    blocks = blocks_of_shard(work, *shard)
    with suppress(OSError):
        if mark is not None:
            mark.unlink()
    return shard, blocks


def _mark(folder: str, shard: Shard) -> Path:
    """The file that exists while a shard is being processed."""
    return Path(folder, "{}-{}".format(*shard))


def _failed(work: Work, replicate: int, error: Exception) -> list[Block]:
    """The failed fits of a replicate that ended its worker."""
    codes = re.search(r"exit codes of the workers are \{(.*)\}", str(error))
    ended = WorkerError(replicate=replicate, exit_code=codes[1] if codes else None)
    return [
        stacked(name, [failure(ended, seconds=float("nan"))], first=replicate)
        for name in work.names
    ]
