"""What a frame shows of itself, and that it travels."""

import pickle

import numpy as np
import pandas as pd
import pytest

from pylme.errors import (
    MissingRowsWarning,
)
from pylme.frame import Factor, read_frame


def test_a_frame_is_shown_to_be_read():
    data = {
        "y": [1.5, 2.0, None, 4.0],
        "g": ["b", "a", "b", "b"],
        "day": np.array([0, 1, 2, 3], dtype="M8[D]"),
        "ok": [True, False, True, True],
        "n": [7, 8, 9, 10],
        "at": pd.date_range("2024-01-01", periods=4, freq="h", tz="Europe/Paris"),
    }
    with pytest.warns(MissingRowsWarning):
        frame = read_frame(data, list(data))
    assert str(frame).splitlines() == [
        "Frame of 3 rows and 6 columns; 1 of 4 rows left out, missing values in 'y' (1)",
        "  y    numeric, 1.5 to 4",
        "  g    factor, 2 levels: a, b",
        "  day  date, 1970-01-01 to 1970-01-04",
        "  ok   logical, 2 of 3 true",
        "  n    integer, 7 to 10",
        "  at   timestamp, 2023-12-31T23:00:00 to 2024-01-01T02:00:00 "
        "(shown in UTC, kept in Europe/Paris)",
    ]


def test_levels_are_shown_up_to_five():
    many = pd.Categorical(list("fedcba"), categories=list("fedcba"), ordered=True)
    factor = read_frame({"g": many}, ["g"]).columns["g"]
    assert isinstance(factor, Factor)
    assert str(factor) == "ordered factor, 6 levels: f < e < d < c < b …"
    assert repr(factor) == f"<{factor} in 6 rows>"


def test_a_frame_pickles():
    table = pd.DataFrame(
        {"y": [1.5, 2.5, 3.5], "g": ["b", "a", "c"], "use": [True, True, False]},
        index=["p", "q", "r"],
    )
    frame = read_frame(table, ["y", "g"], subset="use")
    copy = pickle.loads(pickle.dumps(frame))
    assert str(copy) == str(frame)
    pd.testing.assert_series_equal(
        copy.rows.place(copy.columns["y"].values), frame.rows.place(frame.columns["y"].values)
    )


def test_an_owned_frame_follows_no_change_of_the_callers_data():
    given = {
        "y": np.array([1.5, 2.5, 3.5]),
        "n": np.array([1, 2, 3], dtype=np.int32),
        "g": pd.Categorical.from_codes(np.array([0, 1, 0], dtype=np.int32), ["a", "b"]),
        "ok": np.array([True, False, True]),
    }
    frame = read_frame(given, list(given)).owned()
    before = {name: str(column) for name, column in frame.columns.items()}
    given["y"][:] = given["n"][:] = 0
    given["ok"][:] = False
    assert {name: str(column) for name, column in frame.columns.items()} == before
    for name, part in (("y", "values"), ("g", "codes")):
        assert not getattr(frame.columns[name], part).flags.writeable
