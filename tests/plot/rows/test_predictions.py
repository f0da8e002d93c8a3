"""Predictions drawn over the data, and marginal means with bars for comparisons."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import pylme
from pylme import plot
from pylme.errors import OptionError, UnknownNameError
from pylme.inference.means.comparison_bars import half_lengths
from tests.plot.fits import hsb, sleepstudy


@cache
def cake():
    data = pylme.datasets.load("cake")
    formula = "angle ~ recipe*temperature + (1 | recipe:replicate)"
    return pylme.lmer(formula, data, engine="numpy")


def test_the_line_and_the_band_are_the_predictions():
    fit = sleepstudy()
    data = plot.predictions_data(fit)
    made = fit.predict({"Days": data["Days"]}, random="none", interval="confidence")
    np.testing.assert_allclose(data["estimate"], made["estimate"])
    np.testing.assert_allclose(data["conf_low"], made["conf_low"])
    ax = plot.predictions(fit)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), data["estimate"])
    assert ax.get_xlabel() == "Days"
    assert len(ax.collections[0].get_offsets()) == 180


def test_a_panel_for_each_level():
    fit = sleepstudy()
    panels = fit.plot.predictions(group="Subject")
    assert [panel.get_title() for panel in panels] == list(fit.ranef["Subject"].index)
    data = plot.predictions_data(fit, "Days", "Subject", levels=["308", "335"])
    assert data["level"].unique().tolist() == ["308", "335"]
    own = fit.predict({"Days": [9.0], "Subject": ["308"]})[0]
    assert data["estimate"][40] == pytest.approx(own)
    mean = fit.predict({"Days": [9.0]}, random="none")[0]
    assert data["population"][40] == pytest.approx(mean)


def test_many_levels_are_thinned_and_their_number_is_said():
    panels = plot.predictions(hsb(), "ses", "sch.id", most=6)
    assert len(panels) == 6
    assert "6 of 160 levels" in panels[0].figure.get_suptitle()


def test_a_line_for_each_level_of_a_factor():
    ax = plot.predictions(hsb(), "ses", by="sector", points=False)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Public", "Catholic"]
    assert len(ax.lines) == 2


def test_the_callers_axes_are_used():
    from matplotlib.figure import Figure

    grid = Figure().subplots(1, 2)
    made = plot.predictions(sleepstudy(), group="Subject", levels=["308", "309"], ax=grid)
    assert list(made) == list(grid)
    with pytest.raises(OptionError, match="3 matplotlib Axes"):
        plot.predictions(sleepstudy(), group="Subject", levels=["308", "309", "310"], ax=grid)


def test_what_is_not_there():
    fit = sleepstudy()
    for options in ({"x": "days"}, {"by": "f"}, {"group": "subject"}):
        with pytest.raises(UnknownNameError):
            plot.predictions_data(fit, **options)
    with pytest.raises(UnknownNameError, match="level of Subject"):
        plot.predictions_data(fit, group="Subject", levels=["1"])
    with pytest.raises(OptionError, match="numeric predictor"):
        plot.predictions_data(cake(), "recipe")
    with pytest.raises(OptionError, match="this model has none"):
        plot.predictions_data(cake())


def test_bars_overlap_where_means_do_not_differ():
    # A balanced design: bars are exact.
    means = cake().emmeans("temperature")
    bars = plot.emmeans_data(means, adjust="tukey")
    pairs = means.contrast("pairwise", adjust="tukey").to_frame()
    i, j = np.triu_indices(6, 1)
    low, high = bars["comparison_low"].to_numpy(), bars["comparison_high"].to_numpy()
    apart = (low[i] > high[j]) | (low[j] > high[i])
    assert 0 < apart.sum() < len(apart)
    np.testing.assert_array_equal(apart, pairs["p_value"] < 0.05)


def test_half_lengths_of_pairs():
    np.testing.assert_allclose(half_lengths(np.array([3.0]), 2), 1.5)
    # r_i + r_j with r = 1, 2, 3.
    np.testing.assert_allclose(half_lengths(np.array([3.0, 4.0, 5.0]), 3), [1.0, 2.0, 3.0])
    some = half_lengths(np.array([4.0, np.nan, np.nan]), 3)
    np.testing.assert_array_equal(some, [2.0, 2.0, np.nan])


def test_means_are_drawn_with_their_intervals():
    means = cake().emmeans("temperature", by="recipe")
    ax = plot.emmeans(means)
    assert len(ax.get_yticks()) == 18
    assert "tukey" in ax.get_title()
    plain = plot.emmeans(means, comparisons=False)
    assert len(plain.collections) == len(ax.collections) - 1
    assert (
        plot.emmeans(sleepstudy().emtrends("Days")).get_xlabel()
        == "Slope of Days [Reaction / Days]"
    )
    of_fit = cake().plot.emmeans("temperature", by="recipe")
    assert len(of_fit.get_yticks()) == 18
    with pytest.raises(OptionError, match="marginal means"):
        plot.emmeans("recipe")
