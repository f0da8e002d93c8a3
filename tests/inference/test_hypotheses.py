"""Hypotheses in text, in all the forms that names of coefficients take."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylme.errors import OptionError, UnknownNameError
from pylme.inference.hypotheses import expression, hypothesis_of

NAMES = [
    "(Intercept)", "week", "armB", "armC", "week:armB", "I(x^2)", "poly(x, 2)1", "log(x + 1)",
    "temperature.L", "temperature^4", "a b", "x", "x1", "x10", "`odd`=1", "Größe",
]  # fmt: skip
TERMS = {"arm": [2, 3], "week": [1], "week:arm": [4]}


def row(**weights):
    made = np.zeros(len(NAMES))
    for name, weight in weights.items():
        made[NAMES.index(name.replace("_", ":"))] = weight
    return made


@pytest.mark.parametrize(
    ("text", "weights", "rhs"),
    [
        ("armB - armC = 0", row(armB=1, armC=-1), 0),
        ("armB=armC", row(armB=1, armC=-1), 0),
        ("armB == armC + 2", row(armB=1, armC=-1), 2),
        ("2*(week + armB)/4 - 1 = 3", row(week=0.5, armB=0.5), 4),
        ("-week*3", row(week=-3), 0),
        ("armB:week = 1e-3", row(week_armB=1), 1e-3),
        ("(armB + armC)/2 - week", row(armB=0.5, armC=0.5, week=-1), 0),
        ("x1 - x10 + x", row(x1=1, x10=-1, x=1), 0),
        ("week - −armB", row(week=1, armB=1), 0),
    ],
)
def test_text_gives_its_weights(text, weights, rhs):
    found = hypothesis_of(text, NAMES, TERMS)
    assert pytest.approx(weights[None]) == found.L
    assert found.rhs == pytest.approx([rhs])


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_read_as_it_is(name):
    if "`" not in name:
        assert (np.eye(len(NAMES))[NAMES.index(name)] == hypothesis_of(f"`{name}`", NAMES).L).all()
    found = hypothesis_of(f"2*{name} - week/2 = 0", NAMES).L[0]
    expected = 2.0 * np.eye(len(NAMES))[NAMES.index(name)] - 0.5 * row(week=1)
    assert found == pytest.approx(expected)


def test_several_equations_and_terms():
    found = hypothesis_of("week = 0, week:armB = 1", NAMES, TERMS)
    assert pytest.approx(np.array([row(week=1), row(week_armB=1)])) == found.L
    assert found.rhs == pytest.approx([0, 1])
    assert found.labels == ("week = 0", "week:armB = 1")
    assert hypothesis_of(["week = 0", "week:armB = 1"], NAMES).labels == found.labels
    assert hypothesis_of("week, armB", NAMES).labels == ("week = 0", "armB = 0")
    arm = hypothesis_of("arm", NAMES, TERMS)
    assert arm.term == "arm"
    assert pytest.approx(np.array([row(armB=1), row(armC=1)])) == arm.L


def test_a_matrix_is_taken_as_it_is():
    L = np.array([row(armB=1, armC=-1), row(week=2)])
    found = hypothesis_of(L, NAMES)
    assert (found.L == L).all()
    assert found.labels == ("armB - armC = 0", "2*week = 0")
    assert hypothesis_of(L[0], NAMES).L.shape == (1, len(NAMES))


@pytest.mark.parametrize(
    "wrong",
    [
        "armB*armC = 0", "1 = 0", "week = = 0", "armB -", "(week = 0", "", "week,", "armB armC",
        "week/armB", "week/0", "`week", "0*week = 0", [1.0, 2.0], [[np.nan] * 16], None, 3,
        ["x", 1], "week = 0 = armB", ["x", 2.0], [], {"x": 1},
    ],
)  # fmt: skip
def test_what_is_no_linear_hypothesis_is_refused(wrong):
    with pytest.raises(OptionError):
        hypothesis_of(wrong, NAMES, TERMS)


@pytest.mark.parametrize("wrong", ["armD", "armB - armCC = 0", "`arm` = 0", "I(x^2):week", "y(2)"])
def test_unknown_names_are_named(wrong):
    with pytest.raises(UnknownNameError) as caught:
        hypothesis_of(wrong, NAMES, TERMS)
    assert caught.value.name in wrong


@given(st.lists(st.integers(-3, 3), min_size=4, max_size=4).filter(any))
def test_words_of_a_combination_are_read_back(weights):
    names = ["(Intercept)", "a", "b:a", "I(x - 1)"]
    text = expression(np.array(weights, dtype=float), names)
    assert hypothesis_of(text, names).L[0] == pytest.approx(np.array(weights))
