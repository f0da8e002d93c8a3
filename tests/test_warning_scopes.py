"""Warnings of pylme's, silenced or collected without a change of the process's filters."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest

from pylme.errors import PylmeWarning, ScalingWarning, SingularFitWarning, warn
from pylme.warning_scopes import Carried, collected, silenced
from tests.tolerances import HANGS

ROOT = Path(__file__).parents[1]


def test_a_kind_of_warning_is_silenced_within_and_given_after():
    with silenced(SingularFitWarning):
        warn(SingularFitWarning("within"))
        with pytest.warns(ScalingWarning):
            warn(ScalingWarning("another"))
    with pytest.warns(SingularFitWarning, match="after"):
        warn(SingularFitWarning("after"))


def test_the_innermost_scope_keeps_the_warning():
    with collected() as outer:
        with collected() as inner:
            warn(ScalingWarning("a"))
        with silenced():
            warn(ScalingWarning("b"))
        warn(ScalingWarning("c"))
    assert [str(warning) for warning in inner] == ["a"]
    assert [str(warning) for warning in outer] == ["c"]


def test_a_scope_ends_with_an_error():
    with pytest.raises(ValueError, match="stop"), silenced():
        raise ValueError("stop")
    with pytest.warns(PylmeWarning):
        warn(PylmeWarning("after"))


def test_a_scope_is_of_one_thread_and_is_carried_on_request():
    def give(text):
        warn(ScalingWarning(text))

    def give_openly(text):
        with pytest.warns(ScalingWarning, match=text):
            give(text)

    with collected() as found:
        run_in_thread(give_openly, "by itself")
        run_in_thread(Carried(give), "carried")
    assert [str(warning) for warning in found] == ["carried"]


def run_in_thread(function, *arguments):
    errors = []

    def run():
        try:
            function(*arguments)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def test_another_process_gets_the_plain_function():
    with silenced():
        sent = pickle.loads(pickle.dumps(Carried(len)))
    assert sent is len


#: Warnings and BLAS threads of a process, before and after work in eight threads.
IN_THREADS = """
import sys, warnings
from concurrent.futures import ThreadPoolExecutor
import scipy.sparse, threadpoolctl
import pylme
from pylme.errors import ConvergenceWarning, ScalingWarning, warn

sleep = pylme.datasets.load("sleepstudy")
FORMULA = "Reaction ~ Days + (Days | Subject)"
fit = pylme.lmer(FORMULA, sleep, engine=ENGINE)
draw = fit.simulator()
work = {
    "boot": lambda i: fit.bootstrap(3, seed=i),
    "check": lambda i: pylme.lmer(FORMULA, sleep, engine=ENGINE, check=True),
    "study": lambda i: pylme.study(draw, FORMULA, n=3, seed=i, engine=ENGINE),
    "fit": lambda i: pylme.lmer(FORMULA, sleep, engine=ENGINE).cross_check(),
}
shown = warnings.showwarning, warnings._showwarnmsg_impl
blas = [library["num_threads"] for library in threadpoolctl.threadpool_info()]
for task in work.values():
    task(0)  # What is imported late sets its filters now.
filters = list(warnings.filters)
sys.setswitchinterval(1e-5)  # Threads take turns within short steps.
for name, task in work.items():
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(task, range(REPEATS)))
    assert warnings.filters == filters, (name, warnings.filters)
    assert shown == (warnings.showwarning, warnings._showwarnmsg_impl), name
    now = [library["num_threads"] for library in threadpoolctl.threadpool_info()]
    assert now[: len(blas)] == blas, (name, blas, now)
warn(ScalingWarning("ours is given"))
warnings.warn("so is another's")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "repeats"),
    [("numpy", 24), pytest.param("lme4", 8, marks=pytest.mark.needs_r)],
)
def test_filters_and_blas_threads_are_the_same_after_work_in_threads(engine, repeats):
    code = IN_THREADS.replace("ENGINE", repr(engine)).replace("REPEATS", str(repeats))
    # Several BLAS threads, on whatever machine, so that a limit that stays can be seen.
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "2"}, timeout=HANGS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ScalingWarning: ours is given" in done.stderr
    assert "UserWarning: so is another's" in done.stderr


@pytest.mark.parametrize("engine", ["numpy", pytest.param("lme4", marks=pytest.mark.needs_r)])
@pytest.mark.parametrize("work", ["fit", "check", "bootstrap", "study"])
def test_nothing_saves_and_restores_the_filters_of_the_process(engine, work, monkeypatch):
    """Not in libraries either: where threads take turns there, a filter is lost for good."""
    import pylme

    formula = "Reaction ~ Days + (Days | Subject)"
    sleep = pylme.datasets.load("sleepstudy")
    fit = pylme.lmer(formula, sleep, engine=engine)
    draw = fit.simulator()
    task = {
        "fit": lambda: pylme.lmer(formula, sleep, engine=engine),
        "check": fit.cross_check,
        "bootstrap": lambda: fit.bootstrap(3, seed=1),
        "study": lambda: pylme.study(draw, formula, n=3, seed=1, engine=engine),
    }[work]
    task()  # What is imported late may save and restore.
    entered = []

    def enter(scope):
        entered.append(scope)

    monkeypatch.setattr(warnings.catch_warnings, "__enter__", enter)
    monkeypatch.setattr(warnings.catch_warnings, "__exit__", lambda *_: None)
    task()
    assert not entered


def test_a_study_in_threads_is_as_silent_as_in_one(recwarn):
    """Where every fit is singular, and joblib's workers are threads."""
    import joblib

    import pylme

    grid = pylme.expand_grid(group=range(6), x=range(4))
    simulator = pylme.simulator(
        "y ~ x + (x | group)", grid, beta=[0, 1], sigma=1, covariances={"sd": [0, 0]}
    )
    with joblib.parallel_config("threading", n_jobs=2):
        found = pylme.study(
            simulator, "y ~ x + (x | group)", n=12, seed=1, collect=lambda fit: {"aic": fit.aic}
        )
    assert (found.fits["status"] == "singular").any()
    assert found.fits["error"].isna().all()
    assert not [w for w in recwarn if issubclass(w.category, PylmeWarning)]
