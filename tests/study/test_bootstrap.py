"""The parametric bootstrap, against refits one by one, lme4's own, and known standard errors."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme.errors import NotAvailableError, OptionError
from pylme.study.jackknife import influences

pytestmark = pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")

FORMULA = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleepstudy():
    return pylme.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def fit(sleepstudy):
    return pylme.lmer(FORMULA, sleepstudy, engine="numpy")


@pytest.fixture(scope="module")
def boot(fit):
    return fit.bootstrap(1500, seed=1)


def test_each_replicate_is_a_fit_to_what_was_drawn(fit, boot):
    drawn = pylme.simulate(fit, n=3, seed=1)
    for i in range(3):
        again = pylme.lmer(FORMULA, drawn.to_frame(i), engine="numpy")
        row = boot.replicates.loc[i]
        np.testing.assert_allclose(row[["(Intercept)", "Days"]], again.fixef, rtol=1e-6)
        assert row["sigma"] == pytest.approx(again.sigma, rel=1e-6)
        assert row["sd__Days | Subject"] == pytest.approx(
            again.varcorr["Subject"].sd["Days"], rel=1e-4
        )
        assert boot.fits["criterion"][i] == pytest.approx(again.criterion, rel=1e-9)


def test_standard_errors_are_those_that_theory_gives(fit, boot):
    """Within 10 %: of 1500 replicates they have a standard error of 2 %."""
    ratio = boot.std_error[["(Intercept)", "Days"]] / fit.coef_table["std_error"]
    np.testing.assert_allclose(ratio, 1, atol=0.1)
    assert boot.std_error["sigma"] == pytest.approx(fit.sigma / np.sqrt(2 * 144), rel=0.1)
    assert abs(boot.bias["Days"]) < 4 * boot.std_error["Days"] / np.sqrt(1500)


def test_intervals_are_quantiles_of_the_replicates(boot):
    percentile = boot.intervals(level=0.9)
    days = boot.replicates["Days"]
    assert percentile.loc["Days", "low"] == pytest.approx(days.quantile(0.05), abs=0.02)
    basic = boot.intervals("basic", level=0.9)
    np.testing.assert_allclose(basic["low"] + percentile["high"], 2 * boot.estimates, rtol=1e-12)
    bca = boot.intervals("bca", level=0.9)
    assert (bca["low"] < bca["estimate"]).all()
    assert (bca["estimate"] < bca["high"]).all()
    assert boot.estimates.index.tolist()[:2] == ["(Intercept)", "Days"]
    text = str(boot)
    assert "1500 replicates by numpy" in text
    assert "cor__(Intercept).Days | Subject" in text


def test_influences_are_those_of_fits_without_a_group(fit, sleepstudy):
    found = influences(fit._model.design, fit._model.design.y, reml=True)
    without = []
    for subject in sleepstudy["Subject"].unique():
        part = pylme.lmer(FORMULA, sleepstudy[sleepstudy["Subject"] != subject], engine="numpy")
        without.append([*part.fixef, part.sigma])
    t = np.array(without)
    np.testing.assert_allclose(found[:, [0, 1, 5]], 17 * (t.mean(axis=0) - t), rtol=1e-6, atol=1e-6)


@pytest.mark.needs_r
def test_lme4_and_numpy_find_the_same_replicates(sleepstudy):
    by_lme4 = pylme.lmer(FORMULA, sleepstudy)
    one = by_lme4.bootstrap(8, seed=3)
    other = by_lme4.bootstrap(8, seed=3, engine="numpy")
    assert (one.engine, other.engine) == ("lme4", "numpy")
    np.testing.assert_allclose(one.replicates, other.replicates, rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(one.fits["criterion"], other.fits["criterion"], atol=1e-5)
    drawn = pylme.simulate(by_lme4, n=8, seed=3)
    for i in range(3):
        again = pylme.lmer(FORMULA, drawn.to_frame(i))
        np.testing.assert_array_equal(one.replicates.loc[i, ["(Intercept)", "Days"]], again.fixef)


@pytest.mark.needs_r
def test_a_response_that_is_an_expression_is_drawn_as_it_is(sleepstudy):
    by_lme4 = pylme.lmer("log(Reaction) ~ Days + (1 | Subject)", sleepstudy)
    one = by_lme4.bootstrap(4, seed=3)
    other = by_lme4.bootstrap(4, seed=3, engine="numpy")
    np.testing.assert_allclose(one.replicates, other.replicates, rtol=1e-3)
    by_hand = pylme.lmer(
        "y ~ Days + (1 | Subject)", sleepstudy.assign(y=pylme.simulate(by_lme4, seed=3).y[:, 0])
    )
    np.testing.assert_allclose(one.replicates.loc[0, ["(Intercept)", "Days"]], by_hand.fixef)
    with pytest.raises(pylme.errors.ResponseError, match="no column but an expression"):
        pylme.study(by_lme4, {"a": "Reaction ~ 1 + (1 | Subject)"}, n=1)
    numpy = pylme.lmer("log(Reaction) ~ Days + (1 | Subject)", sleepstudy, engine="numpy")
    with pytest.raises(NotAvailableError, match="an expression"):
        numpy.bootstrap(2, seed=1, statistic=lambda fit: {"aic": fit.aic})


def test_a_statistic_of_ones_own(fit):
    def explained(fit):
        return {"ratio": fit.varcorr["Subject"].sd["Days"] / fit.sigma}

    found = fit.bootstrap(5, seed=1, statistic=explained)
    expected = found.replicates["sd__Days | Subject"] / found.replicates["sigma"]
    np.testing.assert_allclose(found.replicates["ratio"], expected)
    assert found.estimates["ratio"] == explained(fit)["ratio"]
    assert found.intervals("bca").loc["ratio", ["low", "high"]].isna().all()
    assert found.intervals().loc["ratio", ["low", "high"]].notna().all()


def test_weights_offsets_and_rows_left_out():
    data = pylme.datasets.load("sleepstudy").assign(w=2.0, off=10.0)
    data.loc[5, "Days"] = np.nan
    with pytest.warns(pylme.errors.MissingRowsWarning):
        fit = pylme.lmer("Reaction ~ Days + (1 | Subject)", data, weights="w", offset="off",
                         engine="numpy")  # fmt: skip
    found = fit.bootstrap(200, seed=1)
    assert found.fits["error"].isna().all()
    assert found.replicates["sigma"].mean() == pytest.approx(fit.sigma, rel=0.02)
    assert found.replicates["(Intercept)"].mean() == pytest.approx(
        fit.fixef["(Intercept)"], rel=0.02
    )


def test_what_cannot_be_done_is_refused(fit):
    with pytest.raises(OptionError, match="a whole number from 1"):
        fit.bootstrap(0)
    with pytest.raises(OptionError, match="Allowed: 'lme4', 'numpy'"):
        fit.bootstrap(5, engine="r")
    with pytest.raises(OptionError, match="Allowed: 'percentile', 'basic', 'bca'"):
        fit.bootstrap(5, seed=1).intervals("normal")
    with pytest.raises(NotAvailableError, match="its control is not known"):
        fit.bootstrap(5, engine="lme4")
    with pytest.raises(NotAvailableError, match="came from JSON"):
        pylme.from_json(fit.to_json()).bootstrap(5)
