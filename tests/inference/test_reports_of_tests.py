"""Summaries, tidy frames and covariance matrices with tests, against lmerTest, lme4 and broom."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from tests.native import native, native_print

SLEEP = "Reaction ~ Days + (Days | Subject)"


@pytest.mark.needs_r
@pytest.mark.parametrize(
    ("formula", "data", "ddf", "reml"),
    [
        (SLEEP, "sleepstudy", "satterthwaite", True),
        (SLEEP, "sleepstudy", "kenward-roger", True),
        # lme4 stops so near to the optimum that the digits of df are those of the optimum.
        ("Reaction ~ Days + (1 | Subject)", "sleepstudy", "satterthwaite", False),
    ],
)
def test_summary_prints_as_lmertests(formula, data, ddf, reml):
    fit = pylme.lmer(formula, pylme.datasets.load(data), reml=reml, engine="lme4")
    method = {"satterthwaite": "Satterthwaite", "kenward-roger": "Kenward-Roger"}[ddf]
    theirs = native_print(
        f"summary(lmerTest::lmer({formula}, {data}, REML = {str(reml).upper()}), ddf = '{method}')"
    )
    mine = str(fit.summary(ddf=ddf))

    def lines(text):
        return [line.rstrip() for line in text.split("\n") if not line.startswith("   Data:")]

    assert lines(mine) == lines(theirs)
    assert "df" not in str(fit.summary()).split("Fixed effects:")[1]


@pytest.fixture(scope="module")
def fit():
    return pylme.lmer(SLEEP, pylme.datasets.load("sleepstudy"), engine="numpy")


def test_summary_and_tidy_have_the_numbers_of_coef_test(fit):
    tests = fit.coef_test(ddf="kenward-roger", conf_level=0.9)
    table = fit.summary(ddf="kenward-roger").coefficients
    assert list(table) == ["estimate", "std_error", "df", "statistic", "p_value"]
    assert table["p_value"].to_numpy() == pytest.approx(tests.p_value)
    rows = fit.tidy("fixed", ddf="kenward-roger", conf_int=True, conf_level=0.9)
    assert list(rows) == [
        "effect", "term", "estimate", "std_error", "statistic", "df", "p_value", "conf_low",
        "conf_high",
    ]  # fmt: skip
    assert rows["conf_low"].to_numpy() == pytest.approx(tests.conf_low)
    assert rows["df"].to_numpy() == pytest.approx([17.0, 17.0])
    plain = fit.tidy("fixed", ddf="normal")
    assert "df" not in plain
    assert "conf_low" not in plain
    assert "z value" in str(fit.summary(ddf="normal"))


def test_exponentiated_rows(fit):
    plain, made = (fit.tidy("fixed", conf_int=True, exponentiate=e) for e in (False, True))
    with np.errstate(over="ignore"):
        for column in ("estimate", "conf_low", "conf_high"):
            assert made[column].to_numpy() == pytest.approx(np.exp(plain[column].to_numpy()))
    assert made["std_error"][1] == pytest.approx(plain["std_error"][1] * made["estimate"][1])
    assert made["statistic"].equals(plain["statistic"])
    parameters = fit.tidy("ran_pars", exponentiate=True)
    assert parameters.equals(fit.tidy("ran_pars"))


def test_aicc(fit):
    k, n = 6, 180
    assert fit.aicc == pytest.approx(fit.aic + 2 * k * (k + 1) / (n - k - 1))
    assert fit.glance()["AICc"].item() == fit.aicc


def test_covariance_matrices(fit):
    assert fit.vcov_of("model").equals(fit.vcov)
    adjusted = fit.vcov_of("kenward-roger")
    error = fit.coef_test(ddf="kenward-roger").std_error
    assert np.sqrt(np.diag(adjusted)) == pytest.approx(error)
    assert list(adjusted) == ["(Intercept)", "Days"]


@pytest.mark.needs_r
def test_covariance_matrices_of_a_generalized_model_are_lme4s():
    cbpp = pylme.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    fit = pylme.glmer(formula, cbpp, family="binomial")
    hessian, rx = (
        np.array(native(f"as.matrix(vcov(glmer({formula}, cbpp, binomial), use.hessian = {use}))"))
        for use in ("TRUE", "FALSE")
    )
    assert fit.vcov_of("hessian").to_numpy() == pytest.approx(hessian, rel=1e-6)
    assert fit.vcov_of("rx").to_numpy() == pytest.approx(rx, rel=1e-6)
    assert fit.coef_test().p_value == pytest.approx(fit.coef_table["p_value"].to_numpy())
    odds = fit.tidy("fixed", exponentiate=True, conf_int=True)
    assert odds["conf_low"].to_numpy() == pytest.approx(np.exp(fit.coef_test().conf_low), rel=1e-10)
