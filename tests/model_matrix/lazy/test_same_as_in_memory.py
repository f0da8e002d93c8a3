"""A fit of lazy data is that of the same rows in memory."""

from __future__ import annotations

from functools import cache

import dask.dataframe as dd
import duckdb
import ibis
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest

import pylme
from pylme.errors import PylmeWarning
from tests.model_matrix.lazy.models import DATA, FEW, MODELS

#: Of the criterion, relative: sums of products in double precision, in any order.
SAME_CRITERION = 1e-9
#: ½ δᵀHδ of a difference of θ: by how much the criterion would differ.
SAME_THETA = 1e-9


def quiet(test):
    """Without what models warn of, and dask with newer pandas and narwhals."""
    rules = (
        "ignore::pylme.errors.PylmeWarning",
        "ignore:.*infer_string:DeprecationWarning",
        "ignore:Dask support:FutureWarning",
        # Ibis of duckdb.
        "ignore:fetch_arrow_table:DeprecationWarning",
    )
    for rule in rules:
        test = pytest.mark.filterwarnings(rule)(test)
    return test


@cache
def in_memory(at):
    formula, options = MODELS[at]
    return pylme.lmer(formula, DATA, engine="numpy", **options)


def lazily(engine, folder):
    match engine:
        case "polars":
            return pl.from_pandas(DATA).lazy()
        case "duckdb":
            return duckdb.from_df(DATA)
        case "dask":
            return dd.from_pandas(DATA, npartitions=3)
        case "ibis":
            return ibis.memtable(DATA)
        case "pyarrow":
            table = pa.Table.from_pandas(DATA)
            for part in range(2):
                rows = table.slice(part * 300, 300)
                pyarrow.parquet.write_table(rows, folder / f"{part}.parquet")
            return pyarrow.dataset.dataset(folder)
    raise ValueError(engine)


def compare(at, lazy):
    formula, options = MODELS[at]
    fit, known = pylme.lmer(formula, lazy, engine="numpy", **options), in_memory(at)
    assert fit.criterion == pytest.approx(known.criterion, rel=SAME_CRITERION)
    step, hessian = fit.theta - known.theta, known.optinfo.hessian
    if len(hessian) == len(step):
        assert abs(0.5 * step @ hessian @ step) < SAME_THETA
    assert list(fit.fixef.index) == list(known.fixef.index)
    errors = np.sqrt(np.diag(np.asarray(known.vcov)))
    assert np.abs((fit.fixef - known.fixef) / errors).max() < 1e-6
    mine, theirs = fit.to_pandas(), known
    assert np.asarray(mine.vcov) == pytest.approx(np.asarray(theirs.vcov), rel=1e-7, abs=1e-12)
    assert mine.sigma == pytest.approx(theirs.sigma, rel=1e-9)
    assert mine.nobs == theirs.nobs
    assert mine.ngrps == theirs.ngrps


@quiet
@pytest.mark.parametrize("at", range(len(MODELS)), ids=lambda at: f"{MODELS[at][0]}-{at}")
def test_polars(at, tmp_path):
    compare(at, lazily("polars", tmp_path))


@quiet
@pytest.mark.parametrize("engine", ["duckdb", "dask", "ibis", "pyarrow"])
def test_few_models_on_other_engines(engine, tmp_path):
    lazy = lazily(engine, tmp_path)
    for model in FEW if engine != "dask" else FEW[:3]:
        compare(MODELS.index(model), lazy)


@pytest.mark.simulation
@quiet
@pytest.mark.parametrize("engine", ["duckdb", "dask", "ibis", "pyarrow"])
def test_all_models_on_other_engines(engine, tmp_path):
    lazy = lazily(engine, tmp_path)
    for at in range(len(MODELS)):
        compare(at, lazy)


def test_the_warnings_are_those_of_rows_in_memory():
    formula = "y ~ x + z + both + (1 | g)"
    said = []
    for data in (DATA, pl.from_pandas(DATA).lazy()):
        with pytest.warns(PylmeWarning) as warned:
            pylme.lmer(formula, data, engine="numpy")
        said.append([(type(each.message), str(each.message)) for each in warned])
    assert said[0] == said[1]


@pytest.mark.parametrize("formula", ["y ~ poly(far, 3) + f + (x | g)", "y ~ scale(z) + (1 | g/s)"])
def test_new_rows_are_predicted_as_by_a_fit_in_memory(formula):
    new, options = DATA.head(20), {"interval": "prediction"}
    lazy = pylme.lmer(formula, duckdb.from_df(DATA), engine="numpy").predict(new, **options)
    known = pylme.lmer(formula, DATA, engine="numpy").predict(new, **options)
    assert np.asarray(lazy) == pytest.approx(np.asarray(known), rel=1e-8)


def test_a_fit_by_the_other_criterion_needs_no_pass():
    formula, lazy = "y ~ x + (x | g)", pl.from_pandas(DATA).lazy()
    fit = pylme.lmer(formula, lazy, engine="numpy").refit(reml=False)
    known = pylme.lmer(formula, DATA, engine="numpy", reml=False)
    assert fit.criterion == pytest.approx(known.criterion, rel=SAME_CRITERION)
