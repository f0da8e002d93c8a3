"""Results of tasks as they are finished, by whatever backend of joblib is set.

Most backends hand each result over as soon as it is there. Some, such as ray's, return a list at
the end: they are given the tasks in rounds of a few for each worker, so that results are kept and
shown while others are being computed, and memory holds no more than a round.
"""

from __future__ import annotations

import os
from inspect import signature
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from joblib import Parallel, delayed, effective_n_jobs
from joblib.parallel import get_active_backend

from pylme.parent_process import born_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["delivered"]

#: Tasks of a round for each worker, where a backend returns nothing before the last.
_OF_A_ROUND: Final = 4
Task = TypeVar("Task")
Result = TypeVar("Result")


def delivered(
    function: Callable[[Task], Result], tasks: Iterable[Task], *, n_jobs: int | None
) -> Iterator[Result]:
    """The results of a function of each task, in the order in which they are finished.

    Parameters
    ----------
    function : callable
    tasks : iterable
        Taken as workers become free.
    n_jobs : int or None
        As in joblib: None for one, or the setting of an active `joblib.parallel_config`.
    """
    failed: list[Exception] = []

    def safe() -> Iterator[Task]:
        # Joblib takes tasks in threads of its own, which must not end by an exception.
        try:
            yield from tasks
        except Exception as error:  # noqa: BLE001  (raised below, in the caller's thread)
            failed.append(error)

    yield from _delivered(function, safe(), n_jobs)
    if failed:
        raise failed[0]


def _delivered(
    function: Callable[[Task], Result], tasks: Iterator[Task], n_jobs: int | None
) -> Iterator[Result]:
    backend, _ = get_active_backend()
    if backend.supports_return_generator:
        # One task at a time: joblib's own batches would leave workers idle at the end.
        parallel = Parallel(
            n_jobs=n_jobs, return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs",
            **_initializer(backend),
        )  # fmt: skip
        yield from parallel(delayed(function)(task) for task in tasks)
        return
    most = _OF_A_ROUND * effective_n_jobs(n_jobs)
    while round_of_tasks := list(islice(tasks, most)):
        parallel = Parallel(n_jobs=n_jobs, batch_size=1)
        yield from parallel(delayed(function)(task) for task in round_of_tasks)


def _initializer(backend: object) -> dict[str, Any]:
    """Arguments that make joblib's workers watch their parent before their first task."""
    parameters = signature(Parallel).parameters.values()
    takes_more = any(each.kind is each.VAR_KEYWORD for each in parameters)
    if type(backend).__name__ != "LokyBackend" or not takes_more:
        return {}
    return {"initializer": born_of, "initargs": (os.getpid(),)}
