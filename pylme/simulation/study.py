"""A study: draw data many times, fit several models to each draw, summarise."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pylme.draws.seeds import seeds_of
from pylme.errors import OptionError
from pylme.options import true_or_false, whole_number, workers
from pylme.results.engine import choose
from pylme.simulation.draw.sources import family_of, source_of
from pylme.simulation.estimate.models import read_models
from pylme.simulation.outcome.result import StudyResult
from pylme.simulation.outcome.truth import truth_of
from pylme.simulation.store.directory import Store
from pylme.simulation.store.identity import hash_of
from pylme.simulation.workers.job import Job
from pylme.simulation.workers.running import run

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from pylme.draws.seeds import Seed
    from pylme.options import Engine
    from pylme.simulation.estimate.models import StudyModel
    from pylme.simulation.estimate.record import Collect

__all__ = ["run_study"]


def run_study(
    simulate: Any,
    models: Mapping[str, str | StudyModel] | str,
    *,
    n: int,
    seed: Seed,
    engine: Engine,
    n_jobs: int | None = None,
    truth: Mapping[str, Any] | None = None,
    collect: Collect | None = None,
    check: bool = False,
    progress: bool = False,
    store: str | os.PathLike[str] | None = None,
    reference_blas: bool = False,
) -> StudyResult:
    """Fit several models to many replicates: `pylme.study`, whose defaults stand there."""
    n = whole_number("n", n, least=1)
    n_jobs = workers("n_jobs", n_jobs)
    check, progress = true_or_false("check", check), true_or_false("progress", progress)
    reference_blas = true_or_false("reference_blas", reference_blas)
    source = source_of(simulate)
    read = read_models(models, family_of(source))
    control = next((each.control for each in read.values() if each.control is not None), None)
    chosen = choose(engine, next(iter(read.values())).function, control=control)
    if store is not None and seed is None:
        raise OptionError(
            option="seed",
            value=None,
            allowed="a number with `store`: stored results are found by their seed",
        )
    job = Job(
        key=uuid.uuid4().hex,
        source=source,
        seeds=seeds_of(seed, rng=source.rng, n=n),
        models=read,
        engine=chosen,
        check=check,
        collect=collect,
    )
    job.require_fittable()
    known = truth_of(source, job.models, truth)
    shards = None
    if store is not None:
        job = replace(job, key=hash_of(job, reference_blas=reference_blas))
        shards = Store(store, job.key)
    return StudyResult(
        rows=run(
            job, n, n_jobs=n_jobs, progress=progress, store=shards, reference_blas=reference_blas
        ),
        n=n,
        models=tuple(job.models),
        engine=chosen,
        seeds=job.seeds,
        truth=known,
    )
