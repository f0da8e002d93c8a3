"""Every type of every library becomes the type of R's that it is, with nothing lost."""

# ruff: noqa: PD011 - these are the values of our columns, not of pandas'

import datetime as dt
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from pylme.errors import (
    ColumnTypeError,
    ColumnValueError,
    MissingRowsWarning,
    SortedLevelsWarning,
)
from pylme.frame import Factor, Integer, Numeric, Timestamp, read_frame
from tests.frame.libraries import CASES, Case

pytestmark = pytest.mark.filterwarnings("ignore::pylme.errors.SortedLevelsWarning")


def read_one(column, **options):
    return read_frame({"x": column}, ["x"], **options).columns["x"]


def read_case(case: Case):
    with pytest.warns(MissingRowsWarning, match=r"1 of 3 rows .* 'x' \(1\)"):
        return read_one(case.column)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_kind_and_values(case):
    column = read_case(case)
    assert type(column).__name__ == case.kind
    if isinstance(column, Factor):
        assert tuple(column.levels[code] for code in column.codes) == case.shown
        assert column.levels == case.levels
        assert column.values == case.levels
        assert column.ordered is case.ordered
    else:
        assert tuple(column.values.tolist()) == case.shown
    if isinstance(column, Timestamp):
        assert column.tz == case.tz


@pytest.mark.parametrize("case", CASES, ids=str)
def test_arrays_are_of_the_promised_type_and_locked(case):
    dtypes = {
        "Numeric": "f8", "Integer": "i4", "Logical": "?", "Factor": "i4",
        "Date": "f8", "Timestamp": "f8",
    }  # fmt: skip
    column = read_case(case)
    array = column.codes if isinstance(column, Factor) else column.values
    assert array.dtype == dtypes[case.kind]
    assert array.flags.c_contiguous
    assert not array.flags.writeable


@pytest.mark.parametrize("case", CASES, ids=str)
def test_as_factor_sorts_by_value(case):
    """Any type can group: its levels come in the order of the values, one for each."""
    with pytest.warns(MissingRowsWarning):
        column = read_one(case.column, as_factor=["x"])
    assert isinstance(column, Factor)
    rank = case.levels or sorted(case.shown)
    assert [rank.index(value) for value in case.shown] == column.codes.tolist()


@pytest.mark.parametrize(
    ("column", "levels", "values"),
    [
        ([10, 9, 100000], ("9", "10", "100000"), (9, 10, 100000)),
        ([10.0, 9.5, 1e5], ("9.5", "10", "1e+05"), (9.5, 10.0, 1e5)),
        ([True, False], ("FALSE", "TRUE"), (False, True)),
        ([2**62, 2**62 + 1], (str(2**62), str(2**62 + 1)), (2**62, 2**62 + 1)),
        (np.array([0.3, 0.1 + 0.2, 0.5]), ("0.3", "0.5"), (0.3, 0.5)),
        (
            [dt.date(2024, 10, 1), dt.date(2024, 9, 1)],
            ("2024-09-01", "2024-10-01"),
            (dt.date(2024, 9, 1), dt.date(2024, 10, 1)),
        ),
        (
            pd.to_datetime(["2024-10-01 12:00", "2024-09-01 00:00"]).tz_localize("Europe/Paris"),
            ("2024-09-01 00:00:00", "2024-10-01 12:00:00"),
            tuple(
                pd.to_datetime(["2024-09-01 00:00", "2024-10-01 12:00"]).tz_localize("Europe/Paris")
            ),
        ),
    ],
)
def test_levels_of_plain_values(column, levels, values):
    factor = read_one(column, as_factor=["x"])
    assert factor.levels == levels
    assert factor.values == values


def test_a_polars_categorical_warns_once_that_its_levels_are_sorted():
    data = pl.DataFrame({"x": ["b", "a", "b"], "y": [1.0, 2.0, 3.0]})
    categorical = data.with_columns(pl.col("x").cast(pl.Categorical))
    with pytest.warns(SortedLevelsWarning, match=r"'x'.*Enum") as given:
        frame = read_frame(categorical, ["x", "y"])
    assert len(given) == 1
    assert frame.columns["x"].levels == ("a", "b")
    for ordered in (pl.Enum(["b", "a"]), pl.String):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read_frame(data.with_columns(pl.col("x").cast(ordered)), ["x", "y"])


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "i4", "u4", "i8", "u8"])
def test_every_width_of_integer(dtype):
    given = np.array([0, 1, 100], dtype=dtype)
    for column in (given, pd.Series(given), pl.Series(given), pa.array(given)):
        read = read_one(column)
        assert isinstance(read, Integer)
        assert read.values.tolist() == [0, 1, 100]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (2**31 - 1, Integer),
        (-(2**31) + 1, Integer),
        (-(2**31), Numeric),  # R's NA
        (2**31, Numeric),
        (2**53, Numeric),
        (-(2**53), Numeric),
    ],
)
def test_integers_stay_exact(value, kind):
    for column in ([value, 0], np.array([value, 0]), pl.Series([value, 0])):
        read = read_one(column)
        assert isinstance(read, kind)
        assert int(read.values[0]) == value


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, 2**63 - 1])
def test_integers_that_no_double_holds_are_named(value):
    with pytest.raises(ColumnValueError, match=f"'x'.*{value}"):
        read_one(np.array([1, value]))


@pytest.mark.parametrize("column", [[2**70, 1], [2**53 + 1, 0.5]])
def test_python_integers_that_no_double_holds_are_named(column):
    with pytest.raises(ColumnValueError, match=str(column[0])):
        read_one(column)


def test_a_large_integer_in_a_row_left_out_harms_nothing():
    frame = read_frame({"x": [1, 2**60], "y": [True, False]}, ["x"], subset="y")
    assert isinstance(frame.columns["x"], Integer)


def test_labels_of_a_category_are_kept_beside_their_text():
    cuts = pd.cut(pd.Series([1.0, 5.0, 9.0]), [0, 4, 8, 12])
    factor = read_one(cuts)
    assert factor.levels == ("(0, 4]", "(4, 8]", "(8, 12]")
    assert factor.values == tuple(cuts.cat.categories)
    assert factor.ordered
    numbers = read_one(pd.Series([20, 3, 20]).astype("category"))
    assert (numbers.levels, numbers.values) == (("3", "20"), (3, 20))


def test_categories_that_are_one_in_r_are_refused():
    with pytest.raises(ColumnValueError, match="1 and '1' are both '1'"):
        read_one(pd.Series(pd.Categorical([1, "1", 1], categories=[1, "1"])))


@pytest.mark.parametrize(
    "zone", [dt.timezone(dt.timedelta(hours=1)), dt.UTC, dt.timezone(dt.timedelta(minutes=-90))]
)
def test_fixed_offsets_are_the_same_points_in_time(zone):
    given = pd.Series([dt.datetime(1970, 1, 1, 3, tzinfo=zone)])
    for column in (given, given.astype(object)):
        read = read_one(column)
        assert read.values[0] == 3 * 3600 - zone.utcoffset(None).total_seconds()
        assert read.tz == "UTC"


def test_several_zones_in_one_object_column_are_one_scale():
    stamps = [pd.Timestamp("2024-01-01", tz=zone) for zone in ("Europe/Paris", "Asia/Tokyo")]
    read = read_one(pd.Series(stamps, dtype=object))
    assert read.tz == "UTC"
    assert read.values.tolist() == [stamp.timestamp() for stamp in stamps]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pd.Series([1 + 2j]), "complex"),
        (np.array([1 + 2j]), "complex"),
        ([1 + 2j], "complex"),
        (pd.Series(pd.to_timedelta([1], unit="s")), "total_seconds"),
        ([dt.timedelta(1)], "total_seconds"),
        ([np.timedelta64(1, "s")], "total_seconds"),
        (pl.Series([dt.timedelta(1)]), "total_seconds"),
        (pa.array([dt.timedelta(1)]), "total_seconds"),
        (pd.Series(pd.period_range("2020", periods=1, freq="M")), "to_timestamp"),
        ([pd.Period("2020-01")], "to_timestamp"),
        (pd.Series(pd.interval_range(0, 1)), "category"),
        ([b"a"], "[Dd]ecode"),
        (np.array([b"a"]), "[Dd]ecode"),
        (pl.Series([b"a"]), "[Dd]ecode"),
        (pa.array([b"a"]), "[Dd]ecode"),
        ([dt.time(1)], "times of day"),
        (pl.Series([dt.time(1)]), "times of day"),
        ([[1, 2]], "separate column"),
        ([{"a": 1}], "separate column"),
        (pl.Series([[1, 2]]), "separate column"),
        (pl.Series([{"a": 1}]), "separate column"),
        (pa.array([[1, 2]]), "separate column"),
        (pa.array([{"a": 1}]), "separate column"),
        (np.zeros((1, 2)), "more than one dimension"),
        (np.zeros(1, dtype=[("a", float)]), "separate column"),
        ([object()], "not numbers, strings"),
    ],
)
def test_what_r_has_no_place_for_is_refused_with_a_remedy(column, words):
    with pytest.raises(ColumnTypeError, match=words) as caught:
        read_one(column)
    assert caught.value.column == "x"


@pytest.mark.parametrize(
    ("column", "found"),
    [
        (["a", None, 1], r"str \(first in row 0\), int \(first in row 2\)"),
        ([None, 1.5, True], r"float \(first in row 1\), bool \(first in row 2\)"),
        ([dt.date(2024, 1, 1), pd.Timestamp("2024")], r"date .*row 0.*Timestamp .*row 1"),
        ([1, 2, [3]], r"list in row 2"),
    ],
)
def test_mixed_objects_are_refused_with_their_rows(column, found):
    with pytest.raises(ColumnTypeError, match=found):
        read_one(pd.Series(column, dtype=object))


def test_timestamps_with_and_without_a_zone_do_not_mix():
    with pytest.raises(ColumnTypeError, match="time zone"):
        read_one([pd.Timestamp("2024"), pd.Timestamp("2024", tz="UTC")])


@pytest.mark.parametrize("kind", [pa.decimal128(38, 6), pa.decimal256(60, 6)])
def test_decimals_of_arrow_are_rounded_correctly(kind: pa.DataType) -> None:
    """As Python rounds them, which reads their digits."""
    rng = np.random.default_rng(6)
    values = [Decimal(int(k)).scaleb(-6) for k in rng.integers(-(10**17), 10**17, 500)]
    values.append(Decimal("12345678901234567890123.123412"))
    array = pa.array(values, kind)
    for column in (
        array,
        pa.chunked_array([array]),
        pd.Series(pd.arrays.ArrowExtensionArray(array)),
    ):
        read = read_frame({"x": column}, ["x"]).columns["x"]
        assert read.values.tolist() == [float(value) for value in values]


def test_decimals_of_polars_are_rounded_correctly() -> None:
    values = [Decimal(k).scaleb(-6) for k in (8077, 10**15 + 1, 123456789012345)]
    series = pl.Series(values, dtype=pl.Decimal(38, 6))
    read = read_frame(pl.DataFrame({"x": series}), ["x"]).columns["x"]
    assert read.values.tolist() == [float(value) for value in values]


def test_broken_utf8_is_named() -> None:
    offsets = np.array([0, 2, 3], dtype=np.int32).tobytes()
    broken = pa.StringArray.from_buffers(2, pa.py_buffer(offsets), pa.py_buffer(b"\xff\xfea"))
    for data in ({"x": broken}, pa.table({"x": broken}), {"x": broken.dictionary_encode()}):
        with pytest.raises(ColumnValueError, match=r"'x'.*not valid UTF-8"):
            read_frame(data, ["x"])
