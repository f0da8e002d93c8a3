"""Formulas side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import MissingRowsWarning, NotAvailableError, OptionError, UnknownNameError
from tests.explanation.questions import QUESTION, whole
from tests.structures import repeated


@pytest.fixture(scope="module")
def hsb():
    return pylme.datasets.load("hsb")


@pytest.fixture(scope="module")
def question(hsb):
    return pylme.compare_formulas(*(whole(known.random) for known in QUESTION), data=hsb)


def test_the_numbers(question):
    frame = question.to_frame()
    assert frame.index.tolist() == ["A", "B", "C", "D", "E"]
    assert frame["n_fixed"].tolist() == [4] * 5
    for name in ("n_sd", "n_cor", "rank"):
        assert frame[name].tolist() == [getattr(known, name) for known in QUESTION]


def test_the_relations(question):
    contained = question.to_frame()[list("ABCDE")]
    expected = pd.DataFrame(
        [
            ["the same", "special case", "special case", "special case", "special case"],
            ["contains", "the same", "contains", "contains", "the same"],
            ["contains", "special case", "the same", "neither", "special case"],
            ["contains", "special case", "neither", "the same", "special case"],
            ["contains", "the same", "contains", "contains", "the same"],
        ],
        index=list("ABCDE"),
        columns=list("ABCDE"),
    )
    pd.testing.assert_frame_equal(contained, expected)
    assert question.relation("A", "C") == "special case"
    assert "all formulas allow the same means" in str(question)


def test_it_is_shown_in_every_form(question):
    assert "identified" in str(question)
    assert "<table" in question.to_html()
    assert "special case" in question.to_markdown()
    assert r"\begin{tabular}" in question.to_latex()


def test_fixed_parts_that_differ_are_told(hsb):
    found = pylme.compare_formulas(
        "math ~ ses + (1 | sch.id)",
        "math ~ cses + meanses + (1 | sch.id)",
        "math ~ meanses + ses + (ses | sch.id)",
        data=hsb,
    )
    assert found.same_means == {
        (0, 1): False, (1, 0): False, (0, 2): False, (2, 0): False, (1, 2): True, (2, 1): True,
    }  # fmt: skip
    assert "The fixed part of A allows other means than that of B and C." in str(found)


def test_all_are_compared_on_the_rows_that_are_complete_for_each(hsb):
    holes = hsb.copy()
    holes.loc[:9, "ses"] = np.nan
    holes.loc[5:19, "meanses"] = np.nan
    with pytest.warns(MissingRowsWarning, match="20 of 7185"):
        found = pylme.compare_formulas(
            "math ~ ses + (1 | sch.id)", "math ~ meanses + (1 | sch.id)", data=holes
        )
    assert [each.n for each in found.explanations] == [len(hsb) - 20] * 2
    assert found.relation("A", "B") == "the same"


def test_rows_that_a_transformation_loses_leave_nothing_to_compare():
    data = pylme.datasets.load("sleepstudy").assign(shifted=lambda d: d["Days"] - 1.0)
    found = pylme.compare_formulas(
        "Reaction ~ Days + (1 | Subject)", "Reaction ~ sqrt(shifted) + (1 | Subject)", data=data
    )
    assert found.relation("A", "B") is None
    assert "other rows" in str(found)


def test_without_data_there_are_numbers_alone():
    found = pylme.compare_formulas("y ~ x + (x | g)", "y ~ x + (x || g)")
    assert found.to_frame()["n_parameters"].tolist() == [3, 2]
    assert found.to_frame()["rank"].isna().all()
    assert "identified" not in str(found)
    with pytest.raises(NotAvailableError, match="data="):
        found.relation("A", "B")


def test_what_is_refused(question, hsb):
    with pytest.raises(OptionError, match="two formulas or more"):
        pylme.compare_formulas("y ~ x + (x | g)", data=hsb)
    with pytest.raises(UnknownNameError, match="'A'"):
        question.relation("a", "B")


def test_covariance_structures_are_compared_by_their_matrices():
    found = pylme.compare_formulas(
        "y ~ x + (0 + t | s)", "y ~ x + ar1(0 + t | s)", "y ~ x + (1 | s)", "y ~ x + cs(0 + t | s)",
        data=repeated(),
    )  # fmt: skip
    relations = {(a, b): found.relation(a, b) for a in "ABCD" for b in "ABCD" if a < b}
    assert relations == {
        ("A", "B"): "contains", ("A", "C"): "contains", ("A", "D"): "contains",
        ("B", "C"): "contains", ("B", "D"): "not determined", ("C", "D"): "special case",
    }  # fmt: skip
    assert "None" not in str(found)
