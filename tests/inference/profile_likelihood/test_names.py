"""Parameters are named by pylme's labels and by each of lme4's names."""

from __future__ import annotations

import pandas as pd
import pytest

import pylme
from pylme import plot
from pylme.errors import UnknownNameError
from pylme.results.parameters import labels_named
from tests.native import native

LOAD = pylme.datasets.load
MODELS = {
    "sleepstudy": "Reaction ~ Days + (Days | Subject)",
    "pastes": "strength ~ 1 + (1 | batch/cask)",
    "dyestuff": "Yield ~ 1 + (1 | Batch)",
}


@pytest.fixture(scope="module")
def fit():
    return pylme.lmer(MODELS["sleepstudy"], LOAD("sleepstudy"), engine="numpy")


@pytest.mark.needs_r
@pytest.mark.parametrize("data", MODELS)
def test_lme4s_names(data):
    formula = MODELS[data]
    of_lme4 = native(
        f"rownames(confint(lmer({formula}, {data.capitalize() if data != 'sleepstudy' else data}),"
        " method = 'Wald', oldNames = FALSE))"
    )
    ours = pylme.lmer(formula, LOAD(data), engine="numpy").confint("wald", names="pylme")
    labels = [
        "sigma" if row.group == "Residual"
        else row.term if row.effect == "fixed"
        else f"{row.term} | {row.group}"
        for row in ours.itertuples()
    ]  # fmt: skip
    assert sorted(name for lme4 in of_lme4 for name in labels_named(str(lme4), labels)) == sorted(
        labels
    )


def test_terms_of_one_factor_have_no_numbers_in_lme4():
    labels = ["sd__(Intercept) | Subject", "sd__Days | Subject.1", "sigma"]
    assert labels_named("sd_Days|Subject", labels) == ("sd__Days | Subject.1",)
    assert labels_named("sd__Days | Subject.1", labels) == ("sd__Days | Subject.1",)
    assert labels_named("sd_Hours|Subject", labels) == ()


@pytest.mark.parametrize("name", ["sd_Days|Subject", "sd__Days|Subject", ".sig03"])
def test_wherever_parameters_are_named(fit, name):
    whole = fit.confint("wald", parameters="sd__Days | Subject")
    pd.testing.assert_frame_equal(fit.confint("wald", parameters=name), whole)
    assert [curve.parameter.label for curve in fit.profile(name).curves] == ["sd__Days | Subject"]


def test_plots(fit):
    two = plot.profile_data(fit, ["sd_Days|Subject", "sigma"])
    assert set(two["parameter"]) == {"sd__Days | Subject", "sigma"}
    for name, along in (
        ("sd_Days|Subject", ("Subject", "Days")),
        ("cor_Days.(Intercept)|Subject", ("Subject", "(Intercept)", "Days")),
    ):
        found = plot.profile_criterion_data(fit, name, points=5)
        pd.testing.assert_frame_equal(found, plot.profile_criterion_data(fit, along, points=5))
    drawn = fit.bootstrap(3, seed=1).replicates
    study = drawn.melt(var_name="parameter", value_name="estimate", ignore_index=True)
    study = study[study["parameter"].str.startswith("sd__Days")].assign(model="m")
    assert len(plot.study_data(study, "sd_Days|Subject")) == 3


def test_a_wrong_name_lists_the_right_ones(fit):
    for ask in (
        lambda: fit.profile("sd_Hours|Subject"),
        lambda: fit.confint(parameters="sd_Hours|Subject"),
        lambda: plot.profile(fit, "sd_Hours|Subject"),
        lambda: plot.profile_criterion(fit, "sd_Hours|Subject"),
    ):
        with pytest.raises(UnknownNameError, match=r"sd__Days \| Subject"):
            ask()
