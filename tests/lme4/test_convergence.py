"""Where a widely used test of convergence misleads, and what `status` says instead."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import pylme
from pylme import Check, LmerControl, Status
from pylme.results.explanations import MESSAGES

pytestmark = [pytest.mark.needs_r, pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")]

SLEEP = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleepstudy():
    return pylme.datasets.load("sleepstudy")


def shifted(sleepstudy, days):
    return sleepstudy.assign(D=sleepstudy["Days"] + float(days))


def test_a_fit_that_was_checked_and_is_clean(sleepstudy):
    convergence = pylme.lmer(SLEEP, sleepstudy).convergence
    assert (convergence.status, convergence.code) == (Status.CONVERGED, 1)
    assert convergence.messages == ()
    assert convergence.ok


def test_derivatives_switched_off(sleepstudy):
    fit = pylme.lmer(SLEEP, sleepstudy, control=LmerControl(calc_derivs=False))
    assert fit.optinfo.checks is None
    assert fit.optinfo.gradient is None
    assert (fit.convergence.status, fit.convergence.code) == (Status.UNCHECKED, 1)
    assert "no derivatives were computed" in fit.convergence.explain()


LOOSE = {"optimizer": "nloptwrap", "opt_ctrl": {"ftol_abs": 100.0, "xtol_abs": 1.0}}


@pytest.mark.parametrize(
    ("check", "status", "reason"),
    [
        ({"check_conv_grad": "ignore"}, Status.UNCHECKED, "the check is switched off"),
        ({"check_conv_hess": "ignore"}, Status.NOT_CONVERGED, "the check is switched off"),
        (
            {"check_conv_singular": Check(action="message", tol=10.0)},
            Status.SINGULAR,
            "lme4 skips it",
        ),
    ],
)
def test_checks_that_were_not_made_are_not_called_clean(sleepstudy, check, status, reason):
    """A loose optimiser stops far from the optimum, and nobody may say that it was looked at."""
    fit = pylme.lmer(SLEEP, sleepstudy, control=LmerControl(**LOOSE, **check))
    assert np.abs(fit.optinfo.gradient).max() > 5
    assert fit.convergence.status is status
    assert reason in " ".join(fit.convergence.explain().split())
    assert "zero within tolerance" not in fit.convergence.explain()


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        ("nloptwrap", {"stopval": 1780.0}),
        ("Nelder_Mead", {"MinfMax": 1780.0}),
        ("nlminbwrap", {"abs.tol": 1800.0}),
        ("nloptwrap", {"maxeval": 5}),
        ("nloptwrap", {"maxtime": 1e-6}),
        ("bobyqa", {"maxfun": 20}),
        ("Nelder_Mead", {"maxfun": 20}),
        ("nlminbwrap", {"eval.max": 5, "iter.max": 2}),
    ],
)
def test_stopped_at_a_limit_with_derivatives_off(sleepstudy, optimizer, options):
    control = LmerControl(optimizer=optimizer, opt_ctrl=options, calc_derivs=False)
    convergence = pylme.lmer(SLEEP, sleepstudy, control=control).convergence
    assert (convergence.status, convergence.code) == (Status.NOT_CONVERGED, 1)
    assert convergence.messages


def test_singular_with_the_check_set_to_ignore():
    control = LmerControl(check_conv_singular="ignore")
    fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff2"), control=control)
    assert (fit.convergence.status, fit.convergence.code) == (Status.SINGULAR, 1)


def test_singular(sleepstudy):
    fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff2"))
    assert (fit.convergence.status, fit.convergence.code) == (Status.SINGULAR, 0)
    assert "boundary" in fit.convergence.messages[0]


def test_singular_and_stopped_by_maxeval(sleepstudy):
    control = LmerControl(opt_ctrl={"maxeval": 3})
    data = pylme.datasets.load("dyestuff2")
    fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", data, control=control, start=[0.0])
    assert fit.is_singular()
    assert (fit.convergence.status, fit.convergence.code) == (Status.NOT_CONVERGED, 0)


def test_days_shifted_by_2000_is_singular_by_lme4s_word(sleepstudy):
    fit = pylme.lmer("Reaction ~ D + (D | Subject)", shifted(sleepstudy, 2000))
    assert (fit.convergence.status, fit.convergence.code) == (Status.SINGULAR, 0)
    assert fit.criterion - 1743.628 == pytest.approx(42.8, abs=0.1)
    assert "another, better optimum" in fit.convergence.explain()


def test_days_shifted_by_100(sleepstudy):
    fit = pylme.lmer("Reaction ~ D + (D | Subject)", shifted(sleepstudy, 100))
    assert (fit.convergence.status, fit.convergence.code) == (Status.NOT_CONVERGED, -1)
    assert fit.criterion - 1743.628 == pytest.approx(19.8, abs=0.1)


def test_the_question_on_high_school_and_beyond():
    fit = pylme.lmer("math ~ ses*sector + (ses | sch.id)", pylme.datasets.load("hsb"))
    assert (fit.convergence.status, fit.convergence.code) == (Status.NOT_CONVERGED, -1)
    assert "max|grad| = 0.00578" in fit.convergence.messages[0]
    assert "lme4's tolerance" in fit.convergence.explain()


def test_a_response_of_nothing_but_zeros_is_refused_before_r(sleepstudy):
    with pytest.raises(pylme.errors.ResponseError, match="same value in all 180 rows"):
        pylme.lmer(SLEEP, sleepstudy.assign(Reaction=0.0))


def test_estimates_that_are_not_finite_are_degenerate(sleepstudy):
    from dataclasses import replace

    from pylme.results.assessment import assess_checks

    fit = pylme.lmer(SLEEP, sleepstudy)
    assert assess_checks(fit.optinfo, (), singular=False, finite=False).status is Status.DEGENERATE
    unidentified = replace(
        fit.optinfo,
        checks=replace(
            fit.optinfo.checks,
            codes=(-3,),
            messages=("Model failed to converge: degenerate  Hessian with 1 negative eigenvalues",),
        ),
    )
    assert assess_checks(unidentified, (), singular=False, finite=True).status is Status.DEGENERATE


def test_how_an_earlier_stage_ended_does_not_matter():
    data = pylme.datasets.load("grouseticks")
    data["H"] = (data["HEIGHT"] - 460) / 30
    fit = pylme.glmer(
        "TICKS ~ YEAR + H + (1 | BROOD) + (1 | LOCATION)",
        data,
        family="poisson",
        control=pylme.GlmerControl(optimizer=("nlminbwrap", "bobyqa"), opt_ctrl={"iter.max": 1}),
    )
    assert fit.convergence.status is Status.CONVERGED
    assert any("earlier stage" in message for message in fit.convergence.messages)


def test_code_equals_the_test_in_r(sleepstudy):
    """The test as everybody copies it, run in R on the same fits."""
    from pylme.lme4.from_r import from_r
    from pylme.lme4.session import session

    session()
    from rpy2 import rinterface as ri

    tested = ri.evalr(
        "function(fit) if (is.null(unlist(fit@optinfo$conv$lme4))) 1L else"
        " if (lme4::isSingular(fit)) 0L else -1L"
    )
    for days in (0, 1, 10, 100, 2000):
        for control in (None, LmerControl(check_conv_grad=Check(action="warning", tol=1e-9))):
            data = shifted(sleepstudy, days)
            fit = pylme.lmer("Reaction ~ D + (D | Subject)", data, control=control)
            assert fit.convergence.code == from_r(tested(fit._model._handle.sexp))


def test_every_message_is_explained(sleepstudy):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = pylme.lmer("Reaction ~ D + (D | Subject)", shifted(sleepstudy, 100))
    # Since lme4 1.1-38 a message also names a help page, and takes two lines.
    said = " ".join(fit.convergence.explain().split())
    for message in fit.convergence.messages:
        words = next(words for pattern, words in MESSAGES if pattern.search(message))
        assert " ".join(f"{message} {words}".split()) in said
    assert np.isfinite(fit.criterion)
