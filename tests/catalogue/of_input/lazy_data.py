"""Messages about lazy data, and about fits that hold no rows."""

from __future__ import annotations

import pickle
from tempfile import mkdtemp
from unittest import mock

import duckdb
import numpy as np
import pandas as pd
import polars as pl

import pylme
from tests.catalogue.case import DATA, Case

__all__ = ["CASES"]

MODEL = "y ~ x + (1 | g)"
_MANY = pd.concat([DATA] * 30, ignore_index=True).assign(label=[f"l{i}" for i in range(2400)])
_TWO_COLUMNS = DATA.assign(a=np.tile(["u", "v"], 40), b=np.repeat(["u", "v"], 40))


def _fit(formula: str = MODEL, data: pd.DataFrame = DATA, **options: object) -> pylme.Fit:
    return pylme.lmer(formula, pl.from_pandas(data).lazy(), engine="numpy", **options)


def _refused(
    kind: str,
    said: str,
    good: str | None = MODEL,
    formula: str = MODEL,
    data: pd.DataFrame = DATA,
    **bad: object,
) -> Case:
    return Case(
        trigger=lambda: _fit(formula, data, **bad),
        kind=kind,
        said=said,
        remedy=None if good is None else lambda: _fit(good, data),
    )


def _of_fit(asked: object, said: str) -> Case:
    return Case(
        trigger=lambda: asked(_fit()),
        kind="NotAvailableError",
        said=said,
        remedy=lambda: asked(pylme.lmer(MODEL, DATA, engine="numpy")),
    )


def _without_packages() -> object:
    with mock.patch("pylme.frame.lazy_table.find_spec", return_value=None):
        return pylme.lmer(MODEL, "data.parquet", engine="numpy")


def _lazy(**columns: object) -> pl.LazyFrame:
    return pl.from_pandas(DATA.assign(**columns)).lazy()


def _file() -> str:
    return f"{mkdtemp()}/predictions.parquet"


def _pickled() -> pylme.Fit:
    return pickle.loads(pickle.dumps(_fit()))


def _saved() -> pylme.Fit:
    return pylme.from_json(_fit().to_json())


CASES = {
    "no such file": Case(
        trigger=lambda: pylme.lmer(MODEL, "none.parquet", engine="numpy"),
        kind="DataTypeError",
        said="'none.parquet' cannot be read as Parquet",
    ),
    "no engine for files": Case(
        trigger=_without_packages, kind="MissingPackageError", said="pip install duckdb"
    ),
    "lme4": Case(
        trigger=lambda: pylme.lmer(MODEL, pl.from_pandas(DATA).lazy(), engine="lme4"),
        kind="NotAvailableError",
        said="memory of R",
        remedy=_fit,
    ),
    "unknown column": _refused("UnknownColumnError", "nothing", formula="y ~ nothing + (1 | g)"),
    "subset of numbers": _refused("ColumnTypeError", "truth value", subset="x"),
    "weights as an array": _refused("OptionError", "name of a column", weights=np.ones(80)),
    "weights of text": _refused("OptionError", "numeric column", weights="f"),
    "weights below zero": _refused("WeightsError", "negative", weights="x"),
    "infinite": _refused("ColumnValueError", "-inf", formula="y ~ log(0 * abs(x)) + (1 | g)"),
    "a mean of each group": _refused(
        "NotAvailableError", "each group of rows", formula="y ~ ave(x, f) + (1 | g)"
    ),
    "the position of a level": _refused(
        "NotAvailableError", "'f' is of type", formula="y ~ as.integer(f) + (1 | g)"
    ),
    "part of several columns": _refused(
        "NotAvailableError", "it has 2 columns", formula="y ~ exp(cbind(x, x^2)) + (1 | g)"
    ),
    "a computed scale": _refused(
        "NotAvailableError", "neither TRUE nor FALSE", formula="y ~ scale(x, center=2) + (1 | g)"
    ),
    "a response of several columns": _refused(
        "ResponseError", "has several", formula="poly(x, 2) ~ f + (1 | g)"
    ),
    "two columns in a factor": _refused(
        "NotAvailableError",
        "made of one column",
        formula="y ~ interaction(a, b) + (1 | g)",
        data=_TWO_COLUMNS,
    ),
    "a level of each row": _refused(
        "NotAvailableError",
        "2,400 distinct values",
        formula="y ~ label + (1 | g)",
        data=_MANY,
    ),
    "too many products": _refused(
        "NotAvailableError",
        "too many products",
        formula="y ~ a * b * d + (1 | g)",
        data=_MANY.assign(
            a=[f"a{i % 20}" for i in range(2400)],
            b=[f"b{i // 20 % 20}" for i in range(2400)],
            d=[f"d{i // 400}" for i in range(2400)],
        ),
    ),
    "a response of text": _refused("ResponseError", "one number", formula="f ~ x + (1 | g)"),
    "a constant response": _refused(
        "ResponseError", "same value", formula="I(0 * x) ~ f + (1 | g)"
    ),
    "no rows": _refused("EmptyDataError", "no rows", None, data=DATA.iloc[:0]),
    "no complete rows": _refused(
        "EmptyDataError", "missing value", None, data=DATA.assign(x=np.nan)
    ),
    "no value of a transformation": _refused(
        "EmptyDataError", "transformations", formula="y ~ log(-exp(x)) + (1 | g)"
    ),
    "a missing value": _refused(
        "MissingValueError",
        "x",
        data=DATA.assign(x=DATA["x"].where(DATA["x"] < 1)),
        na_action="fail",
    ),
    "missing rows": _refused(
        "MissingRowsWarning", "left out", data=DATA.assign(x=DATA["x"].where(DATA["x"] < 1))
    ),
    "rows": _of_fit(lambda fit: fit.augment(), "holds no rows"),
    "fitted values of a pickled fit": Case(
        trigger=lambda: _pickled().fitted,
        kind="NotAvailableError",
        said="its data were not",
        remedy=lambda: _pickled().predict(_lazy(), to=_file()),
    ),
    "intervals of the fit's rows": Case(
        trigger=lambda: _fit().predict(interval="confidence"),
        kind="NotAvailableError",
        said="the fit holds none",
        remedy=lambda: _fit().predict(_lazy(), interval="confidence", to=_file()),
    ),
    "intervals where the rows are": Case(
        trigger=lambda: _fit().predict(_lazy(), interval="confidence"),
        kind="NotAvailableError",
        said="computed from the rows",
        remedy=lambda: _fit().predict(_lazy(), interval="confidence", to=_file()),
    ),
    "an offset as an array": Case(
        trigger=lambda: _fit().predict(_lazy(), offset=np.zeros(80)),
        kind="OptionError",
        said="name of a column",
        remedy=lambda: _fit().predict(_lazy(), offset="x", to=_file()),
    ),
    "a column of the name of predictions": Case(
        trigger=lambda: _fit().predict(_lazy(estimate=1.0)),
        kind="ColumnTypeError",
        said="Rename it",
        remedy=lambda: _fit().predict(_lazy()),
    ),
    "a predictor of another type": Case(
        trigger=lambda: _fit().predict(_lazy(x="a")),
        kind="ColumnTypeError",
        said="type number",
        remedy=lambda: _fit().predict(_lazy()),
    ),
    "new groups": Case(
        trigger=lambda: _fit().predict(_lazy(g="new")),
        kind="ColumnValueError",
        said="'new', in 80 rows",
        remedy=lambda: _fit().predict(_lazy(g="new"), new_levels="population"),
    ),
    "a connection of the caller": Case(
        trigger=lambda: _fit().predict(duckdb.connect().from_df(DATA)),
        kind="NotAvailableError",
        said="duckdb refuses it",
        remedy=lambda: _fit().predict(duckdb.connect().from_df(DATA), to=_file()),
    ),
    "no folder for predictions": Case(
        trigger=lambda: _fit().predict(_lazy(), to="no/folder/out.parquet"),
        kind="DataTypeError",
        said="there is no folder",
        remedy=lambda: _fit().predict(_lazy(), to=_file()),
    ),
    "isolated": Case(
        trigger=lambda: _fit(isolated=True),
        kind="OptionError",
        said="no R runs",
        remedy=lambda: _fit(isolated=False),
    ),
    "optimisers of lme4": Case(
        trigger=lambda: pylme.all_fit(_fit()), kind="NotAvailableError", said="holds no rows"
    ),
    "an update of a pickled fit": Case(
        trigger=lambda: _pickled().update(reml=False),
        kind="NotAvailableError",
        said="its data were not",
        remedy=lambda: _fit(reml=False),
    ),
    "tests of terms of a pickled fit": Case(
        trigger=lambda: _pickled().anova(),
        kind="NotAvailableError",
        said="how its columns were computed",
        remedy=lambda: _fit().anova(),
    ),
    "variances over the rows from weighted sums": Case(
        trigger=lambda: _fit(weights="w", data=DATA.assign(w=2.0)).r2(),
        kind="NotAvailableError",
        said="prior weights",
        remedy=lambda: pylme.lmer(MODEL, DATA.assign(w=2.0), engine="numpy", weights="w").r2(),
    ),
    "a plot of residuals": Case(
        trigger=lambda: pylme.plot.residuals_data(_fit()),
        kind="NotAvailableError",
        said="not in memory",
        remedy=lambda: _fit().residuals.collect().plot,
    ),
    "no rows to write": Case(
        trigger=lambda: pylme.lmer(MODEL, DATA, engine="numpy").predict(
            pl.from_pandas(DATA.iloc[:0]).lazy(), to=_file()
        ),
        kind="DataTypeError",
        said="no rows",
    ),
    "a file of predictions in memory": Case(
        trigger=lambda: pylme.lmer(MODEL, DATA, engine="numpy").predict(DATA, to=_file()),
        kind="OptionError",
        said="rows in memory",
        remedy=lambda: pylme.lmer(MODEL, DATA, engine="numpy").predict(DATA),
    ),
    "saved fitted values": Case(
        trigger=lambda: _saved().fitted, kind="NotAvailableError", said="held no rows"
    ),
    "saved residuals": Case(
        trigger=lambda: _saved().residuals, kind="NotAvailableError", said="held no rows"
    ),
}
