"""Messages about many responses on one design."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

import pylme
from tests.catalogue.case import DATA, Case

__all__ = ["CASES"]

WIDE = pd.DataFrame({"a": DATA["y"], "b": DATA["x"] + DATA["y"]})
FORMULA = "~ x + (1 | g)"


def _many(responses: object = WIDE, **options: object) -> object:
    return pylme.lmer_many(options.pop("formula", FORMULA), DATA, responses, **options)


def _refused(said: str, kind: str = "OptionError", **bad: object) -> Case:
    return Case(trigger=lambda: _many(**bad), kind=kind, said=said, remedy=_many)


def _anndata() -> object:
    class AnnData:
        X = WIDE.to_numpy()
        layers: dict[str, object] = {}  # noqa: RUF012
        var_names = WIDE.columns
        obs_names = DATA.index

    return AnnData()


def _unordered() -> object:
    import dask.dataframe as dd

    return dd.from_pandas(WIDE, npartitions=1)


def _damaged() -> object:
    with tempfile.TemporaryDirectory() as folder:
        _many(store=folder)
        for block in Path(folder).glob("responses-*/*.npz"):
            block.write_bytes(b"nothing")
        return _many(store=folder)


def _written() -> None:
    with tempfile.TemporaryDirectory() as folder:
        _many().to_parquet(Path(folder) / "table.parquet")


CASES = {
    "many responses and a response": _refused("response", formula="y ~ x + (1 | g)"),
    "many responses with a structure": Case(
        trigger=lambda: _many(formula="~ x + cs(x | g)"),
        kind="NotAvailableError", said="structure",
        remedy=lambda: pylme.lmer("y ~ x + cs(x | g)", DATA, engine="numpy"),
    ),
    "no response of many": _refused("one column", responses=WIDE[[]]),
    "two responses of one name": _refused(
        "name", "ColumnValueError", responses=pd.concat([WIDE, WIDE], axis=1)
    ),
    "layer without AnnData": _refused("AnnData", layer="counts"),
    "layer that does not exist": _refused(
        "layer", "UnknownNameError", responses=_anndata(), layer="counts"
    ),
    "responses of another shape": _refused("two-dimensional", responses=np.zeros(80)),
    "responses of another kind": _refused("two-dimensional", responses=3),
    "names of responses": _refused(
        "2 names", responses=WIDE.to_numpy(), response_names=["a"]
    ),
    "responses with other rows": _refused(
        "rows", "RowCountError", responses=WIDE.iloc[:40].reset_index(drop=True)
    ),
    "responses with other labels": Case(
        trigger=lambda: pylme.lmer_many(
            FORMULA, DATA.set_index(np.arange(1, 81)), WIDE.set_index(np.arange(2, 82))
        ),
        kind="RowLabelError", said="index", remedy=_many,
    ),
    "responses of text": _refused(
        "numbers", "ColumnTypeError", responses=WIDE.assign(c=DATA["f"])
    ),
    "responses in no file": _refused("no such file", responses="responses.parquet"),
    "NumPy engine in isolation": Case(
        trigger=lambda: pylme.lmer("y ~ x + (1 | g)", DATA, engine="numpy", isolated=True),
        kind="OptionError", said="isolated",
        remedy=lambda: pylme.lmer("y ~ x + (1 | g)", DATA, engine="numpy", isolated=False),
    ),
    "many responses of another family": Case(
        trigger=lambda: pylme.glmer_many(FORMULA, DATA, WIDE, family="Gamma"),
        kind="OptionError", said="poisson",
        remedy=lambda: pylme.glmer_many(FORMULA, DATA, DATA[["two"]], family="binomial"),
    ),
    "path of no file of a table": Case(
        trigger=lambda: _many().to_parquet("no folder/table.parquet"), kind="OptionError",
        said="written", remedy=_written,
    ),
    "path that is none": Case(
        trigger=lambda: _many().to_parquet(3), kind="OptionError", said="path of a file",
        remedy=_written,
    ),
    "volcano at a level": Case(
        trigger=lambda: pylme.plot.volcano_data(_many(), "x", level=5), kind="OptionError",
        said="between 0 and 1", remedy=lambda: pylme.plot.volcano_data(_many(), "x"),
    ),
    "volcano of another effect": Case(
        trigger=lambda: pylme.plot.volcano_data(_many(), "z"), kind="UnknownNameError", said="x",
    ),
    "volcano of another object": Case(
        trigger=lambda: pylme.plot.volcano_data(3, "x"), kind="OptionError", said="lmer_many",
    ),
    "Kenward and Roger by ML": _refused("reml=True", ddf="kenward-roger", reml=False),
    "weights of too few responses": _refused("2 columns", weights=np.ones((80, 1))),
    "weights of responses below zero": _refused(
        "positive", "WeightsError", weights=np.full((80, 2), -1.0)
    ),
    "damaged block of responses": Case(
        trigger=_damaged, kind="DamagedStoreWarning", said="npz",
    ),
    "lazy responses without an order": Case(
        trigger=lambda: _many(_unordered()), kind="DataTypeError", said="order",
        remedy=lambda: _many(pl.from_pandas(WIDE).lazy()),
    ),
}  # fmt: skip
