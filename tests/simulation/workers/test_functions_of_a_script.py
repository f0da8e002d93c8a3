"""Functions of the user's own script, which name pylme, in worker processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pylme
from tests.tolerances import HANGS

ROOT = Path(__file__).parents[3]
SCRIPT = """
import cloudpickle, joblib, pickle
import pylme
import pylme as mixed
from pylme import datasets

FORMULA = "Reaction ~ Days + (Days | Subject)"
GRID = pylme.expand_grid(group=range(8), x=range(5))

def one(seed):
    return pylme.lmer(FORMULA, datasets.load("sleepstudy"), engine="numpy").criterion

def draws(rng):
    return GRID.assign(y=rng.normal(size=40) + len(mixed.datasets.names()))

def collected(fit):
    return {"own": float(pylme.lmer(fit.formula, fit.model_frame(), engine="numpy").sigma)}

class Statistic:
    def __init__(self, names):
        self.names = names

    def __call__(self, fit):
        return {name: getattr(fit, name) for name in self.names if pylme.Fit}

if __name__ == "__main__":
    fit = pylme.lmer(FORMULA, datasets.load("sleepstudy"), engine="numpy")
    print(joblib.Parallel(n_jobs=2)(joblib.delayed(one)(i) for i in range(3)))
    print(pickle.loads(cloudpickle.dumps(lambda: pylme.lmer))() is pylme.lmer)
    print(pickle.loads(cloudpickle.dumps(fit)).criterion == fit.criterion)
    for statistic in (lambda fit: {"n": len(pylme.datasets.names())}, Statistic(["sigma", "aic"])):
        found = [fit.bootstrap(12, seed=1, n_jobs=n, statistic=statistic) for n in (2, 1)]
        print(found[0].n_failed, found[0].replicates.equals(found[1].replicates))
    options = {"n": 12, "seed": 1, "collect": collected}
    found = [pylme.study(draws, "y ~ x + (1 | group)", n_jobs=n, **options) for n in (2, 1)]
    frames = [each.to_frame().drop(columns="seconds") for each in found]
    print(found[0].fits["error"].isna().all(), frames[0].equals(frames[1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("interactive", [False, True])
def test_functions_of_a_script_reach_the_workers(tmp_path, interactive):
    """Also of a session without a file, as a notebook has it."""
    script = tmp_path / "own.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-" if interactive else str(script)],
        input=SCRIPT if interactive else "", capture_output=True, text=True, check=False,
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=HANGS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    criteria, *rest = done.stdout.splitlines()
    data = pylme.datasets.load("sleepstudy")
    fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", data, engine="numpy")
    assert criteria == str([fit.criterion] * 3)
    assert rest == ["True", "True", "0 True", "0 True", "True True"]
