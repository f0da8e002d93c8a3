"""The cross-check of a fit to sums compares columns of rows, and sums by a second engine."""

from __future__ import annotations

import pickle
from dataclasses import replace

import duckdb
import polars as pl
import pytest

import pylme
from pylme.crosscheck.sides import Sides
from pylme.crosscheck.tiers.lazy_data import sample, sums
from pylme.crosscheck.tiers.registry import LAZY, compare
from tests.model_matrix.lazy.models import DATA

FORMULA = "y ~ x * f + (x | g) + (1 | h)"


@pytest.fixture(scope="module")
def fit():
    return pylme.lmer(FORMULA, pl.from_pandas(DATA).lazy(), engine="numpy", weights="w")


def sides(fit, **changes):
    model = fit._model
    return Sides(fit=model, terms=model.design.terms, summed=replace(model.spec.summed, **changes))


def test_columns_and_sums_agree(fit, tmp_path):
    check = fit.cross_check(starts=1)
    assert check.verdict.name == "AGREES"
    assert [tier.ok for tier in check.tiers[:2]] == [True, True]
    assert "duckdb" in str(check)


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_files_are_read_by_the_other_engine(tmp_path, engine, monkeypatch):
    DATA.to_parquet(tmp_path / "data.parquet")
    monkeypatch.setattr("pylme.frame.lazy_table._reader", lambda _: engine)
    fit = pylme.lmer("y ~ x + (1 | g)", tmp_path, engine="numpy")
    (rows,) = (pair.quantity for pair in sums(sides(fit)) if pair.quantity.startswith("rows"))
    assert rows == f"rows, by {'duckdb' if engine == 'polars' else 'polars'}"


def test_a_wrong_sum_is_found(fit):
    design = fit._model.design
    wrong = sides(fit, design=replace(design, y=design.y * (1 + 1e-7)))
    assert compare(wrong, tiers=LAZY, stop=2)[1].failures


def test_a_wrong_column_is_found(fit):
    columns = fit._model.spec.summed.columns
    wrong = sides(fit, columns=replace(columns, X=columns.X[::-1]))
    assert compare(wrong, tiers=LAZY, stop=1)[0].failures


def test_reasons_are_given_where_nothing_is_compared(fit, monkeypatch):
    kept = pickle.loads(pickle.dumps(fit))
    assert "pickled" in kept.cross_check(starts=2).tiers[0].reason
    monkeypatch.setattr("pylme.crosscheck.tiers.lazy_data._MOST", 10)
    assert "no second engine" in sums(sides(fit))


def test_a_level_that_is_read_otherwise_is_found(fit):
    rows = duckdb.from_df(DATA.assign(g=DATA["g"] + "!"))
    again = pylme.lmer(FORMULA, rows, engine="numpy", weights="w")
    wrong = sides(fit, data=again._model.spec.summed.data)
    pairs = {pair.quantity: pair for pair in sample(wrong)}
    assert not pairs["known levels of g"].independent.any()
