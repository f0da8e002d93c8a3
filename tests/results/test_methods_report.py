"""The sentences for a methods section."""

import json

import numpy as np
import pytest

import pylme

SLEEPSTUDY = pylme.datasets.load("sleepstudy")
MODEL = "Reaction ~ Days + (Days | Subject)"


def test_a_linear_model_by_numpy():
    data = SLEEPSTUDY.assign(Days=SLEEPSTUDY["Days"].where(SLEEPSTUDY.index != 3))
    with pytest.warns(pylme.errors.MissingRowsWarning):
        fit = pylme.lmer(MODEL, data, engine="numpy")
    report = fit.report()
    assert "linear mixed-effects model, Reaction ~ Days + (Days | Subject)" in report.text
    assert "179 observations (18 levels of Subject)" in report.text
    assert "1 row was left out" in report.text
    assert "REML" in report.text
    assert pylme.__version__ in report.text
    assert report.facts["rows_left_out"] == 1
    assert any("Bates" in citation for citation in report.citations)
    kept = json.loads(report.to_json())
    assert kept["text"] == report.text
    assert kept["facts"]["criterion"] == fit.criterion
    assert pylme.from_json(fit.to_json()).report() == report
    for form in (str(report), report.to_html(), report.to_latex(), report.to_markdown()):
        assert "Methods" in form


def test_dropped_columns_are_named():
    data = SLEEPSTUDY.assign(twice=2 * SLEEPSTUDY["Days"])
    with pytest.warns(pylme.errors.RankDeficiencyWarning):
        fit = pylme.lmer("Reaction ~ Days + twice + (1 | Subject)", data, engine="numpy")
    assert "twice of the fixed effects were dropped" in fit.report().text


@pytest.mark.needs_r
def test_a_generalized_model_by_lme4():
    fit = pylme.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        pylme.datasets.load("cbpp"), family="binomial", engine="lme4",
    )  # fmt: skip
    report = fit.report()
    assert "binomial family, logit link" in report.text
    assert report.facts["versions"]["lme4"] in report.text
    assert any("R Core Team" in citation for citation in report.citations)
    assert np.isfinite(report.facts["criterion"])
