"""Rows of lazy data that are left out, and values that are refused, as in memory."""

from __future__ import annotations

import duckdb
import numpy as np
import polars as pl
import pytest

import pylme
from pylme.errors import (
    EmptyDataError,
    GroupingFactorError,
    MissingRowsWarning,
    MissingValueError,
)
from tests.model_matrix.lazy.models import DATA

HOLES = DATA.copy()
HOLES.loc[[1, 5, 7], "x"] = np.nan
HOLES.loc[[5, 9], "f"] = None
HOLES.loc[11, "g"] = None
HOLES.loc[HOLES.index[HOLES["f"] == "c"], "z"] = np.nan


def fit(formula, data=DATA, **options):
    return pylme.lmer(formula, pl.from_pandas(data).lazy(), engine="numpy", **options)


@pytest.mark.parametrize(
    "formula", ["y ~ x + f + (1 | g)", "y ~ z + f + (1 | g)", "y ~ log(x) + (1 | g)"]
)
def test_missing_values_are_counted_and_left_out(formula):
    found = []
    for data in (HOLES, duckdb.from_df(HOLES), pl.from_pandas(HOLES).lazy()):
        with (
            np.errstate(invalid="ignore"),
            pytest.warns(MissingRowsWarning) as warned,
        ):
            made = pylme.lmer(formula, data, engine="numpy")
        said = [str(each.message) for each in warned if each.category is MissingRowsWarning]
        found.append((made.criterion, made.nobs, list(made.fixef.index), said))
    for lazy in found[1:]:
        assert lazy[0] == pytest.approx(found[0][0], rel=1e-9)
        assert lazy[1:] == found[0][1:]


def test_missing_values_may_be_an_error():
    with pytest.raises(MissingValueError, match="x"):
        fit("y ~ x + (1 | g)", HOLES, na_action="fail")


def test_a_grouping_factor_of_one_level_is_refused():
    with pytest.raises(GroupingFactorError, match="one level"):
        fit("y ~ x + (1 | one)", DATA.assign(one="a"))


def test_a_subset_without_rows_is_refused():
    with pytest.raises(EmptyDataError, match="no rows"):
        fit("y ~ x + (1 | g)", DATA.assign(never=False), subset="never")
