"""Binary responses and counts: as lme4 has them one by one."""

import warnings

import numpy as np
import pytest

import pylme
from tests.tolerances import STOPPING_ERROR

CBPP = pylme.datasets.load("cbpp")
COLUMNS = ["estimate", "std_error", "statistic", "p_value"]


def counts(count):
    rng = np.random.default_rng(3)
    herd = CBPP["herd"].astype("category").cat.codes.to_numpy()
    period = CBPP["period"].astype(int).to_numpy()[:, None]
    effects = 0.7 * rng.standard_normal((15, count))[herd]
    return rng.poisson(np.exp(1.0 - 0.3 * period + effects)).astype(float)


@pytest.mark.needs_r
@pytest.mark.parametrize("family", ["poisson", "binomial"])
def test_as_lme4(family):
    Y = counts(3)
    if family == "binomial":
        Y = (Y > 1).astype(float)
    Y[4, 1] = np.nan
    formula = "~ period + (1 | herd)"
    many = pylme.glmer_many(formula, CBPP, Y, family=family)
    table, parts = many.to_frame(), many.variance_components()
    control = pylme.GlmerControl(optimizer="bobyqa", opt_ctrl={"rhoend": 1e-9}, tol_pwrss=1e-11)
    for i in range(3):
        rows = np.isfinite(Y[:, i])
        data = CBPP.assign(y=Y[:, i])[rows]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = pylme.glmer(f"y {formula}", data, family=family, engine="lme4", control=control)
        own = table[table["response"] == str(i + 1)]
        theirs = fit.coef_test().to_frame()
        np.testing.assert_allclose(own[COLUMNS], theirs[COLUMNS], rtol=5e-3, atol=1e-4)
        assert parts["criterion"][i] == pytest.approx(fit.criterion, abs=STOPPING_ERROR)
        assert many.estimates.theta[i] == pytest.approx(fit.theta, abs=1e-3)
        assert many.status["rows"][i] == rows.sum()
    assert np.isinf(table["df"]).all()


def test_as_one_by_one_and_terms():
    Y = counts(2)
    formula = "~ period + (1 | herd)"
    many = pylme.glmer_many(formula, CBPP, Y, family="poisson")
    for i in range(2):
        fit = pylme.glmer(f"y {formula}", CBPP.assign(y=Y[:, i]), family="poisson", engine="numpy")
        own = many.to_frame()
        own = own[own["response"] == str(i + 1)]
        np.testing.assert_allclose(own[COLUMNS], fit.coef_test().to_frame()[COLUMNS], rtol=1e-6)
        alone = fit.test("period")
        assert many.test("period")["p_value"][i] == pytest.approx(alone.p_value, rel=1e-5)


def test_responses_that_have_no_estimate():
    Y = (counts(5) > 1).astype(float)
    Y[:, 1] = 1.0
    Y[:, 2] = CBPP["period"] == "1"
    Y[:, 3] = 0.5 + Y[:, 3]
    status = pylme.glmer_many("~ period + (1 | herd)", CBPP, Y, family="binomial").status
    assert status["status"][1] == "failed"
    assert status["status"][2] == "degenerate"
    assert "separate" in status["message"][2]
    assert status["status"][3] == "failed"
    assert status["status"][4] in {"converged", "singular"}


def test_trials_as_weights():
    size = CBPP["size"].to_numpy(dtype=float)
    Y = np.stack([CBPP["incidence"] / size, (CBPP["incidence"] // 2) / size], axis=1)
    formula = "~ period + (1 | herd)"
    shared = pylme.glmer_many(formula, CBPP, Y, family="binomial", weights=size)
    own = pylme.glmer_many(formula, CBPP, Y, family="binomial", weights=np.stack([size, size], 1))
    np.testing.assert_allclose(own.to_frame()[COLUMNS], shared.to_frame()[COLUMNS])
    # Published: Bates, Maechler, Bolker & Walker (2015), of the same data.
    assert shared.variance_components()["sd[(Intercept) | herd]"][0] == pytest.approx(
        0.6420699, abs=2e-4
    )
