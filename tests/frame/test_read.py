"""Which columns and rows are read, and that nothing of the caller's is touched."""

# ruff: noqa: PD011 - these are the values of our columns, not of pandas'

import narwhals.stable.v2 as narwhals
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from pylme.errors import (
    ColumnTypeError,
    ColumnValueError,
    DataTypeError,
    MissingRowsWarning,
    RowCountError,
    RowLabelError,
    UnknownColumnError,
)
from pylme.frame import column_names, read_frame

PLAIN = {"y": [1.5, 2.5, 3.5, 4.5], "g": ["b", "a", "b", "c"], "use": [True, True, True, False]}
TABLES = {
    "pandas": pd.DataFrame(PLAIN),
    "polars": pl.DataFrame(PLAIN),
    "pyarrow": pa.table(PLAIN),
    "dict of lists": PLAIN,
    "dict of arrays": {name: np.array(column) for name, column in PLAIN.items()},
}
every_table = pytest.mark.parametrize("data", TABLES.values(), ids=TABLES)


def pandas_table() -> pd.DataFrame:
    return pd.DataFrame(PLAIN, index=["p", "q", "r", "s"])


@every_table
def test_only_the_columns_named_are_read(data):
    frame = read_frame(data, ["g", "y", "g"])
    assert list(frame.columns) == ["g", "y"]
    assert frame.columns["y"].values.tolist() == PLAIN["y"]
    assert [frame.columns["g"].levels[code] for code in frame.columns["g"].codes] == PLAIN["g"]
    assert (frame.nrow, frame.n_given, frame.kept, frame.index) == (4, 4, None, None)
    assert column_names(data) == tuple(PLAIN)


def test_a_column_that_is_not_named_may_hold_anything():
    data = pd.DataFrame({"y": [1.0, 2.0], "bad": [1j, 2j], "gap": [np.nan, np.inf]})
    assert read_frame(data, ["y"]).nrow == 2


@every_table
def test_a_name_that_is_lacking_comes_with_the_nearest(data):
    with pytest.raises(UnknownColumnError, match=r"'G'.*\n.*Did you mean 'g'"):
        read_frame(data, ["G"])
    with pytest.raises(UnknownColumnError, match=r"`subset`.*\n.*Did you mean 'use'"):
        read_frame(data, ["y"], subset="user")


@pytest.mark.parametrize("data", [3, "data.csv", [1, 2], np.zeros((2, 2)), pl.Series([1]), None])
def test_what_is_no_table_is_refused(data):
    with pytest.raises(DataTypeError, match="not a data frame"):
        read_frame(data, ["y"])


def test_a_lazy_frame_is_refused_with_the_remedy():
    with pytest.raises(DataTypeError, match="collect"):
        read_frame(pl.LazyFrame(PLAIN), ["y"])


def test_labels_that_are_no_strings_are_known_by_their_text():
    data = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]])
    assert column_names(data) == ("0", "1")
    assert read_frame(data, ["1"]).columns["1"].values.tolist() == [2.0, 4.0]
    assert read_frame({7: [1.0, 2.0]}, ["7"]).nrow == 2


@pytest.mark.parametrize("labels", [["x", "y", "x"], [1, "y", "1"]])
def test_a_repeated_name_is_refused_only_when_it_is_used(labels):
    data = pd.DataFrame(np.ones((2, 3)), columns=labels)
    assert read_frame(data, ["y"]).nrow == 2
    with pytest.raises(ColumnValueError, match="2 columns of that name"):
        read_frame(data, [str(labels[0])])


def test_a_repeated_name_in_arrow_is_refused_with_the_remedy():
    data = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0]), pa.array([3.0])], list("xyx"))
    with pytest.raises(DataTypeError, match="rename_columns"):
        read_frame(data, ["y"])


def test_columns_of_several_levels_are_refused_with_the_remedy():
    data = pd.DataFrame([[1.0]], columns=pd.MultiIndex.from_tuples([("a", "b")]))
    with pytest.raises(DataTypeError, match=r"2 levels\n.*join"):
        read_frame(data, ["a"])


# --- extra columns and the subset ----------------------------------------------------------------


@every_table
@pytest.mark.parametrize("make", [list, np.array, pl.Series, pa.array, pd.Series])
def test_extra_columns_of_any_kind_are_matched_by_position(data, make):
    frame = read_frame(data, ["y"], extra={"w": make([1.0, 2.0, 3.0, 4.0])})
    assert frame.columns["w"].values.tolist() == [1.0, 2.0, 3.0, 4.0]


@every_table
def test_extra_columns_of_another_length_are_refused(data):
    with pytest.raises(RowCountError, match=r"'w'.*3 values for 4 rows"):
        read_frame(data, ["y"], extra={"w": [1.0, 2.0, 3.0]})
    with pytest.raises(RowCountError, match=r"'subset'.*5 values for 4 rows"):
        read_frame(data, ["y"], subset=[True] * 5)


@pytest.mark.parametrize(
    "value", [2.0, "w", np.array(2.0), None, {1, 2, 3, 4}, {"a": 1}, iter([1])]
)
def test_what_is_no_sequence_is_no_column(value):
    with pytest.raises(ColumnTypeError, match=r"'w'.*not a sequence of values"):
        read_frame(PLAIN, ["y"], extra={"w": value})
    with pytest.raises(ColumnTypeError, match=r"'w'.*not a sequence of values"):
        read_frame({"w": value}, ["w"])


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_frames_that_narwhals_has_wrapped_are_read_too(make):
    data = narwhals.from_native(make(PLAIN))
    frame = read_frame(data, ["y"], extra={"w": data["g"]}, subset=data["use"])
    assert frame.columns["y"].values.tolist() == [1.5, 2.5, 3.5]
    assert frame.columns["w"].levels == ("a", "b")


def test_an_extra_column_is_never_aligned_silently():
    data = pandas_table()
    for index in (["q", "p", "r", "s"], None):
        shuffled = pd.Series([1.0, 2.0, 3.0, 4.0], index=index)
        with pytest.raises(RowLabelError, match=r"'w'.*\n.*reindex"):
            read_frame(data, ["y"], extra={"w": shuffled})
        with pytest.raises(RowLabelError, match="'subset'"):
            read_frame(data, ["y"], subset=shuffled > 1)
    assert read_frame(data, ["y"], extra={"w": data["y"] * 2}).nrow == 4


def test_an_extra_column_of_a_name_that_is_taken_is_refused():
    with pytest.raises(ColumnValueError, match="given twice"):
        read_frame(PLAIN, ["y"], extra={"y": [1.0, 2.0, 3.0, 4.0]})


def test_series_in_a_dict_give_the_index_and_must_agree_on_it():
    data = {name: pandas_table()[name] for name in PLAIN}
    assert list(read_frame(data, ["y", "g"]).index) == ["p", "q", "r", "s"]
    data["g"] = data["g"].iloc[::-1]
    with pytest.raises(RowLabelError, match="'g'"):
        read_frame(data, ["y", "g"])


def test_columns_of_a_dict_must_have_one_length():
    with pytest.raises(RowCountError, match=r"'g'.*1 values for 2 rows"):
        read_frame({"y": [1.0, 2.0], "g": ["a"]}, ["y", "g"])


@every_table
@pytest.mark.parametrize(
    "subset",
    [
        "use",
        [True, True, True, False],
        np.array([1, 1, 1, 0], dtype=bool),
        [True, True, True, None],
    ],
    ids=["name", "list", "array", "missing is false"],
)
def test_the_subset_leaves_rows_and_their_levels_out_without_a_warning(data, subset):
    frame = read_frame(data, ["y", "g"], subset=subset)
    assert frame.kept.tolist() == [True, True, True, False]
    assert frame.columns["g"].levels == ("a", "b")
    assert frame.columns["y"].values.tolist() == [1.5, 2.5, 3.5]
    assert frame.missing == {}


def test_a_subset_that_is_all_true_is_none():
    assert read_frame(PLAIN, ["y"], subset=[True] * 4).kept is None


@pytest.mark.parametrize("subset", [[0, 1, 2, 3], "y", ["a", "b", "c", "d"]])
def test_a_subset_of_anything_but_truth_values_is_refused(subset):
    with pytest.raises(ColumnTypeError, match="one truth value for each row"):
        read_frame(PLAIN, ["y"], subset=subset)


def test_missing_values_outside_of_the_subset_do_not_count():
    data = {"y": [1.0, np.nan, np.inf, np.nan], "use": [True, True, False, False]}
    with pytest.warns(MissingRowsWarning, match=r"1 of 2 rows .* 'y' \(1\)"):
        frame = read_frame(data, ["y"], subset="use")
    assert frame.missing == {"y": 1}
    assert frame.kept.tolist() == [True, False, False, False]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table, dict])
def test_doubles_are_not_copied(make):
    given = np.arange(1000.0)
    data = make({"y": given})
    column = data["y"]
    held = column if isinstance(column, np.ndarray) else column.to_numpy()
    assert np.shares_memory(read_frame(data, ["y"]).columns["y"].values, held)


def test_the_flags_of_the_callers_arrays_stay():
    given = {"y": np.arange(3.0), "i": np.arange(3, dtype=np.int32), "b": np.ones(3, dtype=bool)}
    read_frame(given, list(given))
    assert all(array.flags.writeable for array in given.values())


def test_the_callers_objects_stay():
    given = np.ma.masked_array(np.array(["a", "b"], dtype=object), mask=[False, True])
    with pytest.warns(MissingRowsWarning):
        read_frame({"g": given}, ["g"])
    assert given.data.tolist() == ["a", "b"]
