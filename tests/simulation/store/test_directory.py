"""Studies kept on disk: cut off, gone on with, and the same bit for bit."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from pathlib import Path

import pandas as pd
import pytest

import pylme
from pylme.errors import DamagedStoreWarning, MissingPackageError, OptionError, StoreError
from pylme.simulation.store import directory
from pylme.simulation.store.whole_files import write_whole
from tests.simulation.studies import FORMULA, MODELS, simulator

ROOT = Path(__file__).parents[3]
#: A study that takes long enough to be cut off, by lme4 in two workers.
STUDY = """
import pylme
from tests.simulation.studies import FORMULA, simulator

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
    from tests.simulation.studies import GRID

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
    assert len(list(tmp_path.glob("study-*"))) == 2


def test_the_hash_is_the_same_in_another_process(tmp_path):
    pylme.study(simulator(), MODELS, n=1, seed=3, store=tmp_path)
    code = (
        "import pylme\nfrom tests.simulation.studies import MODELS, simulator\n"
        f"pylme.study(simulator(), MODELS, n=2, seed=3, store={str(tmp_path)!r})"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"},
    )  # fmt: skip
    assert len(list(tmp_path.glob("study-*"))) == 1
    assert len(shards(tmp_path)) == 2


def test_without_pyarrow_the_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingPackageError, match="pip install pyarrow"):
        pylme.study(simulator(), {"a": FORMULA}, n=1, seed=1, store=tmp_path)


def damaged_by(damage):
    return pytest.param(damage, id=damage.__name__)


def truncated(_first, second):
    second.write_bytes(second.read_bytes()[:1000])


def empty(_first, second):
    second.write_bytes(b"")


def random_bytes(_first, second):
    second.write_bytes(b"PAR1" + os.urandom(5000) + b"PAR1")


def foreign(_first, second):
    pd.DataFrame({"x": [1]}).to_parquet(second)


def of_other_replicates(first, second):
    shutil.copy(first, second)


def with_rows_lost(_first, second):
    rewritten(second, lambda table: table.slice(0, table.num_rows - 7))


def with_rows_in_another_order(_first, second):
    rewritten(second, lambda table: table.take(list(range(table.num_rows))[::-1]))


def with_another_value(_first, second):
    def changed(table):
        at = table.column_names.index("estimate")
        values = table.column("estimate").to_pylist()
        return table.set_column(at, "estimate", [[values[0] + 1e-9, *values[1:]]])

    rewritten(second, changed)


def with_a_column_more(_first, second):
    rewritten(second, lambda table: table.append_column("more", [[1] * table.num_rows]))


def a_folder(_first, second):
    second.unlink()
    second.mkdir()
    (second / "of the user's").write_text("kept", encoding="utf-8")


def a_link_to_nowhere(_first, second):
    second.unlink()
    second.symlink_to("/nonexistent/x")


def a_pipe(_first, second):
    second.unlink()
    os.mkfifo(second)


def rewritten(path, change):
    """As written by another program that keeps the metadata."""
    import pyarrow.parquet as pq

    table = pq.ParquetFile(path).read()
    pq.write_table(change(table).replace_schema_metadata(table.schema.metadata), path)


@pytest.mark.parametrize(
    "damage",
    [
        damaged_by(each)
        for each in (
            truncated, empty, random_bytes, foreign, of_other_replicates, with_rows_lost,
            with_rows_in_another_order, with_another_value, with_a_column_more, a_folder,
            a_link_to_nowhere, a_pipe,
        )
    ],
)  # fmt: skip
@pytest.mark.skipif(os.name != "posix", reason="links and pipes are made as POSIX has them")
def test_a_damaged_shard_is_done_again_with_one_warning(tmp_path, damage):
    def study():
        return pylme.study(simulator(), {"a": FORMULA}, n=1200, seed=3, store=tmp_path)

    first = study()
    damage(*shards(tmp_path)[:2])
    with pytest.warns(DamagedStoreWarning, match=r"00000500-00001000.parquet in .*again") as given:
        again = study()
    assert len(given) == 1
    pd.testing.assert_frame_equal(numbers(first), numbers(again), check_exact=True)
    # Now it is whole, and nothing warns.
    pd.testing.assert_frame_equal(again.to_frame(), study().to_frame(), check_exact=True)
    kept = [path for path in tmp_path.glob("study-*/*") if path.suffix != ".parquet"]
    assert len(kept) == (damage is a_folder)


def test_each_flipped_byte_is_seen_or_of_no_account(tmp_path):
    first = pylme.study(simulator(), {"a": FORMULA}, n=2, seed=3, store=tmp_path)
    (path,) = shards(tmp_path)
    whole = path.read_bytes()
    seen = 0
    for at in range(0, len(whole), len(whole) // 60):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with pytest.warns() as given:  # noqa: PT031
            again = pylme.study(simulator(), {"a": FORMULA}, n=2, seed=3, store=tmp_path)
            pylme.errors.warn(UserWarning("so that there is one"))
        seen += any(issubclass(w.category, DamagedStoreWarning) for w in given)
        pd.testing.assert_frame_equal(numbers(first), numbers(again), check_exact=True)
    # The others are of the description of the columns in Parquet's footer, which varies in length.
    assert seen > 40


@pytest.mark.parametrize("store", ["", " ", 1, b"bytes", "a\0b", "x" * 300, "\udcff\ud800"])
def test_what_is_no_path_is_refused(tmp_path, monkeypatch, store):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OptionError, match="the path of a folder"):
        pylme.study(simulator(), {"a": FORMULA}, n=1, seed=3, store=store)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("inside", ["", "inside"])
def test_a_file_is_no_folder(tmp_path, inside):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OptionError, match="not a directory"):
        pylme.study(simulator(), {"a": FORMULA}, n=1, seed=3, store=tmp_path / "file" / inside)


@pytest.mark.parametrize("when", ["written", "brought to the disk", "renamed"])
def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch, when):
    import errno

    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    def write(path, data):
        with monkeypatch.context() as patch:
            if when == "written":
                patch.setattr(Path, "open", full)
            elif when == "renamed":
                patch.setattr(Path, "replace", full)
            else:
                patch.setattr(os, "fsync", full)
            write_whole(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(directory, "write_whole", write)
        with pytest.raises(StoreError, match="No space left on device\nFree some space"):
            pylme.study(simulator(), {"a": FORMULA}, n=2, seed=3, store=tmp_path)
    assert list(tmp_path.glob("*/*")) == []
    pylme.study(simulator(), {"a": FORMULA}, n=2, seed=3, store=tmp_path)
    assert len(shards(tmp_path)) == 1


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    """What it has can still be read."""
    arguments = {"models": {"a": FORMULA}, "seed": 3, "store": tmp_path}
    first = pylme.study(simulator(), n=2, **arguments)
    # By the answer of the system, as root may write everywhere.
    monkeypatch.setattr(os, "access", lambda *_: False)
    again = pylme.study(simulator(), n=2, **arguments)
    pd.testing.assert_frame_equal(first.to_frame(), again.to_frame(), check_exact=True)
    with pytest.raises(StoreError, match="cannot be written to"):
        pylme.study(simulator(), n=3, **arguments)


@pytest.mark.skipif(os.name != "posix", reason="by the numbers of processes")
def test_temporary_files_of_the_dead_are_removed_and_those_of_the_living_stay(tmp_path):
    from pylme.simulation.store.whole_files import _machine

    pylme.study(simulator(), {"a": FORMULA}, n=1, seed=3, store=tmp_path)
    folder = shards(tmp_path)[0].parent
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    here, number = _machine(), uuid.uuid4().hex

    def temporary(machine, process, number=number, *, age=0.0):
        path = folder / f"00000000-00000500.{machine}.{process}.{number}.part"
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
        return path

    left_over = [
        temporary(here, done.pid), temporary("deadbeef", 5, age=2e5), temporary(here, 1, "x"),
    ]  # fmt: skip
    alive = [temporary(here, os.getpid()), temporary("deadbeef", 6)]
    pylme.study(simulator(), {"a": FORMULA}, n=1, seed=3, store=tmp_path)
    assert [path.exists() for path in left_over + alive] == [False] * 3 + [True] * 2


def test_writers_at_once_do_not_meet(tmp_path):
    path, errors = tmp_path / "file", []

    def write(i):
        try:
            for _ in range(20):
                write_whole(path, bytes([i]) * 10_000)
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert len(set(path.read_bytes())) == 1


def draws(shift):
    from tests.simulation.studies import GRID

    def draw(rng):
        return GRID.assign(Y=shift + rng.normal(size=len(GRID)))

    return draw


def collects(value):
    return lambda _fit: {"z": value}


def test_the_same_text_with_other_values_is_another_study(tmp_path):
    for shift in (0, 1000, 0):
        models = {"a": "Y ~ 1 + (1 | sch.id)"}
        found = pylme.study(draws(shift), models, n=3, seed=1, store=tmp_path)
        assert (found.estimates("(Intercept)")["a"] - shift).abs().max() < 100
    for value in (1.0, 2.0):
        options = {"n": 2, "seed": 1, "collect": collects(value), "store": tmp_path}
        found = pylme.study(simulator(), {"a": FORMULA}, **options)
        assert found.estimates("z")["a"].tolist() == [value] * 2
    assert len(list(tmp_path.glob("study-*"))) == 4


def test_a_function_that_cannot_be_compared_is_refused(tmp_path):
    with Path(__file__).open(encoding="utf-8") as file:

        def draw(rng):
            return draws(0)(rng) if file else None

        with pytest.raises(OptionError, match="open files"):
            pylme.study(draw, {"a": FORMULA}, n=1, seed=1, store=tmp_path)


@pytest.mark.needs_r
def test_the_versions_of_r_and_lme4_are_part_of_the_study(tmp_path, monkeypatch):
    from pylme.lme4.session import session

    arguments = {"models": {"a": FORMULA}, "n": 1, "seed": 1, "store": tmp_path}
    for engine in ("lme4", "lme4", "numpy"):
        pylme.study(simulator(), engine=engine, **arguments)
    assert len(list(tmp_path.glob("study-*"))) == 2
    monkeypatch.setitem(session().versions, "lme4", "0.0")
    for engine in ("lme4", "numpy"):
        pylme.study(simulator(), engine=engine, **arguments)
    assert len(list(tmp_path.glob("study-*"))) == 3


def test_the_labels_of_contrasts_are_part_of_what_a_study_is_found_by(tmp_path):
    """The same numbers under other labels are another model, and reach the effects otherwise."""
    coding = pd.DataFrame([[1.0], [-2.0]], index=["0", "1"], columns=["A"])
    swapped = coding.set_axis(["1", "0"])
    effects = []
    for contrasts in (coding, swapped):
        model = pylme.StudyModel(
            formula="Y ~ sector + (1 | sch.id)", contrasts={"sector": contrasts}
        )
        found = pylme.study(simulator(), {"a": model}, n=2, seed=1, store=tmp_path).to_frame()
        effects.append(found.loc[found["parameter"] == "sectorA", "estimate"].to_numpy())
    assert len(list(tmp_path.glob("study-*"))) == 2
    assert len(effects[0]) == 2
    assert (effects[0] * effects[1] < 0).all()


def test_contrasts_of_the_random_effects_are_the_models_own():
    coding = pd.DataFrame([[1.0], [-1.0]], index=["0", "1"], columns=["A"])
    parameters = {}
    for reach in ("fixed", "both"):
        model = pylme.StudyModel(
            formula="Y ~ sector + (sector | ses)",
            contrasts={"sector": coding},
            contrasts_for=reach,
        )
        found = pylme.study(simulator(), {"a": model}, n=1, seed=1).to_frame()
        parameters[reach] = set(found["parameter"])
    assert "sd__sector1 | ses" in parameters["fixed"]
    assert "sd__sectorA | ses" in parameters["both"]
