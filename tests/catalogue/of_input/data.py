"""Messages about data: columns, rows, responses, groups, weights."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

import pylme
from tests.catalogue.case import DATA, Case

__all__ = ["CASES"]

MODEL = "y ~ x + (1 | g)"
_CODING = pd.DataFrame([[1.0], [-1.0]], index=["a", "b"], columns=["A"])


def _on(data: object, kind: str, said: str, good: object = DATA, formula: str = MODEL) -> Case:
    return Case(
        trigger=lambda: pylme.explain(formula, data),
        kind=kind,
        said=said,
        remedy=None if good is None else lambda: pylme.explain(formula, good),
    )


def _with(**columns: object) -> pd.DataFrame:
    return DATA.assign(**columns)


def _design(**arguments: object) -> object:
    formula = arguments.pop("formula", MODEL)
    return pylme.design(formula, arguments.pop("data", DATA), **arguments)


def _given(kind: str, said: str, good: dict[str, object] | None, **bad: object) -> Case:
    return Case(
        trigger=lambda: _design(**dict(bad)),
        kind=kind,
        said=said,
        remedy=None if good is None else lambda: _design(**dict(good)),
    )


_HOLES = _with(x=DATA["x"].where(DATA["x"] < 1))
_TWICE = pd.concat([DATA, DATA[["x"]]], axis=1)
_HUGE = DATA["y"].astype(object).where(DATA.index > 0, 2**70)

CASES = {
    "no table": _on(5, "DataTypeError", "DataFrame"),
    "levels of names": _on(pd.concat({"a": DATA}, axis=1), "DataTypeError", "2 levels", DATA),
    "no rows": _on(DATA.iloc[:0], "EmptyDataError", "no rows"),
    "names twice in arrow": _on(
        pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["y", "y"]),
        "DataTypeError",
        "one name",
    ),
    "name twice": _on(_TWICE, "ColumnValueError", "2 columns"),
    "infinite": _on(_with(x=np.inf), "InfiniteValueError", "infinite"),
    "polars Categorical": _on(
        pl.from_pandas(DATA).with_columns(pl.col("g").cast(pl.String).cast(pl.Categorical)),
        "SortedLevelsWarning",
        "does not define an order",
        pl.from_pandas(DATA).with_columns(pl.col("g").cast(pl.String)),
    ),
    "all missing": _on(_with(x=np.nan), "EmptyDataError", "missing"),
    "missing forbidden": _given(
        "MissingValueError", "na_action", {"data": _HOLES.dropna()}, data=_HOLES, na_action="fail"
    ),
    "missing left out": _given(
        "MissingRowsWarning", "rows left out", {"data": _HOLES.dropna()}, data=_HOLES
    ),
    "rows lost to a function": _given(
        "MissingRowsWarning",
        "rows left out",
        {"data": DATA[DATA["x"] > 0], "formula": "y ~ log(x) + (1 | g)"},
        formula="y ~ log(x) + (1 | g)",
    ),
    "rows lost, forbidden": _given(
        "MissingValueError",
        "na_action",
        {"data": DATA[DATA["x"] > 0], "formula": "y ~ log(x) + (1 | g)"},
        formula="y ~ log(x) + (1 | g)",
        na_action="fail",
    ),
    "objects": _on(_with(x=[{}] * 80), "ColumnTypeError", "x"),
    "mixture": _on(_with(x=[1, "a"] * 40), "ColumnTypeError", "several kinds"),
    "NUL": _on(_with(g=["a\0", "b"] * 40), "ColumnValueError", "NUL"),
    "surrogate": _on(
        {**DATA.to_dict("list"), "g": ["\ud800", "b"] * 40}, "ColumnValueError", "surrogate"
    ),
    "large integer": _on(_with(y=2**60 + np.arange(80)), "ColumnValueError", "2^53"),
    "larger integer": _on(_with(y=_HUGE), "ColumnValueError", "too large"),
    "R's name": _on(
        DATA.rename(columns={"x": "..1"}),
        "ColumnValueError",
        "R keeps",
        None,
        "y ~ `..1` + (1 | g)",
    ),
    "text as response": _on(_with(y="text"), "ResponseError", "not numeric"),
    "constant response": _on(_with(y=1.0), "ResponseError", "same value"),
    "one group": _on(_with(g="a"), "GroupingFactorError", "one level"),
    "combinations of one name": _on(
        _with(f=np.tile(["a", "a:b"], 40), h=np.repeat(["b:c", "c", "d", "e"], 20)),
        "GroupingFactorError",
        "colons",
        _with(f=np.tile(["a", "a_b"], 40), h=np.repeat(["b_c", "c", "d", "e"], 20)),
        "y ~ x + (1 | f:h)",
    ),
    "one level": _on(_with(f="a"), "ColumnValueError", "level", DATA, "y ~ f + (1 | g)"),
    "no column of the response": _on(DATA, "ResponseError", "no column", None, "1 ~ x + (1 | g)"),
    "two numbers in a row": _on(
        DATA, "ResponseError", "one number in each row", None, "cbind(two, count) ~ x + (1 | g)"
    ),
    "two values of another coding": Case(
        trigger=lambda: pylme.design("I(two + 1) ~ x + (1 | g)", DATA, family="binomial"),
        kind="ResponseError",
        said="which of its two is the success",
        remedy=lambda line: pylme.design(line, DATA, family="binomial"),
        parsed=r"is the success: (.+)",
    ),
    "length": _given("RowCountError", "3 values", {"weights": DATA["w"]}, weights=[1.0, 2.0, 3.0]),
    "labels": _given(
        "RowLabelError",
        "index",
        {"weights": DATA["w"].sample(frac=1, random_state=1).reindex(DATA.index)},
        weights=DATA["w"].sample(frac=1, random_state=1),
    ),
    "weights of text": _given("WeightsError", "not numeric", {"weights": "w"}, weights="g"),
    "weights of zero": _given(
        "WeightsError",
        "zero",
        {"weights": DATA["w"], "subset": DATA["x"] > 0},
        weights=np.where(DATA["x"] > 0, DATA["w"], 0.0),
    ),
    "offset of text": _given("OptionError", "offset", {"offset": "w"}, offset="g"),
    "subset of numbers": _given(
        "ColumnTypeError", "truth value", {"subset": DATA["x"] > 0}, subset=DATA["x"]
    ),
    "subset of none": _given(
        "EmptyDataError", "true in no row", {"subset": DATA["x"] > 0}, subset=DATA["x"] > 99
    ),
    "contrasts of nothing": _given(
        "OptionError",
        "contrasts",
        {"contrasts": {"f": "sum"}, "formula": "y ~ f + (1 | g)"},
        contrasts={"x": "sum"},
        formula="y ~ f + (1 | g)",
    ),
    "contrasts of a number": _given(
        "OptionError",
        "numeric in the formula",
        {"formula": "y ~ C(factor(two), contr.sum) + (1 | g)"},
        contrasts={"two": "sum"},
        formula="y ~ two + (1 | g)",
    ),
    "contrasts left of a bar": _given(
        "OptionError",
        'contrasts_for="both"',
        {"contrasts": {"f": "sum"}, "formula": "y ~ x + (f | g)", "contrasts_for": "both"},
        contrasts={"f": "sum"},
        formula="y ~ x + (f | g)",
    ),
    "contrasts of groups": _given(
        "OptionError", "only groups", {}, contrasts={"g": "sum"}, formula=MODEL
    ),
    "contrasts of a shape": _given(
        "OptionError",
        "2 rows",
        {"contrasts": {"f": [[1.0], [-1.0]]}, "formula": "y ~ f + (1 | g)"},
        contrasts={"f": [[1.0], [0.0], [-1.0]]},
        formula="y ~ f + (1 | g)",
    ),
    "contrasts of other levels": _given(
        "OptionError",
        "without a row for 'b'",
        {"contrasts": {"f": _CODING}, "formula": "y ~ f + (1 | g)"},
        contrasts={"f": _CODING.rename(index={"b": "c"})},
        formula="y ~ f + (1 | g)",
    ),
    "contrasts of one name": _given(
        "OptionError",
        "different names",
        {"contrasts": {"f": _CODING}, "formula": "y ~ f + (1 | g)"},
        contrasts={"f": pd.concat([_CODING, _CODING], axis=1)},
        formula="y ~ f + (1 | g)",
    ),
    "contrasts of text": _given(
        "OptionError",
        "matrix of finite numbers",
        {"contrasts": {"f": [[1.0], [-1.0]]}, "formula": "y ~ f + (1 | g)"},
        contrasts={"f": [["one"], ["two"]]},
        formula="y ~ f + (1 | g)",
    ),
    "contrasts no mapping": _given(
        "OptionError",
        "mapping",
        {"contrasts": {"f": "sum"}, "formula": "y ~ f + (1 | g)"},
        contrasts=["sum"],
        formula="y ~ f + (1 | g)",
    ),
    "rank": _given("RankDeficiencyWarning", "dropped", {}, formula="y ~ x + I(2 * x) + (1 | g)"),
    "new level": Case(
        trigger=lambda: pylme.design("y ~ f + (1 | g)", DATA).on(_with(f="z")),
        kind="ColumnValueError",
        said="did not occur",
        remedy=lambda: pylme.design("y ~ f + (1 | g)", DATA).on(DATA),
    ),
    "another type": Case(
        trigger=lambda: pylme.design(MODEL, DATA).on(_with(x="z")),
        kind="ColumnTypeError",
        said="type",
        remedy=lambda: pylme.design(MODEL, DATA).on(DATA),
    ),
    "too many effects": Case(
        trigger=lambda: pylme.lmer("y ~ 1 + (1 | row)", _with(row=range(80)), engine="numpy"),
        kind="GroupingFactorError",
        said="random effects for 80 rows",
        remedy=lambda: pylme.lmer("y ~ 1 + (1 | g)", DATA, engine="numpy"),
    ),
    "other rows": Case(
        trigger=lambda: _compared(DATA, DATA.iloc[:50]),
        kind="DataError",
        said="same ones",
        remedy=lambda: _compared(DATA, DATA),
    ),
    "other weights": Case(
        trigger=lambda: _compared(DATA, DATA, weights="w"),
        kind="DataError",
        said="different weights",
        remedy=lambda: _compared(DATA, DATA),
    ),
}


def _compared(one: pd.DataFrame, other: pd.DataFrame, weights: str | None = None) -> object:
    from pylme.identifiability.comparison import compare_covariances

    return compare_covariances(
        pylme.design(MODEL, one), pylme.design(MODEL, other, weights=weights)
    )
