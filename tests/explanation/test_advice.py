"""What is foreseen of a fit, and which other formulas are proposed."""

from __future__ import annotations

from time import process_time

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.explanation.relation import relation_of
from tests.explanation.questions import BLOCKS, FIXED, whole


@pytest.fixture(scope="module")
def hsb():
    return pylme.datasets.load("hsb")


def sleepstudy(**columns):
    data = pylme.datasets.load("sleepstudy")
    return data.assign(**{name: make(data) for name, make in columns.items()})


@pytest.mark.parametrize(
    ("formula", "columns", "said"),
    [
        ("Reaction ~ D + (D | Subject)", {"D": lambda d: d.Days + 2000}, "D lies far from 0"),
        ("Reaction ~ D + (D || Subject)", {"D": lambda d: d.Days + 100}, "each origin"),
        ("Reaction ~ D + (D | Subject)", {"D": lambda d: d.Days * 1e6 - 4e6}, "large values"),
        ("Reaction ~ Days + (factor(Days) | Subject)", {}, "180 random effects for 180 rows"),
        (
            "Reaction ~ Days + (factor(Days) | Subject)",
            {},
            "55 variances and covariances, but Subject has 18",
        ),
        ("Reaction ~ 1 + (Days | Subject)", {}, "the mean of Days over the levels"),
        (
            "Reaction ~ Days + (1 | g)",
            {"g": lambda d: d.Subject.astype(str).astype(int) % 3},
            "3 levels of g say little about a variance",
        ),
        (
            "Reaction ~ Days + (Days | g)",
            {"g": lambda d: d.Subject.astype(str).astype(int) % 2},
            "bound to be singular",
        ),
        (
            "Reaction ~ late + (late | Subject)",
            {"late": lambda d: np.where(d.Subject.isin(["308", "309"]), d.Days > 4, 0.0)},
            "late varies within 2 levels of Subject only",
        ),
    ],
)
def test_what_is_foreseen(formula, columns, said):
    found = pylme.explain(formula, sleepstudy(**columns))
    assert any(said in sentence for sentence in found.expectations), found.expectations


@pytest.mark.parametrize(
    "formula", ["Reaction ~ Days + (Days | Subject)", "Reaction ~ Days + (1 | Subject)"]
)
def test_nothing_is_foreseen_of_a_sound_design(formula):
    assert pylme.explain(formula, sleepstudy()).expectations == ()


def test_a_covariate_that_is_constant_within_groups_has_no_slopes_to_see(hsb):
    found = pylme.explain("math ~ meanses + (meanses | sch.id)", hsb)
    assert any("no slope can be estimated" in sentence for sentence in found.expectations)


def test_levels_of_a_factor_may_have_their_mean_in_common(hsb):
    """The slopes of both sectors scatter around the one fixed slope: nothing is missing."""
    assert pylme.explain(f"math ~ ses + {BLOCKS}", hsb).expectations == ()
    lacking = pylme.explain("math ~ 1 + (ses:sector | sch.id)", hsb).expectations
    assert any("ses:sectorPublic and ses:sectorCatholic" in sentence for sentence in lacking)


@pytest.mark.parametrize(
    ("random", "proposed"),
    [
        (
            "(ses | sch.id)",
            {
                ("simpler", "(ses || sch.id)", 2),
                ("simpler", "(1 | sch.id)", 1),
                ("larger", BLOCKS, 6),
            },
        ),
        (
            "(ses*sector | sch.id)",
            {
                ("equivalent", BLOCKS, 6),
                ("simpler", "(ses | sch.id)", 3),
                ("simpler", "(1 | sch.id)", 1),
            },
        ),
        (
            "(ses:sector | sch.id)",
            {
                ("simpler", "(ses | sch.id)", 3),
                ("simpler", "(1 | sch.id)", 1),
                ("larger", BLOCKS, 6),
            },
        ),
        (
            "(ses+sector | sch.id)",
            {
                ("simpler", "(ses | sch.id)", 3),
                ("simpler", "(1 | sch.id)", 1),
                ("larger", BLOCKS, 6),
            },
        ),
        (BLOCKS, {("simpler", "(ses | sch.id)", 3)}),
    ],
)
def test_proposals_for_the_models_of_the_question(random, proposed, hsb):
    found = pylme.explain(whole(random), hsb).alternatives
    assert {(each.kind, each.random, each.n_parameters) for each in found} == proposed
    kinds = [each.kind for each in found]
    assert kinds == sorted(kinds, key=["equivalent", "simpler", "larger"].index)
    for each in found:
        again = pylme.design(each.formula, hsb).identifiability()
        assert again.rank == again.n_parameters == each.n_parameters


@pytest.mark.parametrize(
    ("data", "formula", "proposed"),
    [
        (
            "cake",
            "angle ~ recipe + (recipe | replicate)",
            {"(1 | replicate) + (1 | replicate:recipe)", "(1 | replicate)"},
        ),
        (
            "cake",
            "angle ~ recipe + (0 + recipe | replicate)",
            {"(1 | replicate) + (1 | replicate:recipe)", "(1 | replicate)"},
        ),
        ("pastes", "strength ~ 1 + (1 | batch/cask)", {"(1 | batch)", "(1 | cask:batch)"}),
        (
            "sleepstudy",
            "Reaction ~ Days + (Days || Subject)",
            {"(1 | Subject)", "(0 + Days | Subject)"},
        ),
        ("sleepstudy", "Reaction ~ Days + (1 | Subject)", set()),
    ],
)
def test_simpler_random_parts(data, formula, proposed):
    found = pylme.explain(formula, pylme.datasets.load(data)).alternatives
    assert {each.random for each in found} == proposed
    assert all(each.kind == "simpler" for each in found)


def test_a_formula_that_repeats_itself_is_reduced():
    found = pylme.explain(
        "Reaction ~ Days + (1 | Subject) + (Days | Subject)", pylme.datasets.load("sleepstudy")
    )
    assert (found.n_parameters, found.rank) == (4, 3)
    assert ("equivalent", "(Days | Subject)") in {
        (each.kind, each.random) for each in found.alternatives
    }


def test_a_factor_with_quotes_in_its_name_is_proposed_by():
    hsb = pylme.datasets.load("hsb").rename(columns={"sector": "the sector"})
    found = pylme.explain("math ~ ses*`the sector` + (ses | sch.id)", hsb)
    (larger,) = [each for each in found.alternatives if each.kind == "larger"]
    assert larger.random.startswith('(0 + dummy(`the sector`, "Public")')
    pylme.design(larger.formula, hsb)


def test_factors_of_many_levels_are_not_proposed():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"g": np.repeat(np.arange(40), 5), "x": rng.normal(size=200)})
    data["y"] = rng.normal(size=200)
    data["f"] = (data["g"] % 10).astype(str)
    found = pylme.explain("y ~ x + f + (x | g)", data)
    assert all(each.kind == "simpler" for each in found.alternatives)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("(ses | sch.id)", "(ses | sch.id)", "the same"),
        ("(sector | sch.id)", "(0 + sector | sch.id)", "the same"),
        ("(ses | sch.id)", "(ses:sector | sch.id)", "special case"),
        ("(ses | sch.id)", BLOCKS, "special case"),
        ("(ses*sector | sch.id)", BLOCKS, "the same"),
        ("(ses:sector | sch.id)", "(ses+sector | sch.id)", "neither"),
        ("(ses | sch.id)", "(1 | sch.id)", "contains"),
        # A variance that is added can only make that of one sector the larger one.
        (
            '(1 | sch.id) + (0 + dummy(sector, "Public") | sch.id)',
            "(sector | sch.id)",
            "special case",
        ),
        (
            '(1 | sch.id) + (0 + dummy(sector, "Public") | sch.id)',
            '(1 | sch.id) + (0 + dummy(sector, "Catholic") | sch.id)',
            "same but for bounds",
        ),
    ],
)
def test_relations(first, second, expected, hsb):
    from pylme.identifiability.comparison import compare_covariances

    designs = [pylme.design(FIXED + random, hsb) for random in (first, second)]
    assert relation_of(compare_covariances(*designs)) == expected


def test_a_term_of_hundreds_of_effects_is_told_of_within_seconds():
    rng = np.random.default_rng(1)
    level, effect, time = (axis.ravel() for axis in np.indices((20, 200, 3)))
    data = pd.DataFrame({"a": level, "s": [f"s{i}" for i in effect], "t": time})
    data["y"] = rng.normal(size=20)[level] + rng.normal(size=len(data))
    start = process_time()
    said = pylme.explain("y ~ t + (s | a)", data).expectations[0]
    assert process_time() - start < 5  # 9 s before, and the cube of the effects beyond
    assert "was not looked at: a term has 200 effects in each level" in said
    few = pylme.explain("y ~ t + (s | a)", data[effect < 20]).expectations
    assert not any("was not looked at: a term" in sentence for sentence in few)
