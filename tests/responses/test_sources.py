"""Responses from wherever they are: the same numbers, in blocks, kept, and by several workers."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from joblib import parallel_config
from scipy import sparse

import pylme
from pylme.responses import running

SLEEP = pylme.datasets.load("sleepstudy")
FORMULA = ". ~ Days + (1 | Subject)"
NAMES = ["a", "b", "c", "d", "e"]
Y = np.random.default_rng(5).standard_normal((180, 5)) + np.arange(180)[:, None] % 10
Y[3, 1] = Y[4, 1] = np.nan
WIDE = pd.DataFrame(Y, columns=NAMES)


def table(responses, data=SLEEP, **options):
    found = pylme.lmer_many(FORMULA, data, responses, **options).to_frame()
    return found if isinstance(found, pd.DataFrame) else pl.DataFrame(found).to_pandas()


@pytest.fixture(scope="module")
def expected():
    return table(WIDE)


def anndata(values):
    return SimpleNamespace(
        X=np.zeros_like(Y), layers={"logs": values}, var_names=pd.Index(NAMES),
        obs_names=SLEEP.index,
    )  # fmt: skip


@pytest.mark.parametrize("kind", [
    "array", "sparse", "polars", "pyarrow", "lazy", "parquet", "anndata", "sparse anndata",
    "names", "dict",
])  # fmt: skip
def test_every_source_gives_the_same(kind, expected, tmp_path):
    options, data = {}, SLEEP
    match kind:
        case "array":
            given, options = Y, {"response_names": NAMES}
        case "sparse":
            given, options = sparse.csr_array(Y), {"response_names": NAMES}
        case "polars":
            given = pl.DataFrame({name: pl.Series(Y[:, i]).fill_nan(None)
                                  for i, name in enumerate(NAMES)})  # fmt: skip
        case "pyarrow":
            given = pa.Table.from_pandas(WIDE, preserve_index=False)
        case "lazy":
            given = pl.from_pandas(WIDE).lazy()
        case "parquet":
            given = tmp_path / "responses.parquet"
            pq.write_table(pa.Table.from_pandas(WIDE), given)
        case "anndata":
            given, options = anndata(Y), {"layer": "logs"}
        case "sparse anndata":
            given, options = anndata(sparse.csr_matrix(Y)), {"layer": "logs"}
        case "names":
            given, data = NAMES, SLEEP.assign(**{n: Y[:, i] for i, n in enumerate(NAMES)})
        case "dict":
            given = {n: Y[:, i] for i, n in enumerate(NAMES)}
    found = table(given, data, **options)
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("library", [pl.from_pandas, pa.Table.from_pandas])
def test_tables_come_in_the_library_of_the_data(library, expected):
    data = library(SLEEP.astype({"Subject": str}))
    many = pylme.lmer_many(FORMULA, data, WIDE.to_numpy(), response_names=NAMES)
    for found in (many.to_frame(), many.status, many.variance_components(), many.test("Days")):
        assert isinstance(found, type(data))


def test_blocks_are_as_one(expected, monkeypatch):
    monkeypatch.setattr(running, "_OF_A_BATCH", 2)
    pd.testing.assert_frame_equal(table(WIDE), expected, rtol=1e-9)


def test_workers_and_progress(expected, monkeypatch, capfd):
    monkeypatch.setattr(running, "_OF_A_BATCH", 2)
    # By threads: processes take seconds to start, and tests of studies have them.
    with parallel_config(backend="threading", n_jobs=2):
        found = table(WIDE, progress=True)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)
    assert "5/5" in capfd.readouterr().err


def test_a_store_continues(expected, monkeypatch, tmp_path):
    monkeypatch.setattr(running, "_OF_A_BATCH", 2)
    calls = []
    fit = running._fitted
    monkeypatch.setattr(running, "_fitted", lambda task: calls.append(task.first) or fit(task))
    pd.testing.assert_frame_equal(table(WIDE, store=tmp_path), expected, rtol=1e-9)
    assert sorted(calls) == [0, 2, 4]
    changed = WIDE.assign(d=WIDE["d"] + 1.0)
    calls.clear()
    pd.testing.assert_frame_equal(table(WIDE, store=tmp_path), expected, rtol=1e-9)
    assert not calls
    table(changed, store=tmp_path)
    assert calls == [2]
    calls.clear()
    table(WIDE, store=tmp_path, reml=False)
    assert sorted(calls) == [0, 2, 4]
    # A damaged block is fitted again.
    calls.clear()
    for block in tmp_path.glob("responses-*/00000000-*.npz"):
        block.write_bytes(block.read_bytes()[:-200])
    with pytest.warns(pylme.errors.DamagedStoreWarning):
        pd.testing.assert_frame_equal(table(WIDE, store=tmp_path), expected, rtol=1e-9)
    assert calls == [0]


def test_to_parquet(tmp_path, expected):
    many = pylme.lmer_many(FORMULA, SLEEP, WIDE)
    many.to_parquet(tmp_path / "table.parquet")
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "table.parquet"), expected, check_dtype=False
    )
