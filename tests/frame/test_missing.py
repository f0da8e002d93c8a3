"""Rows that are missing, infinite or not there at all."""

# ruff: noqa: PD011 - these are the values of our columns, not of pandas'

import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from pylme.errors import (
    EmptyDataError,
    InfiniteValueError,
    MissingRowsWarning,
    MissingValueError,
    OptionError,
)
from pylme.frame import read_frame


def test_one_warning_counts_all_columns_and_points_at_the_caller():
    data = pd.DataFrame({"y": [1.0, np.nan, 3.0, np.nan], "g": ["a", None, None, "b"]})
    with pytest.warns(MissingRowsWarning) as caught:
        frame = read_frame(data, ["y", "g"])
    (warning,) = caught
    assert warning.filename == __file__
    assert warning.message.counts == {"y": 2, "g": 2}
    assert (warning.message.dropped, warning.message.given) == (3, 4)
    assert frame.missing == {"y": 2, "g": 2}
    assert frame.columns["g"].levels == ("a",)


def test_missing_values_may_be_forbidden():
    with pytest.raises(MissingValueError, match=r"'y' \(1\)"):
        read_frame({"y": [1.0, None]}, ["y"], na_action="fail")
    with pytest.raises(OptionError, match=r"'omit'.*'fail'"):
        read_frame({"y": [1.0]}, ["y"], na_action="exclude")


def test_infinite_values_are_named_by_column_and_row_label():
    data = pd.DataFrame({"y": [1.0, np.inf, -np.inf, 4.0]}, index=["p", "q", "r", "s"])
    with pytest.raises(InfiniteValueError, match="'y': 2 infinite values, the first in row 'q'"):
        read_frame(data, ["y"])
    with pytest.raises(InfiniteValueError, match="'y': 1 infinite value, the first in row 2"):
        read_frame(data.reset_index(), ["y"], subset=[True, False, True, True])
    assert read_frame(data, ["y"], subset=[True, False, False, True]).nrow == 2


def test_values_whose_sum_is_infinite_are_not():
    frame = read_frame({"y": [1e308, 1e308, -1e308]}, ["y"])
    assert frame.columns["y"].values.tolist() == [1e308, 1e308, -1e308]


@pytest.mark.parametrize(
    ("data", "options", "reason"),
    [
        ({"y": []}, {}, "no rows"),
        (pl.DataFrame({"y": []}, schema={"y": pl.Float64}), {}, "no rows"),
        (pd.DataFrame({"y": [1.0]}).iloc[:0], {}, "no rows"),
        ({"y": [1.0]}, {"subset": [False]}, "subset"),
        ({"y": [None, None]}, {}, r"'y' \(2\)"),
        (pl.DataFrame({"y": [None, None]}), {}, r"'y' \(2\)"),
        (pa.table({"y": [None, None]}), {}, r"'y' \(2\)"),
    ],
)
def test_data_without_a_row_are_refused(data, options, reason):
    with pytest.raises(EmptyDataError, match=reason):
        read_frame(data, ["y"], **options)


@pytest.mark.needs_r
def test_the_missing_values_of_r_are_missing():
    """In a process of its own, which may start R without pylme."""
    code = """
        import warnings
        import pandas as pd
        from rpy2 import rinterface as ri
        from pylme.errors import MissingRowsWarning
        from pylme.frame import read_frame
        ri.initr()
        data = pd.DataFrame({
            "s": pd.Series([ri.NA_Character, "a", "b", "a", "b"], dtype=object),
            "i": pd.Series([1, ri.NA_Integer, 2, 3, 4], dtype=object),
            "d": pd.Series([1.5, 2.5, ri.NA_Real, 3.5, 4.5], dtype=object),
            "l": pd.Series([True, False, True, ri.NA_Logical, False], dtype=object),
        })
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MissingRowsWarning)
            frame = read_frame(data, ["s", "i", "d", "l"])
        kinds = [type(column).__name__ for column in frame.columns.values()]
        print(frame.missing, frame.kept.tolist(), kinds)
    """
    answer = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == (
        "{'s': 1, 'i': 1, 'd': 1, 'l': 1} [False, False, False, False, True] "
        "['Factor', 'Integer', 'Numeric', 'Logical']"
    )
