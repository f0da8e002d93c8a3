"""Responses drawn from a fit and residuals by simulation: moments, closed forms, uniformity."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

import pylme
from pylme.draws.from_model import ResponseModel, draw_from_model
from pylme.errors import NotAvailableError, OptionError
from pylme.families import Family, negative_binomial
from tests.native import native

SLEEPSTUDY = pylme.datasets.load("sleepstudy")
MODEL = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def fit():
    return pylme.lmer(MODEL, SLEEPSTUDY, engine="numpy")


@pytest.fixture(scope="module")
def counts():
    data = pylme.datasets.load("grouseticks")
    return pylme.glmer("TICKS ~ YEAR + (1 | BROOD)", data, family="poisson", engine="lme4")


def moments(fit, random, n=3000):
    drawn = fit.simulate(n, seed=1, random=random).to_numpy()
    return drawn.mean(axis=1), drawn.var(axis=1)


def near(found, expected, n=3000):
    """Variances within five of their standard errors."""
    np.testing.assert_allclose(found / expected, 1, atol=5 * np.sqrt(2 / n))


def test_all_effects_drawn_anew(fit):
    mean, variance = moments(fit, "none")
    Z = fit.design.Z.toarray()
    cov = np.kron(np.eye(18), fit.varcorr["Subject"].cov)
    expected = np.einsum("nq,qr,nr->n", Z, cov, Z) + fit.sigma**2
    near(variance, expected)
    error = np.sqrt(expected / 3000)
    assert (np.abs(mean - fit.design.X @ fit.fixef) < 5 * error).all()


def test_all_effects_held(fit):
    mean, variance = moments(fit, "all")
    near(variance, np.full(180, fit.sigma**2))
    assert (np.abs(mean - fit.fitted) < 5 * fit.sigma / np.sqrt(3000)).all()


def test_a_part_of_a_term_held_and_the_rest_drawn(fit):
    """With intercepts held, the variance at day 0 is that of the residuals alone."""
    mean, variance = moments(fit, "(1 | Subject)")
    days, slope = SLEEPSTUDY["Days"].to_numpy(), fit.varcorr["Subject"].cov.iloc[1, 1]
    expected = fit.sigma**2 + days**2 * slope
    near(variance, expected)
    held = fit.ranef["Subject"]["(Intercept)"].loc[SLEEPSTUDY["Subject"].astype(str)].to_numpy()
    center = fit.design.X @ fit.fixef + held
    assert (np.abs(mean - center) < 5 * np.sqrt(expected / 3000)).all()


def test_weights_are_in_the_residual_variance():
    rng = np.random.default_rng(1)
    data = SLEEPSTUDY.assign(w=rng.uniform(0.2, 4, 180))
    fit = pylme.lmer(MODEL, data, weights="w", engine="numpy")
    near(moments(fit, "all")[1], fit.sigma**2 / data["w"].to_numpy())


def test_draws_are_those_of_their_seeds_and_in_the_rows_given():
    data = SLEEPSTUDY.astype({"Subject": str})
    data.loc[3, "Days"] = np.nan
    with pytest.warns(pylme.errors.MissingRowsWarning):
        fit = pylme.lmer(MODEL, pl.from_pandas(data), engine="numpy")
    drawn = fit.simulate(2, seed=5)
    assert isinstance(drawn, pl.DataFrame)
    assert drawn.columns == ["sim_1", "sim_2"]
    assert np.isnan(drawn["sim_1"][3])
    assert drawn["sim_1"].equals(fit.simulate(5, seed=5)["sim_1"])
    assert fit.refit(drawn["sim_1"].to_numpy()).nobs == 179


@pytest.mark.parametrize(
    ("family", "variance", "sigma"),
    [
        (Family(name="poisson", link="log"), lambda m: m, 1.0),
        (negative_binomial(2.0), lambda m: m + m * m / 2.0, 1.0),
        (Family(name="Gamma", link="log"), lambda m: 0.25 * m * m, 0.5),
        (Family(name="inverse.gaussian", link="log"), lambda m: 0.25 * m**3, 0.5),
        (Family(name="gaussian", link="log"), lambda m: 0.25 + 0 * m, 0.5),
    ],
)
def test_families_have_their_means_and_variances(family, variance, sigma):
    eta = np.array([-0.5, 0.0, 1.0])
    model = ResponseModel(
        eta=eta, drawn=(), family=family, sigma=sigma, weights=np.ones(3), trials=None
    )
    n = 4000
    drawn = draw_from_model(model, [np.random.default_rng([7, i]) for i in range(n)])
    mean = np.exp(eta)
    assert (np.abs(drawn.mean(axis=0) - mean) < 5 * np.sqrt(variance(mean) / n)).all()
    np.testing.assert_allclose(drawn.var(axis=0), variance(mean), rtol=0.3)


@pytest.mark.needs_r
def test_successes_of_trials():
    cbpp = pylme.datasets.load("cbpp")
    fit = pylme.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, family="binomial",
        engine="lme4",
    )  # fmt: skip
    drawn = fit.simulate(500, seed=1, random="all").to_numpy()
    assert (drawn <= cbpp["size"].to_numpy()[:, None]).all()
    expected = fit.fitted.to_numpy() * cbpp["size"].to_numpy()
    assert (np.abs(drawn.mean(axis=1) - expected) < 5 * np.sqrt(expected / 500) + 0.05).all()
    assert fit.refit(drawn[:, 0]).nobs == 56


def test_the_closed_form_is_what_simulation_tends_to(fit):
    exact = fit.simulated_residuals(method="exact").residuals
    by_draws = fit.simulated_residuals(method="simulation", n=4000, seed=3).residuals
    assert np.abs(exact - by_draws).max() < 5 * 0.5 / np.sqrt(4000)


def test_rotated_residuals_are_those_of_the_whole_matrix(fit):
    Z = fit.design.Z.toarray()
    T = fit.varcorr["Subject"].cov.to_numpy() / fit.sigma**2
    V = np.eye(180) + Z @ np.kron(np.eye(18), T) @ Z.T
    left = (SLEEPSTUDY["Reaction"] - fit.design.X @ fit.fixef) / fit.sigma
    expected = stats.norm.cdf(np.linalg.solve(np.linalg.cholesky(V), left))
    np.testing.assert_allclose(fit.simulated_residuals().residuals, expected, atol=1e-10)


def test_rotated_residuals_of_crossed_factors():
    data = pylme.datasets.load("penicillin")
    fit = pylme.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", data, engine="numpy")
    Z, parts = fit.design.Z.toarray(), [fit.varcorr[g].cov.iloc[0, 0] for g in ("plate", "sample")]
    V = np.eye(144) + Z @ np.diag(np.repeat(parts, [24, 6])) @ Z.T / fit.sigma**2
    left = (data["diameter"] - fit.fixef.iloc[0]) / fit.sigma
    expected = stats.norm.cdf(np.linalg.solve(np.linalg.cholesky(V), left))
    np.testing.assert_allclose(fit.simulated_residuals().residuals, expected, atol=1e-10)


@pytest.mark.needs_r
def test_residuals_of_the_right_model_are_uniform(counts):
    y = counts.simulate(1, seed=11)["sim_1"].to_numpy()
    found = counts.refit(y).simulated_residuals(seed=1)
    assert found.uniformity()["p_value"] > 0.01
    assert found.dispersion()["p_value"] > 0.01
    assert found.zeros()["p_value"] > 0.01
    assert found.observed.tolist() == y.tolist()
    again = counts.refit(y).simulated_residuals(seed=found.seed)
    np.testing.assert_array_equal(found.residuals, again.residuals)
    assert len(found.to_frame()) == 403


@pytest.mark.needs_r
def test_zeros_and_variance_that_the_model_does_not_have(counts):
    rng = np.random.default_rng(2)
    y = counts.simulate(1, seed=11, random="all")["sim_1"].to_numpy() * rng.integers(0, 2, 403)
    found = counts.refit(y).simulated_residuals(seed=1, random="all")
    assert found.zeros()["p_value"] < 0.02
    assert found.zeros()["ratio"] > 1.2
    assert found.dispersion()["ratio"] > 1.2


@pytest.mark.needs_r
def test_overdispersion_is_that_of_pearsons_residuals(counts):
    answer = native(
        "local({ f <- glmer(TICKS ~ YEAR + (1 | BROOD), grouseticks, poisson);"
        " df <- df.residual(f); list(ratio = sum(residuals(f, 'pearson')^2) / df, df = df) })"
    )
    found = counts.overdispersion()
    assert found["ratio"] == pytest.approx(answer["ratio"], rel=1e-4)
    assert found["df"] == answer["df"]


@pytest.mark.needs_r
def test_what_has_no_such_residuals(fit, counts):
    with pytest.raises(OptionError, match="simulation"):
        counts.simulated_residuals(method="rotated")
    with pytest.raises(NotAvailableError, match="simulation"):
        fit.simulated_residuals().zeros()
    with pytest.raises(NotAvailableError, match="residual variance"):
        fit.overdispersion()
    with pytest.raises(OptionError, match="n"):
        fit.simulate(0)
    with pytest.raises(NotAvailableError):
        pylme.from_json(fit.to_json()).simulate()
