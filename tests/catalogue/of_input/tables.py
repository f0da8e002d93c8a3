"""Messages about tables: what is read, and how groups divide it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

import pylme
from pylme.by_group.group_specific import levels_between
from pylme.formula import parse_formula
from tests.catalogue.case import DATA, Case

__all__ = ["CASES"]

MODEL = "y ~ x + (1 | g)"
_TYPE = pd.DataFrame({"g": np.repeat(list("abcdef"), 8), "type": np.repeat(["A", "B"], 24)})
_TYPE["x"] = np.tile(np.arange(8.0), 6)
_TYPE["h"] = _TYPE["g"].map({"a": "u", "b": "v", "c": "v", "d": "w", "e": "z", "f": "z"})
_TYPE["y"] = np.random.default_rng(4).normal(size=48) + _TYPE["x"]


def _on(data: object, kind: str, said: str, good: object = DATA, formula: str = MODEL) -> Case:
    return Case(
        trigger=lambda: pylme.explain(formula, data),
        kind=kind,
        said=said,
        remedy=lambda: pylme.explain(formula, good),
    )


def _by_type(*, several: str = "", **named: str) -> object:
    """The correlations by type of a fit with blocks, of two grouping factors if so asked."""
    random = pylme.group_specific("x", group="g", by="type", data=_TYPE)
    if several:
        random += f" + {several}"
    return pylme.lmer(f"y ~ x + {random}", _TYPE, engine="numpy").group_correlations(
        by="type", **named
    )


_NO_UTF8 = pa.StringArray.from_buffers(
    80, pa.py_buffer(np.arange(0, 162, 2, dtype=np.int32).tobytes()), pa.py_buffer(b"\xff\xfe" * 80)
)
_OF_H = pylme.group_specific(None, group="h", by="type", data=_TYPE)
_WITHOUT_SLOPE = pylme.group_specific(None, group="g", by="type", data=_TYPE)

CASES = {
    "lazy": Case(
        trigger=lambda: pylme.explain(MODEL, pl.from_pandas(DATA).lazy()),
        kind="DataTypeError",
        said="lazily",
        remedy=lambda call: pylme.explain(MODEL, eval(f"data{call}", {"data": _LAZY})),  # noqa: S307
        parsed=r"call its (\.collect\(\))",
    ),
    "a list": _on([1, 2], "DataTypeError", "not a data frame", DATA.to_dict("list")),
    "categories of one label": _on(
        DATA.assign(g=pd.Categorical([1, "1"] * 40, categories=[1, "1"])),
        "ColumnValueError",
        "both '1' in R",
        DATA.assign(
            g=pd.Categorical([1, "1"] * 40, categories=[1, "1"]).rename_categories(["a", "b"])
        ),
    ),
    "time zones and none": _on(
        DATA.assign(
            x=pd.Series(
                [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02", tz="UTC")] * 40,
                dtype=object,
            ),
        ),
        "ColumnTypeError",
        "have none",
        DATA.assign(x=pd.Series([*pd.date_range("2024-01-01", periods=80)]).dt.tz_localize("UTC")),
    ),
    "no UTF-8": _on({**DATA.to_dict("list"), "g": _NO_UTF8}, "ColumnValueError", "not valid UTF-8"),
    "given twice": Case(
        trigger=lambda: pylme.frame.read_frame(DATA, ["y"], extra={"y": DATA["y"]}),
        kind="ColumnValueError",
        said="given twice",
        remedy=lambda: pylme.frame.read_frame(DATA, ["y"], extra={"z": DATA["y"]}),
    ),
    "no sequence": Case(
        trigger=lambda: pylme.explain(MODEL, {**DATA.to_dict("list"), "x": 3.0}),
        kind="ColumnTypeError",
        said="not a sequence",
        remedy=lambda: pylme.explain(MODEL, {**DATA.to_dict("list"), "x": [3.0, 4.0] * 40}),
    ),
    "values for other rows": Case(
        trigger=lambda: pylme.design(MODEL, DATA).rows.place([1.0]),
        kind="RowCountError",
        said="1 values for 80 rows",
        remedy=lambda: pylme.design(MODEL, DATA).rows.place(np.ones(80)),
    ),
    "one group of a level": Case(
        trigger=lambda: levels_between(
            parse_formula(MODEL).bars[0].group, "by", DATA.assign(by=DATA["g"] == "g1")
        ),
        kind="ColumnValueError",
        said="only one g",
        remedy=lambda: levels_between(
            parse_formula(MODEL).bars[0].group, "by", DATA.assign(by=DATA["g"] > "g3")
        ),
    ),
    "blocks of two factors": Case(
        trigger=lambda: _by_type(several=_OF_H),
        kind="NotAvailableError",
        said="several grouping factors have them: g, h",
        remedy=lambda first, name: _by_type(several=_OF_H, **{name: first}),
        parsed=r"have them: (\w+).*\n.*`(\w+)`",
    ),
    "blocks of other effects": Case(
        trigger=lambda: _by_type(several=_WITHOUT_SLOPE, group="g"),
        kind="NotAvailableError",
        said="not the same",
    ),
    "an intercept by group": Case(
        trigger=lambda: pylme.group_specific("0 + x", group="g", by="type", data=_TYPE),
        kind="OptionError",
        said="covariates only",
        remedy=lambda: pylme.group_specific("x", group="g", by="type", data=_TYPE),
    ),
    "a structure by group": Case(
        trigger=lambda: pylme.group_specific("ar1(0 + x | g)", group="g", by="type", data=_TYPE),
        kind="OptionError",
        said="other terms with | are written into the formula",
        remedy=lambda: (
            pylme.group_specific("x", group="g", by="type", data=_TYPE) + " + ar1(0 + x | g)"
        ),
    ),
}
_LAZY = pl.from_pandas(DATA).lazy()
