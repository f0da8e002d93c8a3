"""Loading and describing, without R."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
import pytest

from pylme import datasets
from pylme.errors import UnknownNameError

NAMES = (
    "hsb", "sleepstudy", "penicillin", "pastes", "dyestuff", "dyestuff2", "cbpp", "insteval",
    "cake", "verbagg", "grouseticks",
)  # fmt: skip


def test_names():
    assert datasets.names() == NAMES


@pytest.mark.parametrize("function", [datasets.load, datasets.describe])
def test_an_unknown_name_is_refused_with_the_nearest(function):
    with pytest.raises(UnknownNameError, match="Did you mean 'sleepstudy'"):
        function("sleepstudie")


def test_each_call_gives_a_new_frame():
    first = datasets.load("sleepstudy")
    first["Reaction"] = 0.0
    assert (datasets.load("sleepstudy")["Reaction"] > 0).all()


def test_hsb_columns():
    hsb = datasets.load("hsb")
    assert list(hsb.columns) == [
        "sch.id", "math", "ses", "sector", "cses", "meanses", "minority", "female",
    ]  # fmt: skip
    assert (len(hsb), hsb["sch.id"].nunique()) == (7185, 160)


def test_hsb_centres_within_schools():
    hsb = datasets.load("hsb")
    of_school = hsb.groupby("sch.id", observed=True)
    np.testing.assert_allclose(of_school["ses"].transform("mean"), hsb["meanses"], atol=1e-15)
    np.testing.assert_allclose(hsb["ses"] - hsb["meanses"], hsb["cses"], atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_the_description_fits_the_data(name):
    description = datasets.describe(name)
    data = datasets.load(name)
    assert description.rows == len(data)
    assert [column.name for column in description.columns] == list(data.columns)
    page = str(description)
    for column in description.columns:
        assert column.meaning in page
        assert bool(column.levels) is (data[column.name].dtype == "category")
        assert bool(column.unit) or bool(column.levels)
    words = json.loads(
        files("pylme.datasets").joinpath("data", "descriptions.json").read_text(encoding="utf-8")
    )
    assert set(words[name]["columns"]) == set(data.columns)


def test_levels_are_shown_in_their_order():
    columns = {column.name: column for column in datasets.describe("cake").columns}
    assert "175 < 185 < 195" in str(columns["temperature"])
    assert str(columns["recipe"]).endswith("factor: A, B, C")
    assert "ordered" not in str(columns["angle"])
    assert "15 levels: 1, 2, ..., 15" in str(columns["replicate"])
