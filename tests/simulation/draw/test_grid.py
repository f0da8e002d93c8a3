"""Balanced grids, against R's expand.grid."""

from __future__ import annotations

import pandas as pd
import pytest

import pylme
from pylme.errors import DataTypeError, EmptyDataError
from tests.native import native


@pytest.mark.needs_r
def test_the_order_is_that_of_r():
    of_r = native('expand.grid(a = c(3, 1, 2), b = c("x", "y"), c = 1:4, stringsAsFactors = FALSE)')
    ours = pylme.expand_grid(a=[3, 1, 2], b=["x", "y"], c=range(1, 5))
    for name in "abc":
        assert ours[name].tolist() == list(of_r[name])


def test_names_that_are_no_keywords_come_in_a_mapping():
    grid = pylme.expand_grid({"sch.id": [1, 2]}, ses=[10, 20, 30], sector="Public")
    assert list(grid) == ["sch.id", "ses", "sector"]
    assert grid["sch.id"].tolist() == [1, 2] * 3
    assert set(grid["sector"]) == {"Public"}


def test_a_categorical_keeps_its_levels():
    levels = pd.Categorical(["b"], categories=["c", "b", "a"], ordered=True)
    grid = pylme.expand_grid(x=[1, 2], level=levels)
    assert grid["level"].dtype == levels.dtype


def test_what_is_no_grid_is_refused():
    with pytest.raises(DataTypeError, match="the grid has no columns"):
        pylme.expand_grid()
    with pytest.raises(DataTypeError, match="given twice"):
        pylme.expand_grid({"x": [1]}, x=[2])
    with pytest.raises(EmptyDataError, match="'x' of the grid has no values"):
        pylme.expand_grid(y=[1], x=[])
