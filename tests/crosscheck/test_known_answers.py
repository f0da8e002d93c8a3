"""Verdicts on fits of which it is known whether they are right."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme import Verdict
from tests.cases import LINEAR
from tests.crosscheck.study import study

pytestmark = [pytest.mark.needs_r, pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")]

#: The REML criterion of `Reaction ~ Days + (Days | Subject)`, which no shift of Days changes.
INVARIANT = 1743.628271960
#: Of the large model one fit is enough, which takes lme4 ten seconds.
FITS = [
    pytest.param(case, reml, id=f"{case}, {'REML' if reml else 'ML'}")
    for case in LINEAR
    for reml in ((True,) if case.large else (True, False))
]


def sleepstudy(shift=0.0, scale=1.0):
    data = pylme.datasets.load("sleepstudy")
    return data.assign(D=scale * data["Days"] + shift)


@pytest.mark.parametrize(("case", "reml"), FITS)
def test_the_models_that_everybody_fits(case, reml):
    check = pylme.lmer(case.formula, pylme.datasets.load(case.data), reml=reml).cross_check()
    singular = case.theta == (0.0,)
    assert check.verdict is (Verdict.SINGULAR_CERTIFIED if singular else Verdict.AGREES)
    assert check.ok
    assert all(tier.ok for tier in check.tiers)
    # lme4 stops within about this of the optimum; values are published to five digits or more.
    assert check.excess == pytest.approx(0.0, abs=1e-5)
    known = case.reml if reml else case.ml
    if known is not None:
        assert check.best == pytest.approx(known, abs=5e-6)


@pytest.mark.parametrize(("shift", "excess"), [(100.0, 19.8), (2000.0, 42.8), (1e6, 49.1)])
def test_lme4_stops_short_where_a_covariate_is_far_from_zero(shift, excess):
    fit = pylme.lmer("Reaction ~ D + (D | Subject)", sleepstudy(shift))
    check = fit.cross_check()
    assert check.verdict is Verdict.STOPPED_SHORT
    assert not check.ok
    assert check.excess == pytest.approx(excess, abs=0.1)
    assert check.best == pytest.approx(INVARIANT, abs=1e-6)
    assert not check.false_alarm
    assert check.tiers[0].ok
    assert check.tiers[1].ok
    assert check.tiers[2].failures


@pytest.mark.parametrize("scale", [1e6, 1e-6])
def test_lme4_stops_short_in_other_units(scale):
    check = pylme.lmer("Reaction ~ D + (D | Subject)", sleepstudy(scale=scale)).cross_check()
    assert check.verdict is Verdict.STOPPED_SHORT
    # Scaling a column of X by c adds 2 log c to the REML criterion.
    assert check.best == pytest.approx(INVARIANT + 2 * np.log(scale), abs=1e-6)


def test_refitting_from_the_better_point_reaches_the_optimum():
    fit = pylme.lmer("Reaction ~ D + (D | Subject)", sleepstudy(2000.0))
    again = fit.refit_from(fit.cross_check().theta)
    assert again.criterion == pytest.approx(INVARIANT, abs=1e-6)
    assert again.cross_check().verdict in {Verdict.AGREES, Verdict.FALSE_ALARM}


def test_high_school_and_beyond_is_singular_and_lme4s_warning_a_false_alarm():
    fit = pylme.lmer("math ~ ses*sector + (ses | sch.id)", pylme.datasets.load("hsb"))
    check = fit.cross_check()
    assert check.verdict is Verdict.SINGULAR_CERTIFIED
    assert check.false_alarm
    assert "max|grad| = 0.00578" in check.alarms[0]
    assert check.excess < 3e-5
    assert "the correlation of (Intercept) and ses is 1" in check.singular[0]


def test_a_warning_about_nothing_is_a_false_alarm():
    strict = pylme.LmerControl(check_conv_grad=pylme.Check(action="warning", tol=1e-9))
    fit = pylme.lmer("Reaction ~ D + (D | Subject)", sleepstudy(), control=strict)
    check = fit.cross_check()
    assert check.verdict is Verdict.FALSE_ALARM
    assert check.false_alarm
    assert check.ok


def test_called_singular_for_the_units_alone_is_a_false_alarm():
    """A standard deviation of the slope below 1e-4 in these units is no zero."""
    data = sleepstudy(scale=1e6)
    start = pylme.lmer("Reaction ~ D + (D | Subject)", sleepstudy()).theta * [1, 1e-6, 1e-6]
    fit = pylme.lmer("Reaction ~ D + (D | Subject)", data, start=start)
    assert fit.is_singular()
    check = fit.cross_check()
    assert check.verdict is Verdict.FALSE_ALARM
    assert check.singular == ()
    assert "singular" in " ".join(check.alarms)


@pytest.mark.parametrize("engine", ["lme4", "numpy"])
def test_what_the_studys_data_do_not_identify(engine):
    fit = pylme.lmer("Y ~ ses*sector + (ses:sector | sch.id)", study(1), engine=engine)
    check = fit.cross_check()
    assert check.verdict is Verdict.NOT_IDENTIFIED
    (direction,) = check.directions
    assert direction.names == ("cov(ses:sector0, ses:sector1 | sch.id)",)
    assert "no level of sch.id has both" in direction.reason
    assert not check.false_alarm


def test_the_two_block_model_of_the_study_is_identified():
    blocks = (f'(0 + dummy(sector, "{s}") + dummy(sector, "{s}"):ses | sch.id)' for s in ("0", "1"))
    fit = pylme.lmer(f"Y ~ ses*sector + {' + '.join(blocks)}", study(1))
    assert fit.cross_check().verdict is Verdict.AGREES


def test_stopped_by_its_limit_of_evaluations():
    control = pylme.LmerControl(opt_ctrl={"maxeval": 5}, calc_derivs=False)
    fit = pylme.lmer("Reaction ~ D + (D | Subject)", sleepstudy(), control=control)
    check = fit.cross_check()
    assert check.verdict is Verdict.STOPPED_SHORT
    assert check.best == pytest.approx(INVARIANT, abs=1e-6)


def test_not_identified_and_stopped_short_at_once():
    control = pylme.LmerControl(opt_ctrl={"maxeval": 5}, calc_derivs=False)
    fit = pylme.lmer("Y ~ ses*sector + (ses:sector | sch.id)", study(1), control=control)
    check = fit.cross_check()
    assert check.verdict is Verdict.NOT_IDENTIFIED
    assert check.excess > 1
    assert "lower" in check.explain()


def test_a_numpy_fit_is_checked_without_lme4():
    fit = pylme.lmer("Reaction ~ D + (D | Subject)", sleepstudy(2000.0), engine="numpy")
    check = fit.cross_check()
    assert check.verdict is Verdict.AGREES
    assert [tier.checked for tier in check.tiers] == [False, False, True, True]
    assert "second opinion" in check.explain()


def test_weights_offset_and_computed_columns():
    data = pylme.datasets.load("sleepstudy")
    fit = pylme.lmer(
        "Reaction ~ poly(Days, 2) + offset(2 * Days) + (Days | Subject)",
        data,
        weights=data["Days"] + 1.0,
        offset=np.linspace(0, 5, len(data)),
    )
    check = fit.cross_check()
    assert check.verdict is Verdict.AGREES
    assert all(tier.ok for tier in check.tiers)
    assert pylme.lmer("Reaction ~ 0 + (Days | Subject)", data).cross_check().ok


def test_columns_that_lme4_drops():
    data = sleepstudy(1.0)
    fit = pylme.lmer("Reaction ~ Days + D + (Days | Subject)", data)
    assert fit.cross_check().verdict is Verdict.AGREES
