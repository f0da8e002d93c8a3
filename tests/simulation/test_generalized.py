"""Draws, bootstraps, studies and power of generalized models: moments in closed form, and lme4."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme.errors import NotAvailableError, OptionError, ResponseError

pytestmark = pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")

GRID = pylme.expand_grid(g=range(30), x=[-1.0, 0.0, 1.0], again=range(4))
MODEL = "y ~ x + (1 | g)"
BETA, SD = [0.5, 0.3], 0.4
CBPP = pylme.datasets.load("cbpp")
COUNTS = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


def simulator(formula=MODEL, **changes):
    given = {"beta": BETA, "covariances": {"sd": SD}, "family": "poisson", **changes}
    return pylme.simulator(formula, given.pop("data", GRID), **given)


#: By family: its options, and the variance of a response given its mean.
FAMILIES = {
    "poisson": ({}, lambda mean: mean),
    "negative binomial": ({"shape": 2.0}, lambda mean: mean + mean**2 / 2.0),
    "Gamma": ({"link": "log", "sigma": 0.7}, lambda mean: 0.49 * mean**2),
    "inverse.gaussian": ({"link": "log", "sigma": 0.5}, lambda mean: 0.25 * mean**3),
    "gaussian": ({"link": "log", "sigma": 0.5}, lambda mean: 0.25 + 0.0 * mean),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_moments_of_draws_with_a_log_link(family):
    """E y = exp(η + sd²/2); given the effects, errors have mean zero and the family's variance."""
    options, variance = FAMILIES[family]
    drawn = simulator(family=family, **options).draw(400, seed=1)
    eta = BETA[0] + BETA[1] * np.asarray(GRID["x"])
    relative = drawn.y / np.exp(eta)[:, None]
    groups = np.array([relative[np.asarray(GRID["g"]) == g].mean(axis=0) for g in range(30)])
    expected = np.exp(SD**2 / 2)
    assert groups.mean() == pytest.approx(expected, abs=5 * groups.std() / np.sqrt(groups.size))
    mean = drawn.y - drawn.errors
    given = eta[:, None] + drawn.random_effects["1 | g"][:, np.asarray(GRID["g"]), 0].T
    np.testing.assert_allclose(mean, np.exp(given), rtol=1e-10)
    pearson = drawn.errors / np.sqrt(variance(mean))
    n = pearson.size
    assert abs(pearson.mean()) < 5 / np.sqrt(n)
    squares = pearson**2
    assert squares.mean() == pytest.approx(1.0, abs=5 * squares.std() / np.sqrt(n))


def test_draws_of_a_large_shape_are_poisson():
    """Success probabilities of 1 - 1e-16 would give zeros."""
    drawn = simulator(family="negative binomial", shape=1e16).draw(100, seed=1)
    ratio = drawn.errors**2 / (drawn.y - drawn.errors)
    assert ratio.mean() == pytest.approx(1.0, abs=5 * ratio.std() / np.sqrt(ratio.size))


def test_binomial_draws_have_their_trials():
    trials = np.resize([1.0, 5.0, 20.0], len(GRID))
    drawn = simulator(family="binomial", weights=trials).draw(300, seed=2)
    successes = drawn.y * trials[:, None]
    np.testing.assert_allclose(successes, np.round(successes), atol=1e-12)
    mean = drawn.y - drawn.errors
    pearson = drawn.errors / np.sqrt(mean * (1 - mean) / trials[:, None])
    squares = pearson**2
    within = 5 * squares.std() / np.sqrt(squares.size)
    assert squares.mean() == pytest.approx(1.0, abs=within)
    counted = pylme.expand_grid(g=range(30), again=range(4)).assign(m=20)
    counts = simulator(
        "cbind(s, m - s) ~ 1 + (1 | g)", data=counted, beta=[-1.0], family="binomial"
    ).draw(3, seed=1)
    assert counts.response == "s"
    assert ((counts.y >= 0) & (counts.y <= 20)).all()
    assert counts.y.max() > 3


@pytest.mark.needs_r
@pytest.mark.parametrize("family", ["counts", "poisson"])
def test_both_engines_refit_the_same_draws(family):
    if family == "counts":
        fits = [pylme.glmer(COUNTS, CBPP, engine=engine) for engine in ("numpy", "lme4")]
    else:
        data = simulator().draw(1, seed=3).to_frame().assign(o=0.1 * GRID["x"])
        fits = [
            pylme.glmer(MODEL, data, family="poisson", offset="o", engine=engine)
            for engine in ("numpy", "lme4")
        ]
    ours, theirs = (fit.bootstrap(4, seed=5) for fit in fits)
    assert "sigma" not in ours.estimates.index
    assert ours.n_failed == theirs.n_failed == 0
    # Both draw at their own estimates, from one seed.
    np.testing.assert_allclose(ours.replicates, theirs.replicates, atol=0.02)
    again = fits[0].bootstrap(4, seed=5, engine="lme4")
    np.testing.assert_allclose(again.replicates, ours.replicates, atol=2e-3)


def test_a_bootstrap_is_a_refit_of_what_is_drawn():
    data = simulator(family="negative binomial", shape=3.0).draw(1, seed=1).to_frame()
    fit = pylme.glmer_nb(MODEL, data, engine="numpy")
    boot = fit.bootstrap(3, seed=4, statistic=lambda f: {"shape": f.getme("glmer.nb.theta")})
    y = boot.simulator.draw(3, seed=boot.seeds.entropy).y
    for i in range(3):
        again = fit.refit(y[:, i])
        np.testing.assert_allclose(boot.replicates.loc[i, ["(Intercept)", "x"]], again.fixef)
        assert boot.replicates.loc[i, "shape"] == again.getme("glmer.nb.theta")
    with pytest.raises(NotAvailableError, match="generalized") as refused:
        boot.intervals("bca")
    assert '"percentile"' in refused.value.remedy
    found = fit.confint("bootstrap", n=5, seed=1, parameters="fixed")
    assert (found["conf_low"] < found["conf_high"]).all()


def test_a_study_finds_what_was_drawn():
    """Estimates lie around the parameters, within four Monte Carlo standard errors."""
    found = pylme.study(simulator(), MODEL, n=40, seed=1)
    assert (found.fits["error"].isna()).all()
    summary = found.summary().estimates.query("over == 'all'").set_index("parameter")
    assert set(summary.index) >= {"(Intercept)", "x", "sd__(Intercept) | g"}
    assert "sigma" not in summary.index
    line = summary.loc["x"]
    assert line["truth"] == BETA[1]
    assert abs(line["bias"]) < 4 * line["bias_std_error"]


def test_models_of_a_study_have_their_own_families():
    models = {
        "poisson": MODEL,
        "negative binomial": pylme.StudyModel(formula=MODEL, family="negative binomial"),
        "quadrature": pylme.StudyModel(formula=MODEL, family="poisson", n_agq=9),
        "linear": pylme.StudyModel(formula="sqrt(y) ~ x + (1 | g)"),
    }
    found = pylme.study(simulator(), models, n=2, seed=1)
    assert found.fits["error"].isna().all()
    criteria = found.fits.pivot_table(index="replicate", columns="model", values="criterion")
    data = simulator().draw(2, seed=1).to_frame(1)
    by_hand = pylme.glmer(MODEL, data, family="poisson", n_agq=9, engine="numpy")
    assert criteria.loc[1, "quadrature"] == pytest.approx(by_hand.criterion, abs=1e-9)
    assert criteria["linear"].notna().all()
    # One parameter more.
    assert (criteria["negative binomial"] < criteria["poisson"] + 1e-3).all()


def test_power_of_tests_in_a_generalized_model():
    designs = {"slope": simulator(), "none": simulator(beta=[0.5, 0.0])}
    wald = pylme.power(designs, MODEL, test="x", n=25, seed=1)
    ratio = pylme.power(designs, MODEL, null="y ~ 1 + (1 | g)", n=25, seed=1)
    for found in (wald, ratio):
        strong, none = found.table["power"]
        assert strong > 0.9
        assert none < 0.3
    # Wald's statistic squared and the likelihood ratio agree where there is no effect.
    np.testing.assert_allclose(wald.statistics["none"] ** 2, ratio.statistics["none"], atol=0.3)


def test_successes_of_a_fit_are_drawn_and_failures_follow():
    fit = pylme.glmer(COUNTS, CBPP, engine="numpy")
    found = pylme.study(fit, COUNTS, n=2, seed=1)
    assert found.fits["error"].isna().all()
    data = pylme.simulate(fit, n=2, seed=1).to_frame(1)
    by_hand = pylme.glmer(COUNTS, data, engine="numpy")
    assert found.fits["criterion"].iloc[1] == pytest.approx(by_hand.criterion, abs=1e-8)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(OptionError, match="for the poisson family"):
        simulator(sigma=2.0)
    with pytest.raises(OptionError, match="random-effects term"):
        pylme.power(simulator(), MODEL, null="y ~ x", n=2, seed=1)
    with pytest.raises(ResponseError, match="trials - successes"):
        pylme.simulator(
            "cbind(s, f) ~ 1 + (1 | g)", GRID.assign(s=1, f=1), beta=[0.0], family="binomial",
            covariances={"sd": 1},
        )  # fmt: skip
