"""Factors with a single effect: their modes under the fitted density."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import pylme
from pylme import plot
from tests.plot.fits import dyestuff, hsb, sleepstudy


def layer(data, name):
    return data[data["layer"] == name]


def test_intercepts_are_drawn_under_their_normal_density():
    fit = dyestuff()
    data = plot.random_effects_data(fit)
    assert data.columns.to_list() == [
        "by", "layer", "level", "probability", "estimate", "density",
    ]  # fmt: skip
    modes = layer(data, "mode").set_index("level")["estimate"]
    np.testing.assert_array_equal(modes, fit.ranef["Batch"]["(Intercept)"])
    normal = stats.norm(scale=fit.varcorr["Batch"].sd.iloc[0])
    drawn = layer(data, "density")
    np.testing.assert_allclose(drawn["density"], normal.pdf(drawn["estimate"]), rtol=1e-12)
    for probability, ends in layer(data, "interval").groupby("probability"):
        np.testing.assert_allclose(ends["estimate"], normal.interval(probability), rtol=1e-12)


def test_a_lone_slope_is_an_effect_too():
    fit = sleepstudy(formula="Reaction ~ Days + (0 + Days | Subject)")
    assert plot.random_effects(fit).get_xlabel() == "Mode of Days [Reaction / Days]"


def test_schools_of_each_sector_have_their_colour():
    fit = hsb("math ~ ses*sector + (1 | sch.id)")
    data = plot.random_effects_data(fit, by="sector")
    assert layer(data, "mode")["by"].value_counts().to_dict() == {"Public": 90, "Catholic": 70}
    axes = plot.random_effects(fit, by="sector")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["Public", "Catholic"]


def test_a_variance_of_zero_has_no_density():
    with pytest.warns(pylme.errors.SingularFitWarning):
        fit = pylme.lmer(
            "Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff2"), engine="numpy"
        )
    data = plot.random_effects_data(fit)
    assert layer(data, "density").empty
    assert (layer(data, "interval")["estimate"] == 0).all()
    assert plot.random_effects(fit).has_data()


def test_a_fit_from_json_has_no_unit_of_a_slope():
    fit = pylme.from_json(sleepstudy().to_json())
    assert plot.caterpillar(fit, effect="Days").get_xlabel() == "Mode of Days"
    assert plot.caterpillar(fit).shape == (2,)
