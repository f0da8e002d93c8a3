"""Fits of generalized models by the NumPy engine: optima, and everything a fit is asked for."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import pylme

CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


@pytest.fixture(scope="module")
def fit():
    return pylme.glmer(CBPP, pylme.datasets.load("cbpp"), engine="numpy")


def test_the_optimum_of_cbpp(fit):
    """By lme4 with bobyqa to 1e-9 and PIRLS to 1e-11: 184.052564."""
    assert fit.criterion == pytest.approx(184.052563729514, abs=1e-8)
    assert fit.convergence.status.name == "CONVERGED"
    assert fit.optinfo.certificate.expected_fall < 1e-12
    assert np.abs(fit.optinfo.gradient).max() < 1e-7
    assert len(fit.optinfo.trace) == fit.optinfo.feval


def test_a_fit_is_kept_whole_and_as_json(fit):
    again = pickle.loads(pickle.dumps(fit))
    np.testing.assert_array_equal(again.fixef, fit.fixef)
    np.testing.assert_allclose(again.vcov, fit.vcov)
    read = pylme.from_json(fit.to_json())
    assert str(read.summary()) == str(fit.summary())
    assert read.convergence.status == fit.convergence.status


def test_another_start_ends_at_the_same_optimum(fit):
    for theta in (0.0, 0.1, 5.0):
        assert fit.refit_from([theta]).criterion == pytest.approx(fit.criterion, abs=1e-8)


def test_covariance_of_the_estimates_by_both_ways(fit):
    """Of the Hessian and of R_X; the former is that of the optimiser's record."""
    H = fit.optinfo.hessian
    np.testing.assert_allclose(fit.vcov, 2 * np.linalg.inv(H)[1:, 1:], rtol=1e-9)
    RX = fit.getme("RX")
    np.testing.assert_allclose(fit._model.vcov_of("rx"), np.linalg.inv(RX.T @ RX), rtol=1e-9)


def test_weights_that_are_numbers_of_equal_rows():
    data = pylme.datasets.load("cbpp")
    twice = np.full(len(data), 2.0)
    weighted = pylme.glmer(CBPP, data, weights=twice, engine="numpy")
    doubled = data.loc[data.index.repeat(2)].reset_index(drop=True)
    repeated = pylme.glmer(CBPP, doubled, engine="numpy")
    np.testing.assert_allclose(weighted.fixef, repeated.fixef, rtol=1e-5)
    np.testing.assert_allclose(weighted.theta, repeated.theta, rtol=1e-5)


def test_units_of_a_covariate_do_not_matter():
    ticks = pylme.datasets.load("grouseticks")
    criteria = []
    for shift, scale in ((0.0, 1.0), (2000.0, 1.0), (0.0, 1e4)):
        data = ticks.assign(h=(ticks["HEIGHT"] - 460.0) / 30.0 * scale + shift)
        fit = pylme.glmer("TICKS ~ h + (h | BROOD)", data, family="poisson", engine="numpy")
        criteria.append(fit.criterion)
    assert max(criteria) - min(criteria) < 1e-6


@pytest.mark.filterwarnings("ignore::pylme.errors.RankDeficiencyWarning")
def test_dependent_columns_are_dropped():
    data = pylme.datasets.load("cbpp").assign(twice=lambda d: 2.0 * (d["period"] == "2"))
    fit = pylme.glmer(CBPP.replace("period", "period + twice"), data, engine="numpy")
    plain = pylme.glmer(CBPP, data, engine="numpy")
    assert fit.criterion == pytest.approx(plain.criterion, abs=1e-9)
    assert "rank deficient" in str(fit.summary())


def test_no_variance_is_certified():
    rng = np.random.default_rng(5)
    data = {"y": rng.poisson(3.0, 200), "g": np.repeat(np.arange(20), 10)}
    with pytest.warns(pylme.errors.SingularFitWarning, match="variance of"):
        fit = pylme.glmer("y ~ 1 + (1 | g)", data, family="poisson", engine="numpy")
    assert fit.theta[0] == 0.0
    assert fit.convergence.status.name == "SINGULAR"
    glm = -2 * fit.loglik
    there = fit.getme("devfun")
    assert all(there([t, fit.fixef.iloc[0]]) > glm for t in (1e-3, 0.1, 1.0))


def test_a_correlation_of_one_is_certified():
    rng = np.random.default_rng(8)
    g = np.repeat(np.arange(25), 12)
    x = rng.normal(size=300)
    b = rng.normal(size=25)
    eta = 0.5 + 0.3 * x + (0.8 * b)[g] + (0.6 * b)[g] * x
    data = {"y": rng.poisson(np.exp(eta)), "x": x, "g": g}
    with pytest.warns(pylme.errors.SingularFitWarning, match="correlation"):
        fit = pylme.glmer("y ~ x + (x | g)", data, family="poisson", engine="numpy")
    assert fit.convergence.status.name == "SINGULAR"
    assert fit.optinfo.certificate.escape <= 1e-7
    assert fit.varcorr["g"].corr.iloc[0, 1] == pytest.approx(1.0)


def test_separation_is_named():
    rng = np.random.default_rng(2)
    g, x = np.repeat(np.arange(20), 10), np.tile([0.0, 1.0], 100)
    y = np.where(x == 1, 1, rng.binomial(1, 1 / (1 + np.exp(-2.0 * rng.normal(size=20)[g]))))
    with pytest.warns(pylme.errors.SeparationWarning, match="no finite maximum"):
        fit = pylme.glmer("y ~ x + (1 | g)", {"y": y, "x": x, "g": g}, engine="numpy")
    assert fit.convergence.status.name == "DEGENERATE"
    # All rows with x = 1 are separated: the criterion falls to that of the model of the others.
    others = {"y": y[x == 0], "g": g[x == 0]}
    without = pylme.glmer("y ~ 1 + (1 | g)", others, engine="numpy")
    assert f"falls towards {without.criterion:.6g}" in fit.convergence.messages[0]
    assert without.criterion - 1e-8 <= fit.criterion < without.criterion + 1e-2


def test_counts_that_are_not_overdispersed():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(30), 10)
    y = rng.binomial(8, 0.3 * np.exp(rng.normal(0, 0.2, 30))[g].clip(0, 3) / 1.5)
    with pytest.warns(pylme.errors.NotOverdispersedWarning, match="not overdispersed"):
        fit = pylme.glmer_nb("y ~ 1 + (1 | g)", {"y": y, "g": g}, engine="numpy")
    poisson = pylme.glmer("y ~ 1 + (1 | g)", {"y": y, "g": g}, family="poisson", engine="numpy")
    assert fit.criterion == pytest.approx(poisson.criterion, abs=1e-3)
    np.testing.assert_allclose(fit.theta, poisson.theta, rtol=1e-3)


def test_a_step_to_an_infinite_shape_is_no_overflow():
    """Of Poisson counts the search goes towards ϑ = ∞; one warning says all."""
    grid = pylme.expand_grid(g=range(30), x=[-1.0, 0.0, 1.0], again=range(4))
    drawn = pylme.simulate(
        "y ~ x + (1 | g)", grid, beta=[0.5, 0.3], covariances={"sd": 0.4}, family="poisson",
        n=2, seed=1,
    )  # fmt: skip
    for data in drawn.frames():
        with pytest.warns(pylme.errors.NotOverdispersedWarning) as given:
            pylme.glmer_nb("y ~ x + (1 | g)", data, engine="numpy")
        assert len(given) == 1


def test_weighted_counts_without_an_optimum():
    """Prior weights that are greater where counts are: lme4's criterion falls without end."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(20), 20)
    x = rng.normal(size=400)
    mean = np.exp(1.0 + 0.5 * x + rng.normal(0.0, 0.8, 20)[g])
    data = {"y": rng.negative_binomial(5, 5 / (5 + mean)), "x": x, "g": g}
    data["w"] = 1.0 + 0.1 * data["y"]
    with pytest.warns(pylme.errors.FitWarning) as given:
        pylme.glmer_nb("y ~ x + (1 | g)", data, weights="w", engine="numpy")
    assert any(isinstance(w.message, pylme.errors.NoFiniteOptimumWarning) for w in given)


def test_a_response_without_noise_has_no_finite_optimum():
    g = np.repeat(np.arange(10), 5)
    data = {"y": np.exp(0.3 * np.random.default_rng(3).normal(size=10))[g], "g": g}
    with pytest.warns(pylme.errors.FitWarning) as given:
        pylme.glmer("y ~ 1 + (1 | g)", data, family="Gamma", link="log", engine="numpy")
    assert any(isinstance(w.message, pylme.errors.NoFiniteOptimumWarning) for w in given)


def test_the_time_limit():
    ticks = pylme.datasets.load("grouseticks")
    with pytest.raises(pylme.errors.FitTimeoutError):
        pylme.glmer(
            "TICKS ~ YEAR + (1 | INDEX) + (1 | BROOD) + (1 | LOCATION)", ticks,
            family="poisson", engine="numpy", timeout=1e-3,
        )  # fmt: skip


def test_the_start_may_be_given():
    data = pylme.datasets.load("cbpp")
    plain = pylme.glmer(CBPP, data, engine="numpy")
    for start in ([2.0], {"theta": [2.0], "fixef": [-1.0, 0.0, 0.0, 0.0]}):
        again = pylme.glmer(CBPP, data, engine="numpy", start=start)
        assert again.criterion == pytest.approx(plain.criterion, abs=1e-8)
    again = pylme.glmer(CBPP, data, engine="numpy", mustart=np.full(len(data), 0.1))
    assert again.criterion == pytest.approx(plain.criterion, abs=1e-8)
