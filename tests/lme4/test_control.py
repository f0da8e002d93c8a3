"""Controls reach lme4 as asked, and are checked before."""

from __future__ import annotations

import pytest

import pylme
from pylme import Check, GlmerControl, LmerControl
from pylme.errors import OptionError
from tests.native import native

SLEEP = "Reaction ~ Days + (Days | Subject)"


@pytest.mark.needs_r
@pytest.mark.parametrize("optimizer", ["nloptwrap", "bobyqa", "Nelder_Mead", "nlminbwrap"])
def test_every_optimiser_gives_what_it_gives_in_r(optimizer):
    data = pylme.datasets.load("sleepstudy")
    fit = pylme.lmer(SLEEP, data, control=LmerControl(optimizer=optimizer))
    code = f"lmer({SLEEP}, sleepstudy, control = lmerControl(optimizer = '{optimizer}'))"
    theta, feval = native(f"fit <- {code}; list(unname(getME(fit, 'theta')), fit@optinfo$feval)")
    assert fit.theta.tolist() == theta.tolist()
    assert fit.optinfo.feval == feval
    assert fit.optinfo.optimizer == optimizer


@pytest.mark.needs_r
def test_every_argument_is_one_of_lme4s():
    """By R's own formals, names and all."""
    from dataclasses import fields

    for control, function in ((LmerControl, "lmerControl"), (GlmerControl, "glmerControl")):
        known = set(native(f"names(formals({function}))"))
        everything = dict.fromkeys((f.name for f in fields(control)), None)
        values = {
            name: {"opt_ctrl": {"maxfun": 9}, "optimizer": "bobyqa"}.get(name)
            or ("ignore" if name.startswith("check") else True)
            for name in everything
        } | {"boundary_tol": 1e-5}
        if control is GlmerControl:
            values["tol_pwrss"] = 1e-6
        given = set(control(**values).arguments())
        assert given <= known
        assert known - given <= {"mod.type", "standardize.X"}


@pytest.mark.needs_r
def test_checks_reach_r():
    data = pylme.datasets.load("sleepstudy")
    control = LmerControl(
        check_conv_grad=Check(action="stop", tol=1e-12, rel_tol=1e-3), check_conv_hess="ignore"
    )
    with pytest.raises(pylme.errors.RError, match=r"max\|grad\|"):
        pylme.lmer(SLEEP, data, control=control)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"optimizer": "bobqya"}, "bobyqa"),
        ({"optimizer": ("bobyqa", "bobyqa")}, "two stages"),
        ({"opt_ctrl": {"maxevl": 3}}, "maxeval"),
        ({"opt_ctrl": {"maxfun": 3}}, "maxeval"),
        ({"opt_ctrl": [1]}, "mapping"),
        ({"opt_ctrl": {"maxeval": "many"}}, "a number"),
        ({"opt_ctrl": {"maxeval": float("nan")}}, "a number"),
        ({"check_conv_hess": "message"}, "stop"),
        ({"check_conv_grad": Check(action="message", tol=1e-3)}, "stop"),
        ({"boundary_tol": "a"}, "0 or more"),
        ({"optimizer": "bobyqa", "opt_ctrl": {"maxeval": 3}}, "maxfun"),
        ({"opt_ctrl": {"maxeval": [1]}}, "a number"),
        ({"check_nobs_vs_nre": "stopp"}, "stop"),
        ({"check_conv_grad": "warn"}, "warning"),
        ({"check_scalex": "warning+rescale"}, "warn"),
        ({"calc_derivs": "yes"}, "True"),
        ({"boundary_tol": -1}, "0 or more"),
    ],
)
def test_wrong_controls(arguments, word):
    with pytest.raises(OptionError, match=word):
        LmerControl(**arguments)


def test_wrong_checks():
    with pytest.raises(OptionError, match="positive"):
        Check(action="warning", tol=-1.0)
    with pytest.raises(OptionError, match="positive"):
        GlmerControl(tol_pwrss=0.0)


@pytest.mark.needs_r
def test_a_glmm_takes_two_optimisers():
    data = pylme.datasets.load("cbpp")
    fit = pylme.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        data,
        control=GlmerControl(optimizer=("bobyqa", "nloptwrap")),
    )
    assert fit.optinfo.optimizer == "nloptwrap"  # of the second stage, as in R


def test_the_wrong_control_is_refused():
    with pytest.raises(OptionError, match="LmerControl"):
        pylme.lmer(SLEEP, {}, control=GlmerControl())
