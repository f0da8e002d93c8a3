"""Profiles of generalized models, against lme4's deviance function and lme4's own profiles."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.special import chdtri

import pylme
from pylme.errors import FitWarning, NotAvailableError
from tests.native import native

RISE = chdtri(1, 0.05)
CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


@cache
def counts():
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(25), 10)
    x = rng.normal(size=250).round(3)
    b = rng.normal(size=(25, 2)) @ np.array([[0.5, 0.2], [0.0, 0.35]])
    y = rng.poisson(np.exp(0.6 + 0.3 * x + b[g, 0] + b[g, 1] * x))
    coin = rng.integers(0, 2, 250)
    return pd.DataFrame({"y": y, "coin": coin, "x": x, "g": [f"g{i:02d}" for i in g]})


#: Arguments of glmer, and the same model in R, with the data as `d`.
MODELS = {
    "cbpp": (CBPP, "cbpp", {"family": "binomial"}),
    "cbpp by quadrature": (CBPP, "cbpp", {"family": "binomial", "n_agq": 9}),
    "slopes": ("y ~ x + (x | g)", "counts", {"family": "poisson"}),
    "singular": ("coin ~ x + (1 | g)", "counts", {"family": "binomial"}),
}


def data_of(name):
    return pylme.datasets.load(name) if name != "counts" else counts()


@cache
def fitted(name, engine="numpy"):
    formula, data, arguments = MODELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return pylme.glmer(formula, data_of(data), engine=engine, **arguments)


def in_r(name):
    """R code that makes `d`, and `f`, the deviance function of the model in θ and β."""
    formula, data, arguments = MODELS[name]
    made = "d <- cbpp"
    if data == "counts":
        columns = [
            f"{column} = c({', '.join(map(repr, counts()[column].tolist()))})"
            for column in counts()
        ]
        made = f"d <- data.frame({', '.join(columns)})"
    n_agq = arguments.get("n_agq", 1)
    return f"""{made}
        f <- glmer({formula}, d, family = {arguments["family"]}, nAGQ = {n_agq}L,
                   devFunOnly = TRUE, control = glmerControl(tolPwrss = 1e-13))"""


@pytest.mark.needs_r
@pytest.mark.parametrize("name", list(MODELS))
def test_no_others_are_lower_at_the_ends(name):
    """lme4's deviance at each end has risen by the quantile, and R's nlminb finds no lower one.

    At an end at zero the deviance has risen by less.
    """
    fit = fitted(name)
    covariances = fit.theta.size
    ends = fit.confint().set_index(["effect", "term"])
    profile = fit.profile(conf_level=0.95)
    rows = profile.to_frame()
    deviance = fit.criterion
    if name == "cbpp by quadrature":
        # lme4's devfun leaves the saturated log-likelihood out.
        at = ", ".join(repr(float(value)) for value in (*fit.theta, *fit.fixef))
        deviance = native(f"local({{{in_r(name)}; f(c({at})) }})")
    for curve in profile.curves:
        own = rows[rows["parameter"] == curve.parameter.label]
        for row, side in ((own.iloc[0], "conf_low"), (own.iloc[-1], "conf_high")):
            at = ends.loc[(curve.parameter.name.effect, curve.parameter.name.term), side]
            place = list(rows).index(curve.parameter.label) - 2
            values = row.iloc[2:].to_numpy(float)
            beta, others = values[: len(fit.fixef)], values[len(fit.fixef) :]
            values = np.concatenate([others, beta])
            place = (place - len(beta)) % len(values)
            # The curve's last point lies a little beyond the end: the others start there.
            values[place] = at
            lowest = native(
                f"""local({{{in_r(name)}
                at <- c({", ".join(map(repr, values.tolist()))})
                theta <- function(p) {{
                  if ({covariances} == 1) return(abs(p[1]))
                  c(p[1], p[2] * p[3], p[3] * sqrt(1 - p[2]^2))
                }}
                g <- function(free) {{
                  p <- at; p[-{place + 1}] <- free
                  if ({covariances} == 3 && abs(p[2]) > 1) return(1e6)
                  f(c(theta(p), p[-seq_len({covariances})]))
                }}
                best <- nlminb(at[-{place + 1}], g, control = list(rel.tol = 1e-12))
                best$objective}})"""
            )
            if curve.parameter.kind == "sd" and at == 0.0:
                assert lowest - deviance < RISE
            else:
                assert lowest - deviance == pytest.approx(RISE, abs=2e-4)


@pytest.mark.parametrize("name", list(MODELS))
def test_curves_reach_the_ends_and_come_from_the_estimate(name):
    fit = fitted(name)
    profile = fit.profile()
    ends, read = fit.confint(), profile.confint(0.95)
    width = ends["conf_high"] - ends["conf_low"]
    for side in ("conf_low", "conf_high"):
        assert ((ends[side] - read[side]).abs() < 2e-4 * width).all()
    for curve in profile.curves:
        assert (np.diff(curve.value) > 0).all()
        assert (np.diff(curve.zeta) > -1e-6).all()
        assert 0.0 in curve.zeta


@pytest.mark.needs_r
def test_both_engines_have_the_same_profile():
    """Each profile starts from the optimum, wherever the engine stopped."""
    np.testing.assert_allclose(
        fitted("cbpp", "lme4").confint()[["conf_low", "conf_high"]],
        fitted("cbpp").confint()[["conf_low", "conf_high"]],
        rtol=1e-6,
    )  # fmt: skip


def test_the_least_deviance_at_zero_is_that_of_the_model_without():
    fit = fitted("slopes")
    curve = fit.profile("sd__x | g", conf_level=0.99999).curves[0]
    lines = pylme.glmer("y ~ x + (1 | g)", counts(), family="poisson", engine="numpy")
    assert curve.value[0] == 0.0
    assert curve.zeta[0] ** 2 == pytest.approx(lines.criterion - fit.criterion, abs=1e-6)


def test_units_of_a_covariate_change_nothing_but_its_own_intervals():
    scaled = counts().assign(x=counts()["x"] * 1000.0)
    formula, _, arguments = MODELS["slopes"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        other = pylme.glmer(formula, scaled, engine="numpy", **arguments)
    ends = fitted("slopes").confint(names="lme4").set_index("parameter")
    there = other.confint(names="lme4").set_index("parameter")
    for column in ("conf_low", "conf_high"):
        factor = np.array([1.0, 1.0, 1000.0, 1.0, 1000.0])
        np.testing.assert_allclose(there[column] * factor, ends[column], rtol=2e-5, atol=1e-6)


def test_a_dispersion_is_profiled_with_the_likelihood_proper():
    """Without variance between groups it is the generalized linear model with Gamma errors."""
    rng = np.random.default_rng(4)
    data = counts().assign(gam=rng.gamma(2.0, np.exp(0.3 * counts()["x"]) / 2.0))
    with pytest.warns(FitWarning, match="singular"):
        fit = pylme.glmer(
            "gam ~ x + (1 | g)", data, family="Gamma", link="log", criterion="likelihood",
            engine="numpy",
        )  # fmt: skip
    ends = fit.confint("profile", parameters=["x", "sigma"])
    assert fit.theta[0] == 0.0
    from scipy.optimize import brentq, minimize
    from scipy.stats import gamma

    y, x = data["gam"].to_numpy(), data["x"].to_numpy()

    def deviance(b0, b1, s):
        k = np.exp(-s)
        return -2.0 * gamma.logpdf(y, k, scale=np.exp(b0 + b1 * x) / k).sum()

    best = minimize(lambda p: deviance(*p), [0.1, 0.3, -1.0], method="BFGS", tol=1e-9)

    def rise(place, value):
        free = [i for i in range(3) if i != place]

        def others(p):
            every = np.empty(3)
            every[place], every[free] = value, p
            return deviance(*every)

        return minimize(others, best.x[free], method="BFGS", tol=1e-9).fun - best.fun - RISE

    for place, row in ((1, 0), (2, 1)):
        centre = best.x[place]
        low, high = (brentq(lambda v, p=place: rise(p, v), centre, centre + step, xtol=1e-7)
                     for step in (-0.5, 0.5))  # fmt: skip
        if place == 2:
            low, high = np.exp(0.5 * np.array([low, high]))
        got = ends.sort_values("effect").iloc[row][["conf_low", "conf_high"]]
        # The model may have some variance between groups where the others may not.
        np.testing.assert_allclose(got.astype(float), [low, high], atol=2e-3)


@pytest.mark.parametrize("arguments", [{"n_agq": 0}, {"family": "gaussian", "link": "log"}])
def test_what_is_no_likelihood_is_refused(arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        fit = pylme.glmer(
            "y + 1 ~ x + (1 | g)", counts(), engine="numpy", **({"family": "poisson"} | arguments)
        )
    with pytest.raises(NotAvailableError, match="Profiling the likelihood of a generalized"):
        fit.confint()
    with pytest.raises(NotAvailableError, match="restricted likelihood"):
        fit.confint(parameters="ran_pars", reml=True)


@pytest.mark.needs_r
@pytest.mark.simulation
@pytest.mark.parametrize("name", ["cbpp", "slopes"])
def test_lme4s_own_profile_has_the_same_ends(name):
    """lme4's profiles of generalized models take minutes, and have the noise of its criterion."""
    formula, _, arguments = MODELS[name]
    theirs = native(
        f"""local({{{in_r(name)}
        m <- glmer({formula}, d, family = {arguments["family"]})
        c(confint(m, method = "profile", quiet = TRUE))}})"""
    )
    ends = fitted(name).confint(names="lme4")
    theirs = np.asarray(theirs).reshape(2, -1).T
    width = (ends["conf_high"] - ends["conf_low"]).to_numpy()[:, None]
    assert (np.abs(ends[["conf_low", "conf_high"]] - theirs) / width).to_numpy().max() < 5e-3
