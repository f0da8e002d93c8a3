"""One column in every library that a user may have it in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

__all__ = ["CASES", "Case"]

DATES = [dt.date(1969, 12, 31), dt.date(2024, 2, 29), None]
TIMES = [dt.datetime(1970, 1, 1, 0, 0, 1), dt.datetime(2024, 2, 29, 12, 30), None]  # noqa: DTZ001
ZONED = [dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC), dt.datetime(2024, 1, 1, tzinfo=dt.UTC), None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A column as a library holds it, and what the first two of its three rows are in R.

    Attributes
    ----------
    column : object
        Its third value is missing.
    kind : str
        The class of the column that it becomes.
    shown : tuple
        The first two values: numbers, or the texts of levels.
    levels : tuple, optional
        All levels, in order.
    """

    title: str
    column: Any
    kind: str
    shown: tuple[Any, ...]
    levels: tuple[str, ...] = ()
    ordered: bool = False
    tz: str | None = None

    def __str__(self) -> str:
        return self.title


def _arrow(values: list[Any], kind: pa.DataType | None = None) -> pa.ChunkedArray:
    """In two chunks, as data read from files come."""
    return pa.chunked_array([pa.array(values[:1], kind), pa.array(values[1:], kind)])


def _numbers() -> list[Case]:
    floats, ints = [1.5, -2.0, None], [3, -7, None]
    cases = [
        Case(title=title, column=column, kind="Numeric", shown=(1.5, -2.0))
        for title, column in {
            "list of floats": floats,
            "numpy float64": np.array([1.5, -2.0, np.nan]),
            "numpy float32": np.array([1.5, -2.0, np.nan], dtype=np.float32),
            "numpy big-endian": np.array([1.5, -2.0, np.nan], dtype=">f8"),
            "numpy masked": np.ma.masked_array([1.5, -2.0, 9.0], mask=[False, False, True]),
            "pandas float64": pd.Series(floats, dtype="float64"),
            "pandas Float64": pd.Series(floats, dtype="Float64"),
            "pandas float16": pd.Series(floats, dtype="float16"),
            "pandas sparse": pd.Series(pd.arrays.SparseArray([1.5, -2.0, np.nan])),
            "pandas arrow": pd.Series(floats, dtype="double[pyarrow]"),
            "pandas object": pd.Series([1.5, -2, pd.NA], dtype=object),
            "pandas array": pd.array(floats, dtype="Float64"),
            "polars Float64": pl.Series(floats),
            "polars NaN": pl.Series([1.5, -2.0, float("nan")]),
            "polars Float32": pl.Series(floats, dtype=pl.Float32),
            "polars Decimal": pl.Series(floats).cast(pl.Decimal(10, 2)),
            "pyarrow double": _arrow(floats),
            "pyarrow array": pa.array(floats),
            "pyarrow float": _arrow(floats, pa.float32()),
            "pyarrow decimal128": _arrow(floats).cast(pa.decimal128(10, 2)),
            "pyarrow decimal256": _arrow(floats).cast(pa.decimal256(40, 2)),
        }.items()
    ]
    cases += [
        Case(title=title, column=column, kind="Integer", shown=(3, -7))
        for title, column in {
            "list of ints": ints,
            "numpy masked ints": np.ma.masked_array([3, -7, 2**60], mask=[False, False, True]),
            "pandas Int64": pd.Series(ints, dtype="Int64"),
            "pandas Int8": pd.Series(ints, dtype="Int8"),
            "pandas arrow ints": pd.Series(ints, dtype="int64[pyarrow]"),
            "pandas object ints": pd.Series([3, np.int16(-7), None], dtype=object),
            "polars Int64": pl.Series(ints),
            "polars Int8": pl.Series(ints, dtype=pl.Int8),
            "polars Int128": pl.Series(ints, dtype=pl.Int128),
            "pyarrow int64": _arrow(ints),
            "pyarrow int16": _arrow(ints, pa.int16()),
        }.items()
    ]
    return cases


def _truth_values() -> list[Case]:
    given = [True, False, None]
    return [
        Case(title=title, column=column, kind="Logical", shown=(True, False))
        for title, column in {
            "list of bools": given,
            "pandas boolean": pd.Series(given, dtype="boolean"),
            "pandas object bools": pd.Series(given, dtype=object),
            "pandas arrow bools": pd.Series(given, dtype="bool[pyarrow]"),
            "polars Boolean": pl.Series(given),
            "pyarrow bool": _arrow(given),
        }.items()
    ]


def _strings() -> list[Case]:
    # By code point; a locale would put e-acute before z.
    given, levels = ["é", "z", None], ("z", "é")
    cases = [
        Case(title=title, column=column, kind="Factor", shown=("é", "z"), levels=levels)
        for title, column in {
            "list of strings": given,
            "numpy masked strings": np.ma.masked_array(
                [*given[:2], "x"], mask=[False, False, True]
            ),
            "pandas object strings": pd.Series([*given[:2], float("nan")], dtype=object),
            "pandas string": pd.Series(given, dtype="string"),
            "pandas string, python": pd.Series(given, dtype=pd.StringDtype("python")),
            "pandas string, pyarrow": pd.Series(given, dtype=pd.StringDtype("pyarrow")),
            "pandas arrow strings": pd.Series(given, dtype=pd.ArrowDtype(pa.string())),
            "pandas default": pd.DataFrame({"x": given})["x"],
            "polars String": pl.Series(given),
            "polars Categorical": pl.Series(given, dtype=pl.Categorical),
            "pyarrow string": _arrow(given),
            "pyarrow large_string": _arrow(given, pa.large_string()),
        }.items()
    ]
    order = ["z", "b", "a", "unused"]
    coded = pa.DictionaryArray.from_arrays(pa.array([2, 0, None], pa.int8()), order)
    null_label = pa.DictionaryArray.from_arrays(pa.array([2, 0, 1]), ["z", None, "a"])
    values = ["a", "z", None]
    cases += [
        Case(title=title, column=column, kind="Factor", shown=("a", "z"), levels=("z", "a"))
        for title, column in {
            "pandas category": pd.Series(pd.Categorical(values, categories=order)),
            "pandas Categorical": pd.Categorical(values, categories=order),
            "pandas CategoricalIndex": pd.CategoricalIndex(values, categories=order),
            "pandas arrow dictionary": pd.Series(coded, dtype=pd.ArrowDtype(coded.type)),
            "polars Enum": pl.Series(values, dtype=pl.Enum(order)),
            "pyarrow dictionary": pa.chunked_array([coded]),
            "pyarrow null in dictionary": pa.chunked_array([null_label]),
        }.items()
    ]
    ordered = pa.DictionaryArray.from_arrays(pa.array([2, 0, None]), order, ordered=True)
    cases += [
        Case(
            title=title,
            column=column,
            kind="Factor",
            shown=("a", "z"),
            levels=("z", "a"),
            ordered=True,
        )
        for title, column in {
            "pandas ordered": pd.Series(pd.Categorical(values, categories=order, ordered=True)),
            "pyarrow ordered": pa.chunked_array([ordered]),
        }.items()
    ]
    return cases


def _times() -> list[Case]:
    days = (-1.0, 19782.0)
    cases = [
        Case(title=title, column=column, kind="Date", shown=days)
        for title, column in {
            "list of dates": DATES,
            "numpy days": np.array(DATES, dtype="M8[D]"),
            "pandas object dates": pd.Series(DATES, dtype=object),
            "pandas arrow dates": pd.Series(DATES, dtype=pd.ArrowDtype(pa.date32())),
            "polars Date": pl.Series(DATES),
            "pyarrow date32": _arrow(DATES),
            "pyarrow date64": _arrow(DATES, pa.date64()),
        }.items()
    ]
    seconds = (1.0, 19782 * 86400 + 45000.0)
    cases += [
        Case(title=title, column=column, kind="Timestamp", shown=seconds)
        for title, column in {
            "list of datetimes": TIMES,
            "numpy seconds": np.array(TIMES, dtype="M8[s]"),
            "pandas datetime64": pd.Series(TIMES, dtype="datetime64[ns]"),
            "pandas object datetimes": pd.Series([*TIMES[:2], pd.NaT], dtype=object),
            "pandas index": pd.DatetimeIndex(TIMES),
            "polars Datetime": pl.Series(TIMES),
            "pyarrow timestamp": _arrow(TIMES),
        }.items()
    ]
    zoned = (1719835200.0, 1704067200.0)
    paris = pd.Series(ZONED, dtype="datetime64[ns, UTC]").dt.tz_convert("Europe/Paris")
    cases += [
        Case(title=title, column=column, kind="Timestamp", shown=zoned, tz="Europe/Paris")
        for title, column in {
            "pandas zoned": paris,
            "pandas object zoned": paris.astype(object),
            "polars zoned": pl.Series(ZONED).dt.convert_time_zone("Europe/Paris"),
            "pyarrow zoned": _arrow(ZONED, pa.timestamp("us", tz="Europe/Paris")),
        }.items()
    ]
    return cases


CASES = [*_numbers(), *_truth_values(), *_strings(), *_times()]
