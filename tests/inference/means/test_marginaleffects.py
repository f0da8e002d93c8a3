"""The library marginaleffects with fits of ours, where it and a polars that it can use are."""

from __future__ import annotations

import os
from functools import cache

import numpy as np
import pytest

import pylme
from pylme.errors import OptionError

if not os.environ.get("PYLME_REQUIRE_MARGINALEFFECTS"):
    pytest.importorskip("marginaleffects")
import marginaleffects

#: The library's own, of polars.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@cache
def fitted(formula="angle ~ recipe*temp + (1 | recipe:replicate)", data="cake"):
    return pylme.lmer(formula, pylme.datasets.load(data), engine="numpy")


@pytest.mark.parametrize("ddf", ["kenward-roger", "satterthwaite"])
def test_comparisons_are_contrasts_of_marginal_means(ddf):
    made = fitted().marginaleffects(ddf=ddf).avg_comparisons(variables="recipe").data
    expected = fitted().emmeans("recipe", ddf=ddf).contrast("trt.vs.ctrl", adjust="none")
    table = expected.to_frame()
    for name in ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high"):
        np.testing.assert_allclose(made[name], table[name], rtol=1e-6)


def test_slopes_are_those_of_the_fit():
    fit = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    made = fit.marginaleffects().avg_slopes(variables="Days").data
    expected = fit.emtrends("Days").to_frame()
    for name in ("estimate", "std_error", "df", "conf_low", "conf_high"):
        np.testing.assert_allclose(made[name], expected[name], rtol=1e-5)


def test_the_functions_of_the_library_take_the_model():
    adapter = fitted().marginaleffects()
    made = marginaleffects.predictions(adapter.model).data
    np.testing.assert_allclose(made["estimate"], fitted().predict(random="none"), rtol=1e-9)
    with pytest.raises(OptionError):
        adapter.predictions(vcov="HC3")
    with pytest.raises(AttributeError, match="avg_slopes"):
        _ = adapter.average
