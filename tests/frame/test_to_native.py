"""Results in the library of the data."""

import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from pylme.errors import NotAvailableError
from pylme.frame import read_frame, to_native

TABLE = pd.DataFrame({"y": [1.5, 2.0, 4.0], "g": ["b", "a", "b"]})
LIBRARIES = {
    "pandas": TABLE,
    "polars": pl.from_pandas(TABLE),
    "pyarrow": pa.Table.from_pandas(TABLE),
}
RESULT = pd.DataFrame(
    {
        "estimate": [1.5, np.nan],
        "term": ["x", None],
        "count": [1, 2],
        "certain": [True, False],
        "level": pd.Categorical(["v", "u"], categories=["v", "u"]),
        "nullable": pd.array([1, None], dtype="Int64"),
        "missing": [None, None],
        "time": pd.to_datetime(["2024-01-01 00:00", "2024-02-29 12:00"]).tz_localize(
            "Europe/Berlin"
        ),
    },
    index=["r", "s"],
)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_frame_knows_the_library_of_its_data(library):
    frame = read_frame(LIBRARIES[library], ["y", "g"])
    assert frame.library == frame.rows.library == library
    kept = frame.rows.without([1])
    assert kept.library == type(kept).from_plain(kept.to_plain()).library == library


@pytest.mark.parametrize("data", [TABLE.to_dict("list"), {"y": np.ones(3), "g": list("aba")}])
def test_results_of_a_dict_are_of_pandas(data):
    assert read_frame(data, ["y", "g"]).library == "pandas"


def test_rows_saved_without_a_library_are_of_pandas():
    rows = read_frame(TABLE, ["y"]).rows
    plain = {key: value for key, value in rows.to_plain().items() if key != "library"}
    assert type(rows).from_plain(plain).library == "pandas"


def test_pandas_is_handed_on():
    assert to_native(RESULT, "pandas") is RESULT
    assert to_native(RESULT["term"], "pandas").name == "term"


def test_polars_has_the_same_values_and_the_row_labels_as_a_column():
    frame = to_native(RESULT, "polars")
    assert frame.columns == ["index", *RESULT.columns]
    assert frame["index"].to_list() == ["r", "s"]
    assert frame["estimate"].is_nan().to_list() == [False, True]
    assert frame["term"].to_list() == ["x", None]
    assert frame["level"].dtype == pl.Enum(["v", "u"])
    assert frame["nullable"].to_list() == [1, None]
    assert frame["missing"].dtype == pl.String
    assert frame["time"].to_list() == RESULT["time"].to_list()


def test_pyarrow_has_the_same_values_and_the_row_labels_as_a_column():
    table = to_native(RESULT, "pyarrow")
    assert table.column_names == ["index", *RESULT.columns]
    assert table["term"].to_pylist() == ["x", None]
    assert table["level"].to_pylist() == ["v", "u"]
    assert pa.types.is_dictionary(table["level"].type)
    assert table["time"].to_pylist() == RESULT["time"].to_list()


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_what_becomes_of_row_labels(library):
    def names(frame):
        found = to_native(frame, library)
        return found.columns if library == "polars" else found.column_names

    column = pd.DataFrame({"b": [1.0, 2.0]})
    assert names(column) == ["b"]
    assert names(column.rename_axis("row")) == ["b"]
    assert names(column.set_axis(pd.Index([3, 4], name="b"), axis=0)) == ["b.", "b"]
    pairs = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["g", None])
    assert names(column.set_axis(pairs, axis=0)) == ["g", "index_1", "b"]
    assert names(column.iloc[:0]) == ["b"]


def test_a_series_leaves_its_row_labels():
    series = pd.Series([1.0, np.nan], index=["r", "s"], name="residual")
    of_polars = to_native(series, "polars")
    assert of_polars.name == "residual"
    assert of_polars.is_nan().to_list() == [False, True]
    assert to_native(series, "pyarrow").to_pylist()[0] == 1.0


def test_a_library_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(NotAvailableError, match="pip install polars"):
        to_native(pd.DataFrame({"estimate": [1.0]}), "polars")
