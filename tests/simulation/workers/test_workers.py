"""Workers that die, and parents that die: other results are kept, and no process is left over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

import pylme
from pylme.draws.seeds import seeds_of
from pylme.errors import OptionError

ROOT = Path(__file__).parents[3]
GRID = pylme.expand_grid(group=range(8), x=range(5))
FORMULA = "y ~ x + (1 | group)"
N = 20
ENDS = {
    "exit": lambda: os._exit(3),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "fault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "leave": lambda: sys.exit(4),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="processes are ended as POSIX has it"),
]


class Draws:
    """Data, but for replicates that end their process in some way."""

    def __init__(self, ends):
        seeds = seeds_of(1, rng="numpy", n=N)
        self.ends = {float(seeds.generator(i).normal(size=40)[0]): how for i, how in ends.items()}

    def __call__(self, rng):
        y = rng.normal(size=40)
        end = self.ends.get(float(y[0]))
        if end is not None:
            ENDS[end]()
        return GRID.assign(y=y)


def study(ends, **options):
    return pylme.study(
        Draws(ends), {"a": FORMULA, "b": "y ~ 1 + (1 | group)"}, n=N, seed=1, **options
    )


def numbers(result):
    return result.to_frame().drop(columns="seconds")


@pytest.fixture(scope="module")
def unharmed():
    return numbers(study({}))


def test_a_replicate_that_ends_its_worker_is_a_row_with_its_error(unharmed, tmp_path):
    ends = {3: "exit", 4: "leave", 11: "kill", 12: "fault"}
    found = study(ends, n_jobs=2, store=tmp_path)
    kept = ~unharmed["replicate"].isin(ends)
    pd.testing.assert_frame_equal(
        numbers(found)[lambda rows: ~rows["replicate"].isin(ends)].reset_index(drop=True),
        unharmed[kept].reset_index(drop=True), check_exact=True,
    )  # fmt: skip
    failed = found.fits[found.fits["error"].notna()]
    assert failed["replicate"].tolist() == sorted([*ends, *ends])
    assert failed["model"].tolist() == ["a", "b"] * len(ends)
    told = dict(zip(failed["replicate"], failed["error"], strict=True))
    assert told[4] == "SystemExit: 4"
    for replicate, code in ((3, "EXIT(3)"), (11, "SIGKILL(-9)"), (12, "SIGSEGV(-11)")):
        assert told[replicate].startswith(f"WorkerError: Fitting replicate {replicate} in a worker")
        assert code in told[replicate]
    # Called again, it does not meet them again, even in this process.
    again = study(ends, store=tmp_path)
    pd.testing.assert_frame_equal(again.to_frame(), found.to_frame(), check_exact=True)


def test_a_worker_that_ends_once_costs_nothing(unharmed, tmp_path):
    """As when memory was short for a moment."""
    marker = tmp_path / "met"

    def draw(rng):
        table = plain(rng)
        if not marker.exists():
            marker.touch()
            os._exit(1)
        return table

    plain = Draws({})
    models = {"a": FORMULA, "b": "y ~ 1 + (1 | group)"}
    found = pylme.study(draw, models, n=N, seed=1, n_jobs=2)
    pd.testing.assert_frame_equal(numbers(found), unharmed, check_exact=True)


def test_a_statistic_of_a_bootstrap_that_ends_its_worker():
    fit = pylme.lmer(FORMULA, Draws({})(np.random.default_rng(2)), engine="numpy")
    plain = fit.bootstrap(N, seed=1, statistic=lambda fit: {"own": fit.sigma})
    at = float(plain.replicates["own"][7])

    def own(fit):
        return {"own": os._exit(1) if fit.sigma == at else fit.sigma}

    found = fit.bootstrap(N, seed=1, n_jobs=2, statistic=own)
    assert found.failures["replicate"].tolist() == [7]
    assert found.failures["error"][0].startswith("WorkerError: Fitting replicate 7")
    pd.testing.assert_frame_equal(
        found.replicates.drop(index=7), plain.replicates.drop(index=7), check_exact=True
    )


@pytest.mark.needs_r
def test_processes_made_for_the_reference_blas_are_survived_too():
    options = {"seed": 1, "n": 6, "engine": "lme4", "reference_blas": True}
    found = pylme.study(Draws({5: "exit"}), FORMULA, n_jobs=2, **options)
    assert found.fits.loc[found.fits["error"].notna(), "replicate"].tolist() == [5]


def test_what_cannot_be_copied_to_workers_is_refused():
    numbers = (i for i in range(3))

    def draw(rng):
        return Draws({})(rng) if numbers else None

    assert len(pylme.study(draw, FORMULA, n=3, seed=1).rows) > 0
    with pytest.raises(OptionError, match=r"n_jobs: 2 .*\n.*cannot be copied"):
        pylme.study(draw, FORMULA, n=3, seed=1, n_jobs=2)


PARENT = """
import sys, time
import pylme

GRID = pylme.expand_grid(group=range(8), x=range(5))

def draw(rng):
    print("begun", flush=True)
    time.sleep(300)
    return GRID.assign(y=rng.normal(size=40))

if __name__ == "__main__":
    pylme.study(draw, "y ~ x + (1 | group)", n=20, seed=1, n_jobs=2, OPTIONS)
"""


@pytest.mark.parametrize(
    ("ended_by", "options"),
    [
        (signal.SIGTERM, ""),
        (signal.SIGKILL, ""),
        (signal.SIGINT, ""),
        (signal.SIGINT, "reference_blas=True"),
    ],
)
def test_workers_end_with_their_parent(tmp_path, ended_by, options):
    script = tmp_path / "parent.py"
    script.write_text(PARENT.replace("OPTIONS", options), encoding="utf-8")
    with (tmp_path / "out").open("wb") as out:
        parent = subprocess.Popen(
            [sys.executable, str(script)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=out, stderr=out,
        )  # fmt: skip
        # There is one shard: a worker is at work, another is idle or about to start.
        until(lambda: b"begun" in (tmp_path / "out").read_bytes(), 120)
        children = psutil.Process(parent.pid).children(recursive=True)
        assert len(children) >= 2
        try:
            parent.send_signal(ended_by)
            parent.wait(20)
            _, alive = psutil.wait_procs(children, timeout=20)
            assert alive == []
        finally:
            for process in [psutil.Process(parent.pid)] if parent.poll() is None else []:
                process.kill()
            for process in children:
                if process.is_running():
                    process.kill()


def until(there, seconds):
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)
