"""A fit that is checked on the spot warns with the verdict alone."""

from __future__ import annotations

import warnings

import pytest

import pylme
from pylme.errors import (
    ConvergenceWarning,
    CrossCheckWarning,
    MissingRowsWarning,
    OptionError,
    RankDeficiencyWarning,
)

pytestmark = pytest.mark.needs_r


def told(formula, data, **options):
    """The fit, and the warnings that it gave."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = pylme.lmer(formula, data, check=True, **options)
    return fit, [warning.message for warning in caught]


@pytest.fixture
def sleepstudy():
    return pylme.datasets.load("sleepstudy")


@pytest.mark.parametrize("engine", ["lme4", "numpy"])
def test_a_fit_that_is_right_gives_no_warning(sleepstudy, engine):
    _, said = told("Reaction ~ Days + (Days | Subject)", sleepstudy, engine=engine)
    assert said == []


def test_lme4s_alarms_are_replaced_by_the_verdict_and_kept(sleepstudy):
    data = sleepstudy.assign(D=sleepstudy["Days"] + 100.0)
    fit, (warning,) = told("Reaction ~ D + (D | Subject)", data)
    assert isinstance(warning, CrossCheckWarning)
    assert warning.verdict == "STOPPED_SHORT"
    assert "19.78 above" in str(warning)
    assert any("degenerate" in condition.message for condition in fit.conditions)
    with pytest.warns(ConvergenceWarning):
        pylme.lmer("Reaction ~ D + (D | Subject)", data)


def test_a_false_alarm_is_told_as_one():
    fit, (warning,) = told("math ~ ses*sector + (ses | sch.id)", pylme.datasets.load("hsb"))
    assert warning.verdict == "SINGULAR_CERTIFIED"
    assert "max|grad| = 0.00578" in str(warning)
    assert "the warning from lme4 is a false alarm" in str(warning)
    assert len(fit.conditions) == 1


@pytest.mark.parametrize("engine", ["lme4", "numpy"])
def test_a_singular_fit(engine):
    data = pylme.datasets.load("dyestuff2")
    _, (warning,) = told("Yield ~ 1 + (1 | Batch)", data, engine=engine)
    assert warning.verdict == "SINGULAR_CERTIFIED"


@pytest.mark.parametrize("engine", ["lme4", "numpy"])
def test_other_warnings_are_given_as_always(sleepstudy, engine):
    data = sleepstudy.assign(D=2.0 * sleepstudy["Days"])
    data.loc[5, "Days"] = float("nan")
    _, said = told("Reaction ~ Days + D + (1 | Subject)", data, engine=engine)
    assert {type(warning) for warning in said} == {RankDeficiencyWarning, MissingRowsWarning}


def test_where_nothing_could_be_checked_lme4s_alarms_are_given_too(sleepstudy, monkeypatch):
    from pylme.crosscheck import examination

    stopped = examination.impossible("no reason", "y ~ x", 1.0)
    monkeypatch.setattr(examination, "examine_lme4", lambda *_: stopped)
    data = sleepstudy.assign(D=sleepstudy["Days"] + 100.0)
    _, said = told("Reaction ~ D + (D | Subject)", data)
    assert any(isinstance(warning, ConvergenceWarning) for warning in said)
    assert said[-1].verdict == "UNCHECKED"


def test_after_an_error_all_warnings_are_given(sleepstudy):
    data = sleepstudy.assign(D=sleepstudy["Days"] + 2000.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(pylme.errors.ResponseError):
            pylme.lmer("Reaction ~ Days + (1 | Subject)", data.assign(Reaction=1.0), check=True)
    assert caught == []


def test_the_warning_points_at_the_caller(sleepstudy):
    data = sleepstudy.assign(D=sleepstudy["Days"] + 100.0)
    with pytest.warns(CrossCheckWarning) as caught:
        pylme.lmer("Reaction ~ D + (D | Subject)", data, check=True)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("check", [1, "yes", None])
def test_check_is_true_or_false(sleepstudy, check):
    with pytest.raises(OptionError, match="Argument check"):
        pylme.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, check=check)
