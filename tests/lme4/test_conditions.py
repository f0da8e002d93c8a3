"""Every warning and message of R's arrives once, on its own fit, in its class."""

from __future__ import annotations

import warnings

import pytest

import pylme
from pylme.errors import (
    ConvergenceWarning,
    RankDeficiencyWarning,
    RError,
    RWarning,
    ScalingWarning,
    SingularFitWarning,
)
from pylme.lme4.conditions import classify

pytestmark = pytest.mark.needs_r

SLEEP = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleepstudy():
    return pylme.datasets.load("sleepstudy")


def test_singular():
    with pytest.warns(SingularFitWarning, match="isSingular") as seen:
        fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff2"))
    assert len(seen) == 1
    assert [c.kind for c in fit.conditions] == ["message"]


@pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning")
def test_optimiser_stopped_early_is_not_lost(sleepstudy):
    control = pylme.LmerControl(optimizer="bobyqa", opt_ctrl={"maxfun": 100}, calc_derivs=False)
    data = sleepstudy.assign(D=sleepstudy["Days"] + 100.0)
    with pytest.warns(ConvergenceWarning, match="convergence code 1 from bobyqa"):
        fit = pylme.lmer("Reaction ~ D + (D | Subject)", data, control=control)
    assert any("convergence code" in c.message for c in fit.conditions)


def test_rank_deficiency(sleepstudy):
    data = sleepstudy.assign(twice=2 * sleepstudy["Days"])
    with pytest.warns(RankDeficiencyWarning, match="dropping 1 column"):
        fit = pylme.lmer("Reaction ~ Days + twice + (1 | Subject)", data)
    assert fit._estimates.dropped == ("twice",)


def test_scaling(sleepstudy):
    data = sleepstudy.assign(big=sleepstudy["Days"] ** 2 * 1e7)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        pylme.lmer("Reaction ~ Days + big + (1 | Subject)", data)
    assert ScalingWarning in {w.category for w in seen}


def test_warnings_point_at_the_callers_line():
    with pytest.warns(SingularFitWarning) as seen:
        pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff2"))
    assert seen[0].filename == __file__


def test_two_fits_never_exchange_messages(sleepstudy):
    with pytest.warns(SingularFitWarning):
        singular = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff2"))
    clean = pylme.lmer(SLEEP, sleepstudy)
    assert clean.conditions == ()
    assert len(singular.conditions) == 1


def test_an_error_carries_rs_message_and_call(sleepstudy):
    with pytest.raises(RError) as caught:
        pylme.lmer("Reaction ~ bs(Days, degree = 0) + (1 | Subject)", sleepstudy)
    assert "degree" in caught.value.message
    assert "bs" in caught.value.call
    assert "Correct the arguments of bs()" in caught.value.remedy


def test_user_options_that_turn_warnings_into_errors_do_not_matter():
    from rpy2 import rinterface as ri

    old = ri.evalr("options(warn = 2)")
    try:
        with pytest.warns(SingularFitWarning):
            pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff2"))
        assert next(iter(ri.evalr("getOption('warn')"))) == 2
    finally:
        ri.baseenv["options"](old)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("boundary (singular) fit: see help('isSingular')", SingularFitWarning),
        ("Model failed to converge with max|grad| = 0.01 (tol = 0.002)", ConvergenceWarning),
        ("Model failed to converge: degenerate  Hessian with 1 negative", ConvergenceWarning),
        ("convergence code 5 from nloptwrap: NLOPT_MAXEVAL_REACHED", ConvergenceWarning),
        ("unable to evaluate scaled gradient", ConvergenceWarning),
        ("Model is nearly unidentifiable: very large eigenvalue\n - Rescale", ScalingWarning),
        ("Some predictor variables are on very different scales", ScalingWarning),
        ("fixed-effect model matrix is rank deficient so dropping 1 column", RankDeficiencyWarning),
        ("non-integer #successes in a binomial glm!", RWarning),
    ],
)
def test_classes(message, kind):
    assert classify(message) is kind
