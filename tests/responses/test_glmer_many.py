"""Binary responses and counts: as lme4 has them one by one."""

import warnings

import numpy as np
import pytest

import pylme
from pylme.families.family import family as pylme_family
from pylme.responses.design import part_of
from pylme.responses.generalized import GeneralizedFits
from tests.tolerances import STOPPING_ERROR

CBPP = pylme.datasets.load("cbpp")
COLUMNS = ["estimate", "std_error", "statistic", "p_value"]


def counts(count):
    rng = np.random.default_rng(3)
    herd = CBPP["herd"].astype("category").cat.codes.to_numpy()
    period = CBPP["period"].astype(int).to_numpy()[:, None]
    effects = 0.7 * rng.standard_normal((15, count))[herd]
    return rng.poisson(np.exp(1.0 - 0.3 * period + effects)).astype(float)


def _design(formula, data):
    return pylme.design(f"incidence {formula}", data)


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
        theirs = fit.coef_test().to_frame()
        np.testing.assert_allclose(own[COLUMNS[:3]], theirs[COLUMNS[:3]], rtol=1e-6)
        # d ln p / d ln t is about t² in the tails.
        change = own["p_value"].to_numpy() / theirs["p_value"].to_numpy() - 1.0
        assert (np.abs(change) < 1e-6 * (1.0 + theirs["statistic"].to_numpy() ** 2)).all()
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


@pytest.mark.parametrize("family", ["poisson", "binomial"])
@pytest.mark.parametrize("formula", ["~ period + (1 | herd)", "~ x + (x | herd)"])
def test_a_batch_ends_where_each_response_does(family, formula, monkeypatch):
    """Missing values, weights of each response, and ends on the boundary among them."""
    rng = np.random.default_rng(8)
    herd = CBPP["herd"].astype("category").cat.codes.to_numpy()
    data = CBPP.assign(x=rng.standard_normal(len(CBPP)))
    effects = 0.9 * rng.standard_normal((15, 8))[herd]
    effects += 0.8 * rng.standard_normal((15, 8))[herd] * data["x"].to_numpy()[:, None]
    eta = 0.4 + effects * (np.arange(8) > 1)
    weights = rng.integers(1, 9, eta.shape).astype(float)
    if family == "poisson":
        Y = rng.poisson(np.exp(eta)).astype(float)
    else:
        Y = rng.binomial(weights.astype(int), 1.0 / (1.0 + np.exp(-eta))) / weights
    Y[3:5, 2:4] = np.nan

    def fitted():
        return pylme.glmer_many(formula, data, Y, family=family, weights=weights).estimates

    together = fitted()
    at_once = GeneralizedFits._batch(
        GeneralizedFits(design=_design(formula, data), family=pylme_family(family)),
        part_of(_design(formula, data), np.ones(len(data), dtype=bool)),
        np.nan_to_num(Y.T),
        weights.T,
    )[1]
    assert len(at_once) > 1
    monkeypatch.setattr(GeneralizedFits, "_at_once", lambda *_: False)
    alone = fitted()
    assert (together.status == alone.status).all()
    np.testing.assert_allclose(together.criterion, alone.criterion, atol=1e-7)
    errors = np.sqrt(alone.fixed.vcov.diagonal(axis1=1, axis2=2))
    assert np.abs((together.fixed.beta - alone.fixed.beta) / errors).max() < 1e-5
    np.testing.assert_allclose(together.theta, alone.theta, atol=1e-5)
    own = np.sqrt(together.fixed.vcov.diagonal(axis1=1, axis2=2))
    np.testing.assert_allclose(own, errors, rtol=1e-5)
