"""What is asked of a fit to lazy data is answered from its sums, as by the same rows in memory."""

from __future__ import annotations

from functools import cache

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

import pylme
from pylme.errors import NotAvailableError
from tests.model_matrix.lazy.models import DATA

#: Relative; from cross products by two routes.
SAME = 1e-8
#: A p-value of Tukey's is one less an integral near one, whose own rounding errors differ.
INTEGRAL = 1e-12
FORMULAS = [
    "y ~ x * f + k + (x | g) + (1 | h)",
    "y ~ f * k * x + offset(off) + (1 | g)",
    "y ~ 0 + f + poly(z, 2):k + flag + (1 | g)",
    "y ~ factor(t) * x + z + both + (1 | h)",
]
CALLS = {
    "anova": lambda fit: fit.anova(),
    "anova I": lambda fit: fit.anova(type=1),
    "anova II": lambda fit: fit.anova(type=2, ddf="kenward-roger"),
    "drop1": lambda fit: fit.drop1(),
    "r2": lambda fit: fit.r2(),
    "icc": lambda fit: fit.icc(),
    "ranova": lambda fit: fit.ranova(),
}
MEANS = {
    "means": lambda fit: fit.emmeans("f"),
    "proportional": lambda fit: fit.emmeans("f", weights="proportional"),
    "outer": lambda fit: fit.emmeans("f", weights="outer"),
    "cells": lambda fit: fit.emmeans("f", weights="cells"),
    "overall": lambda fit: fit.emmeans([], at={"x": [0.5]}),
    "differences": lambda fit: fit.emmeans("f", by="k").contrast("pairwise"),
    "slopes": lambda fit: fit.emtrends("x", by="f"),
}


@cache
def fits(formula, **options):
    lazy = pl.from_pandas(DATA).lazy() if "0 +" in formula else duckdb.from_df(DATA)
    return tuple(pylme.lmer(formula, data, engine="numpy", **options) for data in (lazy, DATA))


def numbers(found):
    frame = found.to_frame()
    frame = frame.to_pandas() if isinstance(frame, pl.DataFrame) else frame
    return frame.select_dtypes("number")


def compare(lazy, known):
    mine, theirs = numbers(lazy), numbers(known)
    assert list(mine.columns) == list(theirs.columns)
    for column in mine:
        floor = INTEGRAL if column == "p_value" else SAME * 1e-6
        np.testing.assert_allclose(
            mine[column].to_numpy(float), theirs[column].to_numpy(float), rtol=SAME, atol=floor
        )


@pytest.mark.filterwarnings("ignore::pylme.errors.RankDeficiencyWarning")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("formula", FORMULAS)
def test_tables(formula, call):
    lazy, known = fits(formula)
    compare(CALLS[call](lazy), CALLS[call](known))


@pytest.mark.parametrize("call", MEANS)
@pytest.mark.parametrize("formula", FORMULAS[:2])
def test_means(formula, call):
    lazy, known = fits(formula)
    compare(MEANS[call](lazy), MEANS[call](known))


def test_weighted_sums():
    """Types I and II take X without weights, and so do variances over the rows."""
    lazy, known = fits(FORMULAS[0], weights="w")
    for call in ("anova", "drop1"):
        compare(CALLS[call](lazy), CALLS[call](known))
    compare(lazy.emmeans("f", weights="cells"), known.emmeans("f", weights="cells"))
    for asked in (lambda fit: fit.anova(type=2), lambda fit: fit.r2()):
        with pytest.raises(NotAvailableError, match="prior weights"):
            asked(lazy)


def test_another_formula_makes_the_sums_again():
    lazy, known = fits(FORMULAS[0])
    for change, options in (
        (". ~ . - k", {}),
        (None, {"weights": "w"}),
        (". ~ f", {"reml": False}),
    ):
        formula = "y ~ f + (x | g) + (1 | h)" if change == ". ~ f" else change
        mine = lazy.update(formula, **options)
        theirs = known.update(formula, data=DATA, **options)
        assert mine.formula == theirs.formula
        assert mine.criterion == pytest.approx(theirs.criterion, rel=1e-9)


def test_an_update_keeps_the_coding_and_finds_other_columns():
    options = {"contrasts": {"f": "sum"}}
    lazy = pylme.lmer("y ~ f + (1 | g)", pl.from_pandas(DATA).lazy(), engine="numpy", **options)
    known = pylme.lmer("y ~ f + z + (1 | g)", DATA, engine="numpy", **options)
    updated = lazy.update(". ~ . + z")
    assert updated.fixef.to_numpy() == pytest.approx(known.fixef.to_numpy(), rel=1e-8)
    other = DATA.assign(y=DATA["y"] + DATA["x"])
    updated = lazy.update(data=pl.from_pandas(other).lazy())
    known = pylme.lmer("y ~ f + (1 | g)", other, engine="numpy", **options)
    assert updated.fixef.to_numpy() == pytest.approx(known.fixef.to_numpy(), rel=1e-8)
    assert isinstance(lazy.update(data=other).data, pd.DataFrame)
