"""Parts of formulas that no engine evaluates are those of rows in memory."""

from __future__ import annotations

import duckdb
import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

import pylme
from pylme.model_matrix.lazy import order_statistics
from pylme.model_matrix.lazy.order_statistics import LazyColumn
from tests.model_matrix.lazy.models import DATA
from tests.model_matrix.lazy.test_same_as_in_memory import quiet

FORMULA = "y ~ ns(x, 3) + sin(z) + (1 | g)"
HOLES = DATA.assign(row=np.arange(len(DATA)), other=1.0)
HOLES.loc[[1, 5], "x"] = np.nan
HOLES.loc[7, "y"] = np.nan
HOLES.loc[9, "z"] = np.nan


@pytest.mark.parametrize("few", [1_000_000, 20])
@pytest.mark.parametrize("kind", ["normal", "cauchy", "ties", "one", "range of floats"])
def test_quantiles_are_those_of_numpy(kind, few, monkeypatch):
    monkeypatch.setattr(order_statistics, "_FEW", few)
    rng = np.random.default_rng(1)
    x = {
        "normal": rng.normal(size=501) + 1e6,
        "cauchy": rng.standard_cauchy(size=500) ** 5,
        "ties": rng.integers(0, 4, 500) / 3,
        "one": np.full(30, 0.1),
        "range of floats": np.array([-1.7e308, *rng.normal(size=60), 1.7e308]),
    }[kind]
    at = np.array([0.0, 0.05, 1 / 3, 0.5, 0.77, 1.0])
    with np.errstate(over="ignore", invalid="ignore"):
        expected = np.quantile(x, at)
        for frame in (pl.LazyFrame({"x": x}), duckdb.from_df(pd.DataFrame({"x": x}))):
            column = LazyColumn.of(nw.from_native(frame))
            assert np.array_equal(column.quantiles(at), expected, equal_nan=True)
            assert column.median() == np.median(x)


@quiet
@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_rows_with_missing_values(engine):
    lazy = pl.from_pandas(HOLES).lazy() if engine == "polars" else duckdb.from_df(HOLES)
    fit = pylme.lmer(FORMULA, lazy, engine="numpy")
    known = pylme.lmer(FORMULA, HOLES, engine="numpy")
    assert fit.criterion == pytest.approx(known.criterion, rel=1e-11)
    assert fit.nobs == known.nobs
    own = nw.from_native(fit.fitted).lazy().collect().sort("row")
    assert {"other", "fitted"} <= set(own.columns)
    expected = np.array(known.predict(HOLES))
    expected[7] = np.nan
    found = own["fitted"].fill_null(np.nan).to_numpy()
    assert found == pytest.approx(expected, rel=1e-9, nan_ok=True)


@quiet
def test_predictions_need_the_predictors_alone():
    fit = pylme.lmer(FORMULA, pl.from_pandas(DATA).lazy(), engine="numpy")
    known = pylme.lmer(FORMULA, DATA, engine="numpy")
    new = HOLES[["x", "z", "row"]]
    found = fit.predict(duckdb.from_df(new), random="none").df().sort_values("row")["estimate"]
    expected = np.asarray(known.predict(new, random="none"))
    assert found.to_numpy() == pytest.approx(expected, rel=1e-9, nan_ok=True)
    assert fit.cross_check(starts=1).verdict.name == "AGREES"


@quiet
def test_categories_keep_their_order():
    data = DATA.assign(f=pd.Categorical(DATA["f"], ["c", "a", "b"]))
    known = pylme.lmer("y ~ f + sin(x) + (1 | g)", data, engine="numpy")
    for lazy in (
        duckdb.from_df(data),
        pl.from_pandas(DATA).with_columns(pl.col("f").cast(pl.Enum(["c", "a", "b"]))).lazy(),
    ):
        fit = pylme.lmer("y ~ f + sin(x) + (1 | g)", lazy, engine="numpy")
        assert list(fit.fixef.index) == list(known.fixef.index)
        assert np.asarray(fit.fixef) == pytest.approx(np.asarray(known.fixef), rel=1e-9)


@quiet
def test_rows_in_an_order_that_shows_few_values_first():
    # The first rows have one value, of which no polynomial could be learnt.
    data = DATA.sort_values("t")
    lazy = pl.from_pandas(data).lazy()
    formula = "y ~ poly(t, 2) + sin(t) + (1 | g)"
    fit = pylme.lmer(formula, lazy, engine="numpy")
    known = pylme.lmer(formula, data, engine="numpy")
    assert fit.criterion == pytest.approx(known.criterion, rel=1e-9)
