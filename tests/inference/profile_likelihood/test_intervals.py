"""Profile likelihood intervals against lme4's, published ones, and an independent minimiser."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import chdtri

import pylme
from pylme.covariance.structure import structure_of
from pylme.errors import FitWarning
from pylme.inference.profile_likelihood.linear_likelihood import LinearLikelihood
from pylme.inference.profile_likelihood.parameters import profiled_parameters
from tests.inference.profile_likelihood.oracle import DenseModel
from tests.native import native

#: How far the criterion lies above its minimum at the ends of a 95% interval.
RISE = chdtri(1, 0.05)
LOAD = pylme.datasets.load


def fit_of(formula, data, **arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return pylme.lmer(formula, data, engine="numpy", **arguments)


def ends_of(fit, **arguments):
    frame = fit.confint(names="lme4", **arguments).set_index("parameter")
    return frame[["conf_low", "conf_high"]]


def machines():
    found = native("as.list(transform(nlme::Machines, Worker = as.character(Worker),"
                   " Machine = as.character(Machine)))")  # fmt: skip
    return pd.DataFrame({name: np.asarray(found[name]) for name in found})


def test_sleepstudy_has_the_published_intervals():
    """Bates, Mächler, Bolker & Walker (2015), section 5.1: confint(profile(fm1)), by ML."""
    ends = ends_of(fit_of("Reaction ~ Days + (Days | Subject)", LOAD("sleepstudy")))
    expected = {
        ".sig01": (14.3815, 37.7160), ".sig02": (-0.4815, 0.6850), ".sig03": (3.8012, 8.7534),
        ".sigma": (22.8983, 28.8580), "(Intercept)": (237.6807, 265.1295),
        "Days": (7.3587, 13.5759),
    }  # fmt: skip
    assert list(ends.index) == list(expected)
    # Published to four decimals from a spline through the profile.
    np.testing.assert_allclose(ends, list(expected.values()), atol=2e-4)


def test_a_correlation_is_the_same_from_either_side():
    """With the effects in the other order."""
    data = LOAD("sleepstudy").assign(one=1.0)
    ends = [
        ends_of(fit_of(f"Reaction ~ Days + ({part} | Subject)", data), parameters=".sig02")
        for part in ("0 + one + Days", "0 + Days + one")
    ]
    np.testing.assert_allclose(*ends, rtol=1e-6)


LIVE = [
    ("Yield ~ 1 + (1 | Batch)", "Dyestuff", "dyestuff"),
    ("strength ~ 1 + (1 | batch) + (1 | batch:cask)", "Pastes", "pastes"),
    ("Reaction ~ Days + (Days || Subject)", "sleepstudy", "sleepstudy"),
    ("Yield ~ 1 + (1 | Batch)", "Dyestuff2", "dyestuff2"),
]


@pytest.fixture(scope="module")
def of_lme4():
    calls = ",".join(
        f"as.matrix(confint(lmer({formula}, {data}), quiet = TRUE))" for formula, data, _ in LIVE
    )
    names = ",".join(f"rownames(confint(lmer({f}, {d}), method = 'Wald'))" for f, d, _ in LIVE)
    ends, labels = native(f"list({calls})"), native(f"list({names})")
    return [
        pd.DataFrame(np.asarray(one), index=list(label))
        for one, label in zip(ends, labels, strict=True)
    ]


@pytest.mark.needs_r
@pytest.mark.parametrize("which", range(len(LIVE)))
def test_the_ends_are_those_of_lme4(of_lme4, which):
    formula, _, name = LIVE[which]
    ends, theirs = ends_of(fit_of(formula, LOAD(name))), of_lme4[which]
    assert list(ends.index) == list(theirs.index)
    width = np.ptp(ends.to_numpy(), axis=1)[:, None]
    # lme4 interpolates in a spline, and searches from the estimate, where a variance of zero stays
    # zero: near the boundary it is less precise.
    allowed = 2e-3 if name == "dyestuff2" else 7e-4 if name == "pastes" else 5e-5
    known = np.isfinite(theirs.to_numpy())
    off = np.abs(ends.to_numpy() - theirs.to_numpy()) / width
    assert off[known].max() < allowed


def dense_of(fit):
    linear = fit._model.linear_problem()
    (term,) = linear.terms
    codes = np.asarray(term.codes)
    return DenseModel(linear.y, linear.X, term.columns, codes, weights=linear.weights)


def check_by_dense_matrices(fit, wanted, ends, *, base):
    """At each end the profile deviance, minimised by others' code, is as high as it should be."""
    dense = dense_of(fit)
    (term,) = fit.varcorr.terms
    for parameter in profiled_parameters(fit.fixef.index, [("g", term.names, term.structure)]):
        if parameter.lme4 not in wanted:
            continue
        place = parameter.places[0] if parameter.kind == "fixed" else parameter.places
        for value, bound in zip(ends.loc[parameter.lme4], (-1, 1), strict=True):
            inside = parameter.kind == "sd" and value == 0.0
            inside |= parameter.kind == "correlation" and value == bound
            rise = dense.least(parameter.kind, place, value) - base
            if inside:
                assert rise <= RISE + 1e-4
            else:
                assert rise == pytest.approx(RISE, abs=2e-4), (parameter.lme4, value)


@pytest.mark.needs_r
def test_two_correlations_where_lme4_is_wrong():
    """Machines: lme4 bounds each element of theta by a box, and finds [-1, .447] for .sig03."""
    fit = fit_of("score ~ Machine + (Machine | Worker)", machines())
    ends = ends_of(fit)
    np.testing.assert_allclose(ends.loc[".sig03"], (-0.8475, 0.4519), atol=1e-4)
    assert ends.loc[".sig05", "conf_high"] == pytest.approx(0.8253, abs=1e-4)
    base = LinearLikelihood(fit._model.linear_problem()).deviance
    check_by_dense_matrices(fit, {".sig03"}, ends, base=base)


def test_weights_where_lme4_is_wrong():
    """lme4 forgets the weights in X and Z when it profiles a coefficient."""
    data = LOAD("sleepstudy")
    data = data.assign(w=1.0 + np.arange(len(data)) % 5)
    fit = fit_of("Reaction ~ Days + (Days | Subject)", data, weights="w")
    ends = ends_of(fit)
    base = LinearLikelihood(fit._model.linear_problem()).deviance
    check_by_dense_matrices(fit, {"Days", ".sig02"}, ends, base=base)
    # Weights that are all alike change the unit of sigma and nothing else.
    plain = ends_of(fit_of("Reaction ~ Days + (Days | Subject)", data))
    four = ends_of(fit_of("Reaction ~ Days + (Days | Subject)", data.assign(w=4.0), weights="w"))
    plain.loc[".sigma"] *= 2.0
    np.testing.assert_allclose(four, plain, rtol=1e-6)


def singular():
    """Slopes that are proportional to the intercepts: a correlation of 1."""
    rng = np.random.default_rng(5)
    g, x = np.repeat(np.arange(12), 6), np.tile(np.arange(6.0), 12)
    b = rng.normal(size=12)
    y = 2 * b[g] + 0.5 * b[g] * x + x + rng.normal(size=72)
    return pd.DataFrame({"y": y, "x": x, "g": g})


def test_a_fit_on_the_boundary():
    """From a correlation of 1, where lme4 finds [-1, 1]."""
    fit = fit_of("y ~ x + (x | g)", singular())
    likelihood = LinearLikelihood(fit._model.linear_problem())
    assert fit.is_singular()
    ends = ends_of(fit)
    assert ends.loc[".sig02", "conf_high"] == 1.0
    assert ends.loc[".sig02", "conf_low"] > 0.0
    check_by_dense_matrices(fit, {".sig02", "x"}, ends, base=likelihood.deviance)


def test_a_profile_that_sticks_at_a_variance_of_zero():
    """Dyestuff2: at a variance of zero its gradient vanishes, and lme4 stays there."""
    fit = fit_of("Yield ~ 1 + (1 | Batch)", LOAD("dyestuff2"))
    ends = ends_of(fit)
    assert ends.loc[".sig01", "conf_low"] == 0.0
    assert ends.loc["(Intercept)", "conf_low"] == pytest.approx(4.3128, abs=1e-4)
    base = LinearLikelihood(fit._model.linear_problem()).deviance
    check_by_dense_matrices(fit, {"(Intercept)"}, ends, base=base)


def test_a_correlation_with_what_does_not_vary_may_have_any_value():
    """Nothing is known of it: lme4 calls the estimate NaN."""
    data = LOAD("dyestuff2").assign(x=np.tile(np.arange(5.0), 6))
    frame = fit_of("Yield ~ 1 + (x | Batch)", data).confint(parameters="ran_pars")
    own = frame[frame["term"].str.startswith("cor")]
    assert own[["conf_low", "conf_high"]].to_numpy().tolist() == [[-1.0, 1.0]]


def test_the_restricted_likelihood():
    """The interval of a balanced one-way model by REML, as published in no table: by the oracle."""
    fit = fit_of("Yield ~ 1 + (1 | Batch)", LOAD("dyestuff"))
    ends = ends_of(fit, reml=True)
    assert list(ends.index) == [".sig01", ".sigma"]
    # In closed form: D(τ², σ²) of the two mean squares, which are independent.
    data = LOAD("dyestuff")
    means = data.groupby("Batch", observed=True)["Yield"].mean()
    between = 5 * ((means - means.mean()) ** 2).sum()
    within = data.groupby("Batch", observed=True)["Yield"].var().sum() * 4

    def deviance(tau, sigma):
        lam = sigma**2 + 5 * tau**2
        return 5 * np.log(lam) + between / lam + 24 * np.log(sigma**2) + within / sigma**2

    from scipy.optimize import minimize_scalar

    def profile(tau):
        return minimize_scalar(
            lambda s: deviance(tau, np.exp(s)), bounds=(2, 6), method="bounded",
            options={"xatol": 1e-12},
        ).fun  # fmt: skip

    base = deviance(np.sqrt((between / 5 - within / 24) / 5), np.sqrt(within / 24))
    for end in ends.loc[".sig01"]:
        assert profile(end) - base == pytest.approx(RISE, abs=1e-6)
    np.testing.assert_allclose(ends.loc[".sig01"], (15.6572, 101.0661), rtol=1e-5)


def test_a_correlation_of_one_has_an_interval_up_to_one():
    """The question itself, where the delta method has nothing to say."""
    hsb = LOAD("hsb")
    part = pylme.group_specific("ses", group="sch.id", by="sector", data=hsb)
    fit = fit_of(f"math ~ ses*sector + {part}", hsb)
    frame = fit.group_correlations(by="sector", method="profile").to_frame()
    name = "cor (Intercept), ses"
    assert frame[f"{name} conf_high"].tolist() == [1.0, 1.0]
    # Of Catholic schools the slopes hardly differ, so their correlation is not known at all.
    assert frame[f"{name} conf_low"]["Public"] > 0
    assert frame[f"{name} conf_low"]["Catholic"] == -1.0
    assert frame["sd ses conf_low"]["Catholic"] == 0.0


def test_units_change_nothing():
    """Metamorphic: the response and the covariate in other units, and the covariate shifted."""
    data = LOAD("sleepstudy")
    plain = ends_of(fit_of("Reaction ~ Days + (Days | Subject)", data))
    other = data.assign(Reaction=1e-4 * data["Reaction"], Days=1e5 * data["Days"])
    scaled = ends_of(fit_of("Reaction ~ Days + (Days | Subject)", other))
    factor = np.array([1e-4, 1.0, 1e-9, 1e-4, 1e-4, 1e-9])[:, None]
    np.testing.assert_allclose(scaled, factor * plain, rtol=1e-6)
    shifted = ends_of(
        fit_of("Reaction ~ Days + (Days | Subject)", data.assign(Days=data["Days"] + 1000.0)),
        parameters=[".sig03", ".sigma", "Days"],
    )
    np.testing.assert_allclose(shifted, plain.loc[shifted.index], rtol=1e-5)


def test_few_evaluations():
    """Four to six for each end, and one for the estimate."""
    linear = fit_of("Reaction ~ Days + (Days | Subject)", LOAD("sleepstudy"))._model
    likelihood = LinearLikelihood(linear.linear_problem())
    terms = [("Subject", ("a", "b"), structure_of("us", 2))]
    parameters = profiled_parameters(("(Intercept)", "Days"), terms)
    for parameter in parameters:
        likelihood.interval(parameter, RISE)
    assert likelihood.evaluations <= 64
