"""Checks of fits at one of several minima: which is the lowest, and what is said of all."""

from __future__ import annotations

import json
import re
import warnings

import numpy as np
import pytest

import pylme
from tests.reference.dense import criterion_of
from tests.reference.several_minima import CASES

NAME = "three levels of a factor, weights"
#: A minimum of that case which is 1.887 too high: where lme4 stops, and says nothing.
HIGHER = [1.45435, -2.05193, -1.85641, 1.46149, 0.480867, 1.09484]


def checked(name, **options):
    case = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pylme.errors.FitWarning)
        fit = pylme.lmer(case.formula, case.data, reml=case.reml, weights=case.weights, **options)
        return fit, fit.cross_check()


@pytest.fixture(scope="module")
def too_high():
    return checked(NAME, start=HIGHER, engine="numpy")


def test_a_fit_at_a_higher_minimum_is_never_certified(too_high):
    fit, check = too_high
    assert fit.criterion == pytest.approx(166.904765, abs=1e-5)
    assert check.verdict is pylme.Verdict.STOPPED_SHORT
    assert check.best == pytest.approx(CASES[NAME].lowest, abs=2e-5)


def test_both_minima_are_reported(too_high):
    fit, check = too_high
    second = check.others[0]
    assert second.criterion == pytest.approx(fit.criterion, abs=1e-6)
    np.testing.assert_allclose(np.abs(second.theta), np.abs(HIGHER), atol=1e-3)
    assert second.searches >= 1
    assert check.agreed + second.searches <= check.starts
    case = CASES[NAME]
    design = pylme.design(case.formula, case.data, weights=case.weights)
    for theta, value in ((check.theta, check.best), (second.theta, second.criterion)):
        assert criterion_of(design, theta, reml=case.reml) == pytest.approx(value, abs=1e-6)
    said = check.explain()
    assert "Another minimum of the criterion" in said.replace("\n", " ")
    assert f"{check.starts} starts ({check.agreed} of them ended there)" in said.replace("\n", " ")
    assert json.loads(check.to_json())["others"][0]["searches"] == second.searches
    assert check.to_frame()["quantity"].str.contains("minimum 2, theta = ").any()


@pytest.mark.parametrize("starts", [1, 3])
def test_few_starts_certify_nothing_where_many_are_needed(too_high, starts):
    check = too_high[0].cross_check(starts=starts)
    assert check.excess == pytest.approx(0.0, abs=1e-4)
    assert check.verdict is pylme.Verdict.UNCHECKED
    assert f"searches from {starts} start" in check.reason
    needed = int(re.search(r"give (\d+) or more", check.remedy)[1])
    assert too_high[0].cross_check(starts=needed).verdict is pylme.Verdict.STOPPED_SHORT


def test_the_searches_of_a_fit_count_beside_those_of_its_check():
    fit, _ = checked(NAME, engine="numpy")
    assert fit.cross_check(starts=1).verdict is pylme.Verdict.SINGULAR_CERTIFIED


def test_one_start_is_enough_where_the_data_leave_no_doubt():
    data = pylme.datasets.load("sleepstudy")
    fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", data, engine="numpy", start=[1, 0, 1])
    assert fit.cross_check(starts=1).verdict is pylme.Verdict.AGREES


def test_a_check_has_more_starts_than_a_fit():
    fit, check = checked(NAME, engine="numpy")
    assert check.verdict is pylme.Verdict.SINGULAR_CERTIFIED
    assert check.starts > fit._model.ending.starts


@pytest.mark.needs_r
@pytest.mark.parametrize("name", [name for name in CASES if "thousand" not in name])
def test_lme4s_fits_are_certified_only_at_the_lowest_minimum(name):
    fit, check = checked(name)
    assert check.best == pytest.approx(CASES[name].lowest, abs=2e-5)
    assert check.ok is (fit.criterion < CASES[name].lowest + 1e-4)


def test_one_minimum_is_said_to_be_one():
    data = pylme.datasets.load("sleepstudy")
    check = pylme.lmer("Reaction ~ Days + (Days | Subject)", data, engine="numpy").cross_check()
    assert check.others == ()
    assert check.agreed == check.starts >= 5
    assert f"{check.starts} starts (all of them ended there)" in " ".join(check.explain().split())
