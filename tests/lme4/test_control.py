"""Controls reach lme4 as asked, and are checked before."""

from __future__ import annotations

import numpy as np
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
        # Of lme4 2: pylme scales columns itself where it must, and checks fits of any size.
        # The dispersion is a parameter of criterion="likelihood".
        newer = {"autoscale", "check.conv.nobsmax", "check.conv.nparmax"}
        newer |= {"disp_method", "maxPhiIter", "disp_dof_correction"}
        assert known - given <= {"mod.type", "standardize.X"} | newer


#: Each optimiser's options with a value that all of them take, as a whole number.
WHOLE = {
    "nloptwrap": {
        "stopval": -1000, "ftol_rel": 1, "ftol_abs": 1, "xtol_rel": 1, "xtol_abs": 1, "maxeval": 9,
        "maxtime": 60, "population": 1, "vector_storage": 1, "ranseed": 1, "print_level": 1,
    },
    "bobyqa": {"npt": 5, "rhobeg": 1, "iprint": 1, "maxfun": 9},
    "Nelder_Mead": {
        "iprint": 1, "maxfun": 500, "FtolAbs": 1, "FtolRel": 1, "XtolRel": 1, "MinfMax": 1,
        "verbose": 1, "warnOnly": 1, "xst": [1, 1, 1], "xt": [1, 1, 1],
    },
    "nlminbwrap": {
        "eval.max": 9, "iter.max": 9, "trace": 1, "abs.tol": 1, "x.tol": 1, "xf.tol": 1,
        "step.min": 1, "step.max": 1, "sing.tol": 1,
    },
}  # fmt: skip


@pytest.mark.needs_r
@pytest.mark.filterwarnings("ignore::pylme.errors.PylmeWarning")
@pytest.mark.parametrize(
    ("optimizer", "option"), [(name, option) for name, own in WHOLE.items() for option in own]
)
def test_whole_numbers_and_others_mean_the_same(optimizer, option):
    """R's optimisers know integers from doubles; a person who writes `4` for `4.0` need not."""
    data = pylme.datasets.load("sleepstudy")
    given = np.asarray(WHOLE[optimizer][option])
    as_doubles = given.astype(float)
    found = []
    for value in (
        given.tolist(),
        as_doubles.tolist(),
        given[()],
        as_doubles.astype(np.float32)[()],
    ):
        control = LmerControl(optimizer=optimizer, opt_ctrl={option: value})
        fit = pylme.lmer(SLEEP, data, control=control)
        found.append((fit.theta.tolist(), fit.optinfo.feval))
    text = f"c({', '.join(map(str, as_doubles.ravel().tolist()))})"
    control = f"lmerControl(optimizer = '{optimizer}', optCtrl = list({option} = {text}))"
    theta, feval = native(
        f"capture.output(fit <- suppressWarnings(lmer({SLEEP}, sleepstudy, control = {control})));"
        "list(unname(getME(fit, 'theta')), fit@optinfo$feval)"
    )
    assert found == [(theta.tolist(), feval)] * 4


@pytest.mark.needs_r
@pytest.mark.parametrize("optimizer", ["bobyqa", ("bobyqa", "Nelder_Mead")])
def test_whole_numbers_in_the_control_of_a_glmm(optimizer):
    data = pylme.datasets.load("cbpp")
    controls = [
        GlmerControl(
            optimizer=optimizer, opt_ctrl={"maxfun": kind(2000)}, boundary_tol=kind(0),
            tol_pwrss=1e-7, check_conv_grad=Check(action="warning", tol=kind(1)),
        )
        for kind in (int, float, np.int64, np.float32)
    ]  # fmt: skip
    fits = [
        pylme.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", data, control=c)
        for c in controls
    ]
    assert len({fit.criterion for fit in fits}) == 1


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
        ({"optimizer": "Nelder_Mead", "opt_ctrl": {"xst": ["a"]}}, "finite numbers"),
        ({"optimizer": "Nelder_Mead", "opt_ctrl": {"xst": float("nan")}}, "a number"),
        ({"optimizer": "Nelder_Mead", "opt_ctrl": {"maxfun": [9]}}, "a number"),
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
