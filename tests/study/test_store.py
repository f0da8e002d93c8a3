"""Studies kept on disk: cut off, gone on with, and the same bit for bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pandas as pd
import pytest

import pylme
from pylme.errors import MissingPackageError
from tests.study.studies import FORMULA, MODELS, simulator

ROOT = Path(__file__).parents[2]
#: A study that takes long enough to be cut off, by lme4 in two workers.
STUDY = """
import pylme
from tests.study.studies import FORMULA, simulator

if __name__ == "__main__":
    pylme.study(
        simulator(), {"slopes": FORMULA, "ml": pylme.StudyModel(formula=FORMULA, reml=False)},
        n=400, seed=3, engine="lme4", n_jobs=2, store=FOLDER,
    )
"""


def numbers(result):
    return result.to_frame().drop(columns="seconds")


def shards(folder):
    return sorted(folder.glob("study-*/*.parquet"))


@pytest.mark.needs_r
@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_a_study_that_was_killed_goes_on_where_it_stopped(tmp_path):
    code = textwrap.dedent(STUDY).replace("FOLDER", repr(str(tmp_path)))
    script = tmp_path / "run.py"
    script.write_text(code, encoding="utf-8")
    running = subprocess.Popen(
        [sys.executable, str(script)], cwd=ROOT, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while len(shards(tmp_path)) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        # The workers too: they are of the same session.
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    there = shards(tmp_path)
    assert 3 <= len(there) < 80
    written = {path: path.stat().st_mtime_ns for path in there}
    models = {"slopes": FORMULA, "ml": pylme.StudyModel(formula=FORMULA, reml=False)}
    arguments = {"n": 60, "seed": 3, "engine": "lme4"}
    gone_on = pylme.study(simulator(), models, store=tmp_path, **arguments)
    assert {path: path.stat().st_mtime_ns for path in there} == written
    at_once = pylme.study(simulator(), models, **arguments)
    pd.testing.assert_frame_equal(numbers(gone_on), numbers(at_once), check_exact=True)


def test_what_is_read_back_is_what_was_written(tmp_path):
    """Also the seconds, which no second run would give again."""
    first = pylme.study(simulator(), MODELS, n=6, seed=3, store=tmp_path)
    again = pylme.study(simulator(), MODELS, n=6, seed=3, store=tmp_path)
    pd.testing.assert_frame_equal(first.to_frame(), again.to_frame(), check_exact=True)
    plain = pylme.study(simulator(), MODELS, n=6, seed=3)
    pd.testing.assert_frame_equal(numbers(plain), numbers(again), check_exact=True)
    assert [path.name for path in shards(tmp_path)] == ["00000000-00000006.parquet"]
    assert len(pd.read_parquet(shards(tmp_path)[0])) == len(first.rows)


def test_failed_fits_are_kept_too(tmp_path):
    first = pylme.study(constant, {"a": FORMULA}, n=2, seed=1, store=tmp_path)
    again = pylme.study(constant, {"a": FORMULA}, n=2, seed=1, store=tmp_path)
    assert first.fits["error"].str.startswith("ResponseError").all()
    pd.testing.assert_frame_equal(first.to_frame(), again.to_frame(), check_exact=True)


def constant(_generator):
    from tests.study.studies import GRID

    return GRID.assign(Y=1.0)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 4},
        {"models": {"a": "Y ~ ses + (1 | sch.id)"}},
        {"models": {"b": FORMULA}},
        {"models": {"a": pylme.StudyModel(formula=FORMULA, reml=False)}},
        {"simulate": simulator(beta=[1, 3])},
        {"simulate": simulator(empirical=True)},
        {"check": True},
        {"collect": lambda fit: {"aic": fit.aic}},
    ],
)
def test_another_study_has_another_folder(tmp_path, change):
    given = {"simulate": simulator(), "models": {"a": FORMULA}, "n": 1, "seed": 3}
    for arguments in (given, {**given, **change}, given):
        pylme.study(**arguments, store=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_the_hash_is_the_same_in_another_process(tmp_path):
    pylme.study(simulator(), MODELS, n=1, seed=3, store=tmp_path)
    code = (
        "import pylme\nfrom tests.study.studies import MODELS, simulator\n"
        f"pylme.study(simulator(), MODELS, n=2, seed=3, store={str(tmp_path)!r})"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"},
    )  # fmt: skip
    assert len(list(tmp_path.iterdir())) == 1
    assert len(shards(tmp_path)) == 2


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingPackageError, match=r'pip install "pylme\[parquet\]"'):
        pylme.study(simulator(), {"a": FORMULA}, n=1, seed=1, store=tmp_path)
