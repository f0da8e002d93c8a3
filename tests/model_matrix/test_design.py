"""What a design says of itself, and what it refuses."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pylme
from pylme.errors import (
    ColumnValueError,
    FormulaError,
    GroupingFactorError,
    InfiniteValueError,
    MissingValueError,
    NotAvailableError,
    RankDeficiencyWarning,
    ResponseError,
)
from pylme.families.family import family
from pylme.model_matrix.build import build
from pylme.model_matrix.spec import ModelArguments, specified

if TYPE_CHECKING:
    import pandas as pd


@pytest.fixture
def sleepstudy() -> pd.DataFrame:
    return pylme.datasets.load("sleepstudy")


def test_printing_names_rows_effects_and_terms(sleepstudy: pd.DataFrame) -> None:
    text = repr(pylme.design("Reaction ~ Days + (Days | Subject)", sleepstudy))
    assert "180 rows, 2 fixed effects: (Intercept), Days" in text
    assert "(Days | Subject): 18 levels, (Intercept), Days" in text
    assert "36 random effects, 3 thetas" in text


def test_dependent_columns_are_named(sleepstudy: pd.DataFrame) -> None:
    with pytest.warns(RankDeficiencyWarning, match=r"1 of 3 columns.*I\(2 \* Days\)"):
        design = pylme.design("Reaction ~ Days + I(2 * Days) + (1 | Subject)", sleepstudy)
    assert design.dropped == ("I(2 * Days)",)
    assert design.assign == (0, 1)
    assert design.on(sleepstudy.head(3)).x_names == design.x_names == ("(Intercept)", "Days")


@pytest.mark.parametrize("shift", [0.0, 1e3, 1e5])
def test_a_column_that_repeats_others_is_dropped_at_any_scale(
    sleepstudy: pd.DataFrame, shift: float
) -> None:
    days = sleepstudy["Days"]
    sleepstudy["other"] = 1e-8 * (days - days.mean()) ** 2
    sleepstudy["same"] = 3 * days + shift
    with pytest.warns(RankDeficiencyWarning):
        design = pylme.design("Reaction ~ Days + same + other + (1 | Subject)", sleepstudy)
    assert design.x_names == ("(Intercept)", "Days", "other")


def test_subset_weights_and_arrays(sleepstudy: pd.DataFrame) -> None:
    weights = np.arange(1.0, 181.0)
    design = pylme.design(
        "Reaction ~ Days + (1 | Subject)",
        sleepstudy,
        subset=sleepstudy["Days"] > 1,
        weights=weights,
    )
    kept = (sleepstudy["Days"] > 1).to_numpy()
    np.testing.assert_array_equal(design.weights, weights[kept])
    np.testing.assert_array_equal(design.X[:, 1], sleepstudy["Days"][kept])
    np.testing.assert_array_equal(design.rows.kept, kept)


def test_a_term_with_more_effects_than_rows_is_built(sleepstudy: pd.DataFrame) -> None:
    sleepstudy["row"] = [f"r{i}" for i in range(180)]
    assert pylme.design("Reaction ~ 1 + (Days | row)", sleepstudy).q == 360


def test_memory_does_not_grow_with_rows_times_levels() -> None:
    rng = np.random.default_rng(2)
    n = 200_000
    data = {"y": rng.normal(size=n), "x": rng.normal(size=n), "g": rng.integers(50_000, size=n)}
    design = pylme.design("y ~ x + (x | g)", data)
    # n × q would be 160 GB; stored are one intercept and one slope for each row.
    assert design.Zt.nnz == 2 * n
    sums = np.asarray(design.Zt.sum(axis=1)).ravel()[::2]
    _, counts = np.unique(data["g"], return_counts=True)
    np.testing.assert_array_equal(sums, counts)


def test_a_design_pickles(sleepstudy: pd.DataFrame) -> None:
    design = pylme.design("Reaction ~ poly(Days, 2) + (Days | Subject)", sleepstudy)
    again = pickle.loads(pickle.dumps(design))
    np.testing.assert_array_equal(again.on(sleepstudy.head(5)).X, design.X[:5])


@pytest.mark.parametrize(
    ("formula", "error", "message"),
    [
        ("cbind(Reaction, Days) ~ 1 + (1 | Subject)", ResponseError, "a matrix"),
        ("Reaction ~ Days + Reaction + (1 | Subject)", FormulaError, "its own predictor"),
        ("Reaction ~ offset(Subject) + (1 | Subject)", FormulaError, "one number in each row"),
        ("Reaction ~ log() + (1 | Subject)", FormulaError, "'x' is not given"),
        ("Reaction ~ c() + (1 | Subject)", FormulaError, "empty"),
        (
            "Reaction ~ poly(Days, Reaction, 2) + (1 | Subject)",
            NotAvailableError,
            "several variables",
        ),
        ("Reaction ~ poly(Days, Days, degree = 2) + (1 | Subject)", NotAvailableError, "several"),
        ("Reaction ~ interaction(Subject, Days, sep = '_') + (1 | Subject)", FormulaError, "none"),
        ("Reaction ~ cut(Days, 3) + (1 | Subject)", NotAvailableError, r"cut\(\)"),
        ("Reaction ~ mean(Days) + (1 | Subject)", FormulaError, "1 value for 180 rows"),
        ("Reaction ~ log(Subject) + (1 | Subject)", FormulaError, "not numeric"),
        ("Reaction ~ poly(Days, 12) + (1 | Subject)", FormulaError, "unique values"),
        (
            "Reaction ~ poly(Days, 2, simple = 1, foo = 1) + (1 | Subject)",
            NotAvailableError,
            "'foo'",
        ),
        ("Reaction ~ dummy(Subject, 'x') + (1 | Subject)", FormulaError, "no level 'x'"),
        ("Reaction ~ log(Days) + (1 | Subject)", InfiniteValueError, r"log\(Days\)"),
        ("Reaction ~ factor(Days > -1) + (1 | Subject)", ColumnValueError, "one level, 'TRUE'"),
        ("Reaction ~ Days + (1 | factor(Days > -1))", GroupingFactorError, "one level"),
    ],
)
def test_refusals_say_what_was_found(
    sleepstudy: pd.DataFrame, formula: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        pylme.design(formula, sleepstudy)


def test_a_missing_value_from_a_transformation_can_be_refused(sleepstudy: pd.DataFrame) -> None:
    with pytest.raises(MissingValueError, match="sqrt"):
        pylme.design("Reaction ~ sqrt(Days - 1) + (1 | Subject)", sleepstudy, na_action="fail")


def test_counts_are_two_columns_for_a_binomial_family() -> None:
    cbpp = pylme.datasets.load("cbpp")
    spec = specified(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        cbpp,
        ModelArguments(family=family("binomial"), reml=False),
    )
    expected = np.column_stack([cbpp["incidence"], cbpp["size"] - cbpp["incidence"]])
    np.testing.assert_array_equal(build(spec).y, expected)


def test_nothing_in_a_design_can_be_written_to(sleepstudy: pd.DataFrame) -> None:
    design = pylme.design("Reaction ~ Days + (Days | Subject)", sleepstudy)
    arrays = [design.y, design.X, design.weights, design.offset, design.terms[0].columns]
    assert not any(array.flags.writeable for array in arrays)
