"""Shards processed by workers; a worker that dies neither stops the work nor dies twice.

Which replicate ended a worker is unknown, because its pool ends with it while other shards are in
progress. Each shard that had been started is therefore processed once more, in a process of its
own. A shard that ends this process too is divided into its replicates, and a replicate that ends
its process alone becomes a failed fit. The remaining shards continue in a new pool.

A parent that is killed cannot stop its workers, which would otherwise run until all their work is
done. So each worker watches its parent, and ends when the parent has ended for any reason.
"""

from __future__ import annotations

import os
import pickle
import re
import time
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final

from joblib import Parallel, delayed, effective_n_jobs
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from joblib.parallel import get_active_backend

from pylme.errors import OptionError, WorkerError
from pylme.lme4.start import prefer_reference_blas
from pylme.simulation.estimate.block import stacked
from pylme.simulation.estimate.record import failure
from pylme.simulation.workers.shards import blocks_of_shard
from pylme.warning_scopes import Carried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylme.simulation.estimate.block import Block
    from pylme.simulation.workers.shards import Work

    Shard = tuple[int, int]

__all__ = ["born_of", "done", "end_with"]

_SECONDS: Final = 0.5
_lock: Final = Lock()
#: The watched parents. A process has one; a fork of it has another.
_watched: Final[set[tuple[int, int]]] = set()


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
        If the work cannot be copied to other processes, or the joblib backend that is set returns
        results only at the end.
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
    # A generator, so that rows are written to disk while others are being computed.
    # One shard at a time: joblib's own batches would leave workers idle at the end.
    backend, _ = get_active_backend()
    if not backend.supports_return_generator:
        name = type(backend).__name__.removesuffix("Backend").lower()
        raise OptionError(
            option="the backend of joblib",
            value=name,
            allowed="one that returns each result as soon as it is finished, such as "
            "joblib.parallel_config(backend='loky') or backend='threading'",
        )
    parallel = Parallel(
        n_jobs=n_jobs, return_as="generator_unordered", batch_size=1, **_initializer()
    )
    task = Carried(_blocks)
    yield from parallel(delayed(task)(work, shard, os.getpid(), folder) for shard in shards)


def _initializer() -> dict[str, Any]:
    """Arguments that make joblib's workers watch their parent before their first task."""
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


def born_of(parent: int) -> None:
    """`end_with` in a process just started by the parent, which may already have ended."""
    if os.name == "posix" and os.getppid() != parent:
        os._exit(1)
    end_with(parent)


def end_with(parent: int) -> None:
    """Let this process end when its parent does, if the parent is the process of that number.

    Nothing changes in the process itself or in a worker on another machine. Windows does not
    report the end of a parent.
    """
    this = os.getpid(), parent
    if os.name != "posix" or os.getppid() != parent:
        return
    with _lock:
        if this in _watched:
            return
        _watched.add(this)
    Thread(target=_watch, args=(parent,), name="pylme-parent", daemon=True).start()


def _watch(parent: int) -> None:
    # The system gives an orphan another parent.
    while os.getppid() == parent:
        time.sleep(_SECONDS)
    os._exit(1)
