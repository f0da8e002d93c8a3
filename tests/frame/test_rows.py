"""Each value in its own row, whatever was left out."""

# ruff: noqa: PD011 - these are the values of our columns, not of pandas'

import json
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylme.errors import MissingRowsWarning, RowCountError
from pylme.frame import Rows, read_frame

INDEXES = {
    "strings": pd.Index(["p", "q", None, "s"], name="pupil"),
    "objects": pd.Index(["p", 2, 3.5, True], dtype=object),
    "integers": pd.Index([40, 30, 20, 10]),
    "floats": pd.Index([0.1, float("nan"), 1e300, -1 / 3]),
    "range with a name": pd.RangeIndex(4, name="row"),
    "range from 5": pd.RangeIndex(5, 9),
    "times": pd.DatetimeIndex(["2024-01-01 12:00:00.000001", None, "1900-01-01", "2100-01-01"]),
    "zoned times": pd.DatetimeIndex(
        pd.date_range("2024-03-30", periods=4, tz="Europe/Paris"), freq=None
    ),
    "several levels": pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", None]),
}
every_index = pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)


@st.composite
def patterns(draw):
    """A table with gaps in each of its columns, of which at least one row is complete."""
    size = draw(st.integers(1, 40))
    gap = st.lists(st.booleans(), min_size=size, max_size=size)
    gaps = [np.array(draw(gap)) for _ in range(3)]
    complete = draw(st.integers(0, size - 1))
    for column in gaps:
        column[complete] = False
    return gaps, draw(st.permutations(range(size)))


@given(patterns())
def test_values_land_in_their_own_rows(pattern):
    (y_gap, g_gap, outside), labels = pattern
    size = len(labels)
    y = np.arange(size, dtype=float)
    text = pd.Series([f"g{i}" for i in range(size)], dtype=object)
    data = pd.DataFrame({"y": np.where(y_gap, np.nan, y), "g": text.mask(g_gap)})
    data.index = pd.Index(labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingRowsWarning)
        frame = read_frame(data, ["y", "g"], subset=~outside)
    used = ~(y_gap | g_gap | outside)
    expected = pd.Series(np.where(used, y, np.nan), index=data.index, name="same")
    factor = frame.columns["g"]
    numbers = [float(factor.levels[code][1:]) for code in factor.codes]
    for values in (frame.columns["y"].values, numbers):
        pd.testing.assert_series_equal(frame.rows.place(values, name="same"), expected)
    assert frame.nrow == used.sum()
    assert frame.n_given == size
    counts = {"y": int((y_gap & ~outside).sum()), "g": int((g_gap & ~outside).sum())}
    assert frame.missing == {name: count for name, count in counts.items() if count}
    assert frame.rows.used_index.tolist() == data.index[used].tolist()


def test_a_plain_range_is_given_back_as_one():
    placed = read_frame({"y": [1.0, 2.0]}, ["y"]).rows.place([5.0, 6.0])
    pd.testing.assert_series_equal(placed, pd.Series([5.0, 6.0]))


def test_what_is_placed_is_the_callers_to_change():
    values = np.array([1.0, 2.0])
    values.flags.writeable = False
    placed = Rows(n_given=2).place(values)
    placed.iloc[0] = 9.0
    assert values[0] == 1.0


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0, 3.0], 1.0, [[1.0, 2.0]]])
def test_one_value_for_each_row_is_wanted(values):
    with pytest.raises(RowCountError, match="for 2 rows"):
        Rows(n_given=3, kept=np.array([True, False, True])).place(values)


@every_index
def test_the_index_of_the_caller_is_kept(index):
    data = pd.DataFrame({"y": [1.0, 2.0, np.nan, 4.0]}, index=index)
    with pytest.warns(MissingRowsWarning):
        placed = read_frame(data, ["y"]).rows.place([1.0, 2.0, 4.0], name="y")
    pd.testing.assert_series_equal(placed, data["y"])


@given(st.lists(st.booleans(), min_size=3, max_size=30), st.data())
def test_rows_lost_later_are_counted_among_those_used(kept, data):
    kept = np.array([*kept, True])
    used = np.flatnonzero(kept)
    lost = data.draw(st.lists(st.integers(0, len(used) - 1), unique=True))
    rows = Rows(n_given=len(kept), kept=kept).without(lost)
    assert rows.used_index.tolist() == np.delete(used, lost).tolist()
    assert kept.sum() == len(used)


@every_index
@pytest.mark.parametrize("lost", [[], [0, 2]])
def test_rows_survive_json_and_pickle(index, lost):
    rows = Rows(n_given=4, index=index).without(lost)
    text = json.dumps(rows.to_plain(), allow_nan=False)
    for copy in (Rows.from_plain(json.loads(text)), pickle.loads(pickle.dumps(rows))):
        pd.testing.assert_series_equal(
            copy.place(np.arange(copy.nrow)), rows.place(np.arange(rows.nrow))
        )


def test_labels_that_json_has_no_place_for_become_text():
    rows = Rows(n_given=2, index=pd.period_range("2024-01", periods=2, freq="M"))
    copy = Rows.from_plain(json.loads(json.dumps(rows.to_plain())))
    assert copy.given_index.tolist() == ["2024-01", "2024-02"]
