"""Predictions for lazy data are those for the same rows in memory."""

from __future__ import annotations

import pickle
from contextlib import nullcontext
from functools import cache

import duckdb
import narwhals.stable.v2 as nw
import numpy as np
import polars as pl
import pytest

import pylme
from pylme.errors import ColumnValueError, NotAvailableError, SortedLevelsWarning
from tests.model_matrix.lazy import test_same_as_in_memory as engines
from tests.model_matrix.lazy.models import DATA, FEW, MODELS

#: Relative to the largest; columns far from zero lose digits in memory.
SAME = 1e-10
FAR = 2e-10
#: An engine returns its rows in any order.
NUMBERED = DATA.assign(row=np.arange(len(DATA)))
FORMULA = "y ~ x * f + (x | g) + (1 | h)"
HOLES = NUMBERED.copy()
HOLES.loc[[1, 5], "x"] = np.nan
HOLES.loc[7, "f"] = None
HOLES.loc[9, "g"] = None
HOLES.loc[11, "y"] = np.nan


def column(frame, name):
    """The values of a column in the order of the rows."""
    opened = nw.from_native(frame)
    rows = opened.collect() if isinstance(opened, nw.LazyFrame) else opened
    values = rows.sort("row").get_column(name).cast(nw.Float64).fill_null(np.nan)
    return values.to_numpy()


@cache
def fits(formula=FORMULA):
    lazy = pl.from_pandas(NUMBERED).lazy()
    return (
        pylme.lmer(formula, lazy, engine="numpy"),
        pylme.lmer(formula, NUMBERED, engine="numpy"),
    )


def compare(lazy, known, *, within=SAME):
    size = np.nanmax(np.abs(known))
    assert np.array_equal(np.isnan(lazy), np.isnan(known))
    assert np.nanmax(np.abs(lazy - known)) < within * size


def compare_rows(lazy, formula, options):
    fit = pylme.lmer(formula, lazy, engine="numpy", **options)
    known = pylme.lmer(formula, NUMBERED, engine="numpy", **options)
    used = np.flatnonzero(DATA["flag"]) if "subset" in options else np.arange(len(DATA))
    within = FAR if "far" in formula or "cs(" in formula else SAME
    size = np.abs(np.asarray(known.fitted)[used]).max()
    found = column(fit.fitted, "fitted")
    assert np.abs(found - np.asarray(known.fitted)[used]).max() < within * size
    for kind in ("response", "pearson", "scaled"):
        found = column(fit.residuals_of(kind), "residuals")
        expected = np.asarray(known.residuals_of(kind))[used]
        assert np.abs(found - expected).max() < within * size
    if not fit.design.dropped:
        found = column(fit.predict(lazy, random="none"), "estimate")
        compare(found, np.asarray(known.predict(NUMBERED, random="none")), within=within)


@engines.quiet
@pytest.mark.parametrize("engine", ["polars", "duckdb", "ibis", "pyarrow"])
def test_fitted_values_residuals_and_predictions(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "DATA", NUMBERED)
    lazy = engines.lazily(engine, tmp_path)
    for formula, options in FEW[:2] if engine == "polars" else FEW[:1]:
        compare_rows(lazy, formula, options)


@pytest.mark.simulation
@engines.quiet
@pytest.mark.parametrize("engine", ["polars", "duckdb", "dask", "ibis", "pyarrow"])
def test_those_of_all_models(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "DATA", NUMBERED)
    lazy = engines.lazily(engine, tmp_path)
    for formula, options in MODELS if engine == "polars" else FEW:
        compare_rows(lazy, formula, options)


def test_a_lazy_frame_of_the_same_library():
    fit, _ = fits()
    assert isinstance(fit.fitted, pl.LazyFrame)
    assert isinstance(fit.predict(duckdb.from_df(NUMBERED)), duckdb.DuckDBPyRelation)


@pytest.mark.parametrize("random", ["all", "none", ["h"], "(1 | g)"])
def test_rows_without_a_predictor(random):
    fit, known = fits()
    expected = np.asarray(known.predict(HOLES, random=random))
    for data in (pl.from_pandas(HOLES).lazy(), duckdb.from_df(HOLES)):
        compare(column(fit.predict(data, random=random), "estimate"), expected)


def test_new_levels():
    fit, known = fits()
    data = NUMBERED.assign(g=NUMBERED["g"].where(NUMBERED["row"] > 3, "new"))
    lazy = pl.from_pandas(data).lazy()
    with pytest.raises(ColumnValueError, match=r"'new', in 4 rows"):
        fit.predict(lazy)
    found = column(fit.predict(lazy, new_levels="population"), "estimate")
    compare(found, np.asarray(known.predict(data, new_levels="population")))


@pytest.mark.parametrize("type_", [pl.Enum(sorted(DATA["g"].unique())), pl.Categorical])
def test_labels_of_every_type_find_their_levels(type_):
    with pytest.warns(SortedLevelsWarning) if type_ == pl.Categorical else nullcontext():
        lazy = pl.from_pandas(NUMBERED).with_columns(pl.col("g").cast(type_)).lazy()
        fit = pylme.lmer("y ~ x + (x | g)", lazy, engine="numpy")
    known = np.asarray(fits("y ~ x + (x | g)")[1].fitted)
    compare(column(fit.fitted, "fitted"), known)
    compare(column(fit.predict(lazy), "estimate"), known)


def test_numbers_of_another_type_find_their_levels():
    fit, known = fits()
    lazy = pl.from_pandas(NUMBERED).with_columns(pl.col("h").cast(pl.Float32)).lazy()
    compare(column(fit.predict(lazy), "estimate"), np.asarray(known.predict(NUMBERED)))


@pytest.mark.parametrize("interval", [None, "confidence", "prediction"])
def test_a_parquet_file(tmp_path, interval, monkeypatch):
    fit, known = fits("y ~ x + (x | g)")
    monkeypatch.setattr(
        "pylme.frame.batches.in_batches.__kwdefaults__", {"names": None, "rows": 150}
    )
    path = fit.predict(
        duckdb.from_df(HOLES), interval=interval, ddf="satterthwaite", to=tmp_path / "out.parquet"
    )
    expected = known.predict(HOLES, interval=interval, ddf="satterthwaite")
    written = pl.read_parquet(path)
    names = ["estimate"] if interval is None else list(expected.columns)
    assert written.columns == [*NUMBERED.columns, *names]
    for name in names:
        value = np.asarray(expected if interval is None else expected[name], dtype=float)
        compare(column(written, name), value)


def test_fits_that_hold_no_expressions_write_by_batches(tmp_path):
    fit, known = fits()
    generalized = pylme.glmer("flag ~ z + (1 | g)", NUMBERED, engine="numpy")
    files = tmp_path / "in.parquet"
    NUMBERED.to_parquet(files)
    for each in (pickle.loads(pickle.dumps(fit)), known, generalized):
        with pytest.raises(NotAvailableError, match=r"to='predictions\.parquet'"):
            each.predict(files)
        written = pl.read_parquet(each.predict(files, to=tmp_path / "out.parquet"))
        expected = (known if each is not generalized else generalized).predict(NUMBERED)
        compare(column(written, "estimate"), np.asarray(expected))


def test_a_connection_of_the_caller(tmp_path):
    fit, known = fits()
    rows = duckdb.connect().from_df(NUMBERED)
    with pytest.raises(NotAvailableError, match="different connections"):
        fit.predict(rows)
    written = pl.read_parquet(fit.predict(rows, to=tmp_path / "out.parquet"))
    compare(column(written, "estimate"), np.asarray(known.predict(NUMBERED)))
