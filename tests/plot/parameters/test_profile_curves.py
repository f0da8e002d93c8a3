from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.special import chdtri

import pylme
from pylme import plot
from pylme.errors import NotAvailableError, OptionError
from tests.plot.fits import dyestuff, sleepstudy


@pytest.fixture(scope="module")
def profile():
    return dyestuff().profile()


def test_a_panel_for_each_parameter(profile):
    figure = plot.profile(profile).figure
    labels = [ax.get_xlabel() for ax in figure.axes]
    assert labels == ["(Intercept)", "sd__(Intercept) | Batch", "sigma"]
    data = plot.profile_data(profile)
    for ax, (_, rows) in zip(figure.axes, data.groupby("parameter", sort=False), strict=True):
        np.testing.assert_array_equal(ax.lines[0].get_xdata(), rows["value"])
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), rows["zeta"])


def test_intervals_are_the_widths_of_the_absolute_curve(profile):
    ax = plot.profile(profile, ".sigma", absolute=True)
    assert ax.get_ylabel() == "|ζ|"
    ends = dyestuff().confint(parameters=".sigma")[["conf_low", "conf_high"]].to_numpy()[0]
    drawn = [
        line[:, 0] for made in ax.collections for line in made.get_segments()
        if line[0, 1] == line[1, 1] == pytest.approx(1.959964, abs=1e-5)
    ]  # fmt: skip
    np.testing.assert_allclose(drawn[0], ends, rtol=1e-5)


def test_a_single_parameter_is_drawn_where_the_caller_says(profile):
    ax = plot.profile(profile, ".sigma")
    assert plot.profile(profile, "(Intercept)", ax=ax) is ax
    with pytest.raises(OptionError, match="ax"):
        plot.profile(profile, ax=ax)
    assert sleepstudy().plot.profile("Days").get_xlabel() == "Days [Reaction / Days]"


def test_parameters_of_a_fit_have_their_units():
    panels = plot.profile(sleepstudy(), ["Days", "sd__Days | Subject", "sigma"])
    assert [panel.get_xlabel() for panel in panels] == [
        "Days [Reaction / Days]", "sd__Days | Subject [Reaction / Days]", "sigma [Reaction]",
    ]  # fmt: skip


def test_contours_touch_the_heights_of_the_profiles(profile):
    data = plot.profile_pairs_data(profile)
    assert len(data.groupby(["x_parameter", "y_parameter"])) == 3
    for level, rows in data.groupby("level"):
        tau = np.sqrt(chdtri(2, 1 - level))
        for zeta in ("zeta_x", "zeta_y"):
            for pair, own in rows.groupby(["x_parameter", "y_parameter"]):
                assert own[zeta].abs().max() == pytest.approx(tau, rel=2e-3), (pair, level)
    # The mean and sigma are orthogonal: the contour is a circle of ζ.
    own = data[(data["x_parameter"] == "(Intercept)") & (data["y_parameter"] == "sigma")]
    radius = np.hypot(own["zeta_x"], own["zeta_y"])
    np.testing.assert_allclose(radius, np.sqrt(chdtri(2, 1 - own["level"])), rtol=0.05)


def test_pairs_need_two(profile):
    assert len(plot.profile_pairs(profile).figure.axes) == 9
    with pytest.raises(NotAvailableError, match="one parameter"):
        plot.profile_pairs(profile, ".sigma")
    with pytest.raises(OptionError, match="fit"):
        plot.profile(pylme.Fit)


def test_several_panels_are_drawn_where_the_caller_says(profile):
    grid = Figure().subplots(1, 3)
    assert list(plot.profile(profile, ax=grid)) == list(grid)
    pairs = Figure().subplots(3, 3)
    assert list(plot.profile_pairs(profile, ax=pairs)) == list(pairs.ravel())
    # The names stand on the diagonal that begins at the lower left.
    names = [pairs[2 - at, at].texts[0].get_text().replace("\n", " ") for at in range(3)]
    assert names == ["(Intercept)", "sd__(Intercept) | Batch", "sigma"]
    with pytest.raises(OptionError, match="9 matplotlib Axes"):
        plot.profile_pairs(profile, ax=grid)
