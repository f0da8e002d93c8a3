"""Principal components of random effects: lme4's rePCA, and covariance matrices put together."""

import numpy as np
import pytest

import pylme
from tests.native import native


@pytest.fixture(scope="module")
def machines():
    return pylme.datasets.load("machines")


@pytest.mark.needs_r
def test_standard_deviations_are_lme4s():
    sleepstudy = pylme.datasets.load("sleepstudy")
    fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="lme4")
    ours = fit.re_pca()["Subject"]
    code = "rePCA(lmer(Reaction ~ Days + (Days | Subject), sleepstudy))$Subject"
    np.testing.assert_allclose(ours["sd"], native(f"{code}$sdev"), rtol=1e-10)
    loadings = ours[["(Intercept)", "Days"]].to_numpy()
    np.testing.assert_allclose(np.abs(loadings.T), np.abs(native(f"{code}$rotation")), atol=1e-10)


def test_components_give_the_covariance_matrix_again():
    data = pylme.datasets.load("sleepstudy")
    fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", data, engine="numpy")
    table = fit.re_pca()["Subject"]
    loadings = table[["(Intercept)", "Days"]].to_numpy()
    made = fit.sigma**2 * loadings.T @ np.diag(table["sd"] ** 2) @ loadings
    np.testing.assert_allclose(made, fit.varcorr["Subject"].cov, rtol=1e-10)
    assert table["cumulative"].iloc[-1] == pytest.approx(1.0)


def test_terms_of_one_factor_are_put_together_and_a_zero_variance_is_a_zero_component():
    data = pylme.datasets.load("dyestuff2")
    with pytest.warns(pylme.errors.SingularFitWarning):
        fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", data, engine="numpy")
    assert fit.re_pca()["Batch"]["sd"].tolist() == [0.0]
    assert np.isnan(fit.re_pca()["Batch"]["proportion"]).all()
    sleepstudy = pylme.datasets.load("sleepstudy")
    fit = pylme.lmer("Reaction ~ Days + (Days || Subject)", sleepstudy, engine="numpy")
    np.testing.assert_allclose(fit.re_pca()["Subject"]["sd"], sorted(fit.theta, reverse=True))
