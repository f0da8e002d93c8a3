"""What a formula specifies: names, numbers, and how it is shown."""

from __future__ import annotations

import json
import warnings
from math import comb
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given

import pylme
from pylme.errors import (
    FormulaError,
    FunctionNotAllowedError,
    MissingRowsWarning,
    NoRandomEffectsError,
    OptionError,
    RankDeficiencyWarning,
    UnknownColumnError,
)
from pylme.results.saving import SCHEMA
from tests.explanation.questions import QUESTION, whole
from tests.formula.strategies import mixed_formulas, unhurried
from tests.model_matrix.design_cases import CASES

if TYPE_CHECKING:
    from tests.explanation.questions import Known
    from tests.model_matrix.design_cases import Case


@pytest.fixture(scope="module")
def hsb():
    return pylme.datasets.load("hsb")


@pytest.mark.parametrize("known", QUESTION, ids=str)
def test_the_models_of_the_question_are_told_apart(known: Known, hsb):
    found = pylme.explain(whole(known.random), hsb)
    assert (found.n_sd, found.n_cor, found.rank) == (known.n_sd, known.n_cor, known.rank)
    assert found.n_parameters == known.n_sd + known.n_cor
    text = str(found)
    assert found.numbers in repr(found)
    assert f"{known.n_sd} standard deviations, {known.n_cor} correlation" in text
    said = "identify all" if found.rank == found.n_parameters else f"identify {known.rank}"
    assert said in text
    unseen = found.to_frame("parameters")["identified"]
    assert unseen.all() == (found.rank == found.n_parameters)


@pytest.mark.parametrize("case", [case for case in CASES if not case.arguments], ids=str)
def test_names_and_numbers_are_those_of_the_design(case: Case):
    """The design's are lme4's own, element by element."""
    data = pylme.datasets.load(case.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RankDeficiencyWarning)
        design = pylme.design(case.formula, data)
    found = pylme.explain(case.formula, data)
    assert found.fixed.names == design.x_names
    assert len(found.fixed.dropped) == len(design.dropped)
    assert tuple((part.group, part.names) for part in found.random) == design.cnms
    assert found.n_parameters == len(design.theta)
    for part in found.random:
        k = len(part.names)
        assert (part.n_sd, part.n_cor) == (k, comb(k, 2))
        assert part.n_parameters == k * (k + 1) // 2
    frame = found.to_frame("parameters")
    assert tuple(frame["parameter"]) == design.identifiability().parameters
    assert frame["symbol"].is_unique
    for shown in (str(found), found.to_html(), found.to_markdown(), found.to_latex()):
        assert shown
    assert json.loads(json.dumps(found.to_dict()))["schema"] == SCHEMA


@pytest.mark.needs_r
def test_names_are_lme4s_own(hsb):
    from tests.model_matrix.lformula import as_texts, lformula

    for known in QUESTION:
        native = lformula(whole(known.random), hsb)
        found = pylme.explain(whole(known.random), hsb)
        assert [part.names for part in found.random] == [as_texts(n) for n in native["cnms"]]
        assert found.fixed.names == native.texts("names")


def test_the_frames(hsb):
    found = pylme.explain("math ~ ses*sector + (ses:sector | sch.id)", hsb)
    (term,) = found.to_frame().to_dict("records")
    assert term == {
        "term": "(ses:sector | sch.id)",
        "group": "sch.id",
        "levels": 160,
        "effects": "(Intercept), ses:sectorPublic, ses:sectorCatholic",
        "n_sd": 3,
        "n_cor": 3,
        "n_parameters": 6,
    }
    effects = found.to_frame("effects")
    random = effects[effects["part"] == "random"].set_index("effect")
    # 90 public schools, 70 Catholic ones.
    assert random["varies_within"].tolist() == [0, 90, 70]
    parameters = found.to_frame("parameters").set_index("symbol")
    assert parameters.index.tolist() == ["τ₀₀", "τ₀₁", "τ₀₂", "τ₁₁", "τ₁₂", "τ₂₂"]
    assert parameters["identified"].tolist() == [True, True, True, True, False, True]
    assert parameters.loc["τ₁₁", "var2"] is None
    with pytest.raises(OptionError, match="'terms'"):
        found.to_frame("term")


def test_what_varies_within_the_groups(hsb):
    found = pylme.explain("math ~ ses*sector + female + (ses | sch.id)", hsb)
    counts = {each.variable: (each.varying, each.levels) for each in found.variations}
    by_school = hsb.groupby("sch.id", observed=True)
    expected = {name: int((by_school[name].nunique() > 1).sum()) for name in counts}
    assert {name: varying for name, (varying, _) in counts.items()} == expected
    assert expected["sector"] == 0
    assert "constant within each" in str(found)


def test_the_reasons_are_told(hsb):
    text = str(pylme.explain("math ~ ses*sector + (ses:sector | sch.id)", hsb))
    assert "cov(ses:sectorPublic, ses:sectorCatholic | sch.id)" in text
    assert "because no level of sch.id has both" in text


def test_dropped_columns_are_told(hsb):
    found = pylme.explain("math ~ ses + meanses + cses + sector + (1 | sch.id)", hsb)
    assert found.fixed.names == ("(Intercept)", "ses", "meanses", "sectorCatholic")
    assert [each.split(" = ")[0] for each in found.fixed.dropped] == ["cses"]
    assert "dropped, as it depends on others: cses" in str(found)


def test_rows_left_out_are_not_counted(hsb):
    holes = hsb.copy()
    holes.loc[:99, "ses"] = np.nan
    with pytest.warns(MissingRowsWarning, match="100 of 7185"):
        found = pylme.explain("math ~ ses + (ses | sch.id)", holes)
    assert found.n == len(hsb) - 100
    assert "rows: 7,085 of 7,185" in str(found)


@unhurried
@given(mixed_formulas)
def test_without_data_any_formula_is_explained(text):
    try:
        found = pylme.explain(text)
    except FormulaError:
        return
    assert found.rank is None
    assert found.n_parameters == sum(part.n_parameters for part in found.random)
    assert "Without data" in str(found)


def test_without_data_the_numbers_hold_for_numbers():
    found = pylme.explain("y ~ x + (x + z || g/h)")
    assert [part.label for part in found.random] == [
        "(1 | h:g)", "(1 | g)", "(0 + x | h:g)", "(0 + x | g)", "(0 + z | h:g)", "(0 + z | g)",
    ]  # fmt: skip
    assert (found.n_sd, found.n_cor) == (6, 0)
    frame = found.to_frame()
    assert frame["levels"].isna().all()
    assert found.to_frame("parameters")["identified"].isna().all()
    assert found.to_frame("effects")["varies_within"].isna().all()
    assert "rank" not in found.to_dict()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("y ~ x", NoRandomEffectsError),
        ("y ~ x + (x | g", FormulaError),
        ("y ~ system('ls') + (1 | g)", FunctionNotAllowedError),
        ("y ~ . + (1 | g)", FormulaError),
    ],
)
def test_what_is_refused_without_data(text, error):
    with pytest.raises(error):
        pylme.explain(text)


def test_an_unknown_column_is_named(hsb):
    with pytest.raises(UnknownColumnError, match="Did you mean 'ses'"):
        pylme.explain("math ~ sess + (1 | sch.id)", hsb)


def test_the_report_reads_like_this(hsb):
    lines = str(pylme.explain("math ~ ses*sector + (ses | sch.id)", hsb)).splitlines()
    for line in (
        "sch.id: 160 levels of 14 to 67 rows",
        "FIXED PART, for all alike: 4 coefficients",
        "               ses: slope of ses where sector is Public",
        "Each sch.id has a level and a slope of ses of its own: 2 standard deviations, and as",
        "        ses: slope of ses; varies within 160 of 160",
        "same sch.id: τ₀₀ + τ₀₁ (ses_i + ses_k) + τ₁₁ ses_i ses_k",
        "3 covariance parameters without σ²: the data identify all.",
    ):
        assert line in lines
