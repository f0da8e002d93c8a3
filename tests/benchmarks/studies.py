"""The study of the question against the native R loop: three fits a replicate."""

from __future__ import annotations

import statistics
import subprocess
from typing import TYPE_CHECKING

import pylme

from .measure import Result, seconds_of, shown
from .native_r import R_SCRIPTS

if TYPE_CHECKING:
    from .benchmark import Benchmark, Options

__all__ = ["benchmarks"]

#: The fits of R's loop: one for each sector, and the combined one.
MODELS = ("separate", "combined")
#: The workers of engine "lme4" that the limit is for.
WORKERS = 2


def benchmarks() -> dict[str, Benchmark]:
    """Both engines in one measurement: they share R's loop, which takes long."""
    return {"study": _measured}


def _measured(options: Options) -> list[Result]:
    n = 10 if options.smoke else 250
    native, converged = _native_loop(n)
    # A first study imports what it needs; one study is not worth an import of SciPy.
    _study(2, "numpy", 1)
    times = [seconds_of(lambda: _study(n, "numpy", 1)) for _ in range(1 if options.smoke else 5)]
    ours = statistics.median(times)
    # Here the start of the workers counts: a study that runs in R has it each time.
    by_lme4 = seconds_of(lambda: _study(n, "lme4", WORKERS))
    loop = f"R's loop of {3 * n} fits {shown(native)}, {converged} of {n} converged in it"
    return [
        Result(
            what="the study by the numpy engine against R's loop",
            value=native / ours,
            unit="times faster",
            limit=100,
            at_least=True,
            detail=f"{shown(ours)}; {loop}",
        ),
        Result(
            what=f"the study by lme4 with {WORKERS} workers against R's loop",
            value=by_lme4 / native,
            unit="times its time",
            limit=0.6,
            detail=f"{shown(by_lme4)}; {loop}",
        ),
    ]


def _study(n: int, engine: str, jobs: int) -> object:
    found = pylme.studies.sector_correlation(n=n, engine=engine, n_jobs=jobs, candidates=MODELS)
    # The means too, which the loop computes.
    return found.table


def _native_loop(replicates: int) -> tuple[float, int]:
    """Seconds, and the replicates in which all three fits converged."""
    done = subprocess.run(
        ["Rscript", str(R_SCRIPTS / "native_study.R"), str(replicates)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    seconds, converged, *_means = map(float, done.stdout.split())
    return seconds, int(converged)
