"""Many models, in worker processes that are replaced where one dies."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

import numpy as np

from .generator import generate
from .judgement import Failure
from .kinds import KINDS
from .trial import Trial, try_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["run", "seeds_of"]

_CHUNK: Final = 8


def seeds_of(seed: int, models: int) -> list[int]:
    """Seeds of models that take the kinds in turn.

    Parameters
    ----------
    seed : int
        Of the campaign.
    models : int
    """
    drawn = np.random.default_rng(seed).integers(0, 2**40, models)
    kinds = len(KINDS)
    return [int(value) * kinds + place % kinds for place, value in enumerate(drawn)]


def run(seeds: Sequence[int], jobs: int) -> Iterator[Trial]:
    """Try the models, as they are done.

    Parameters
    ----------
    seeds : sequence of int
    jobs : int
        Worker processes.
    """
    chunks = [list(seeds[at : at + _CHUNK]) for at in range(0, len(seeds), _CHUNK)]
    lost: list[int] = []
    with _pool(jobs) as pool:
        waiting = {pool.submit(_try_all, chunk): chunk for chunk in chunks}
        for done in as_completed(waiting):
            try:
                yield from done.result()
            except BrokenProcessPool:
                lost += waiting[done]
    # A process that dies takes all that waited with it: each of those alone, to know which it was.
    for seed in lost:
        try:
            with _pool(1) as pool:
                yield from pool.submit(_try_all, [seed]).result()
        except BrokenProcessPool:
            model = generate(seed)
            died = Failure(kind="error", engine="either", said="the process died")
            yield Trial(seed=seed, kind=model.kind, formula=model.formula, failures=[died])


def _pool(jobs: int) -> ProcessPoolExecutor:
    # Not forked: R does not live through it.
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))


def _try_all(seeds: Sequence[int]) -> list[Trial]:
    return [try_model(seed) for seed in seeds]
