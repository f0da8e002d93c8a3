"""What all plots have in common."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from inspect import signature
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import pylme
from pylme import plot
from pylme.errors import MissingPackageError, OptionError
from pylme.plot import axes as place
from pylme.plot.axes import shown
from tests.plot.fits import BLOCKS, by_sector, dyestuff, hsb, sleepstudy
from tests.plot.samples.test_many_responses import many
from tests.plot.samples.test_replicates import estimates

ROOT = Path(__file__).parents[2]
#: Every plot, and the arguments that it accepts.
PLOTS = {
    "caterpillar": lambda **ax: plot.caterpillar(sleepstudy(), effect="Days", **ax),
    "caterpillar, many levels": lambda **ax: plot.caterpillar(hsb(), effect="ses", **ax),
    "coefficients": lambda **ax: plot.coefficients(sleepstudy(), **ax),
    "convergence": lambda **ax: plot.convergence(sleepstudy(), **ax),
    "convergence, theta": lambda **ax: plot.convergence(by_sector(), "theta", **ax),
    "emmeans": lambda **ax: plot.emmeans(
        sleepstudy().emmeans("Days", at={"Days": [0, 5]}), "Days", **ax
    ),
    "influence": lambda **ax: plot.influence(dyestuff(), "Batch", **ax),
    "p_values": lambda **ax: plot.p_values(many(), "Days", **ax),
    "predictions": lambda **ax: plot.predictions(sleepstudy(), "Days", **ax),
    "profile": lambda **ax: plot.profile(dyestuff(), "sigma", **ax),
    "profile_criterion": lambda **ax: plot.profile_criterion(dyestuff(), "Batch.(Intercept)", **ax),
    "random_effects": lambda **ax: plot.random_effects(sleepstudy(), **ax),
    "random_effects, one": lambda **ax: plot.random_effects(dyestuff(), **ax),
    "random_effects, blocks": lambda **ax: plot.random_effects(
        by_sector(BLOCKS), by="sector", **ax
    ),
    "random_effects_qq": lambda **ax: plot.random_effects_qq(sleepstudy(), "Subject", "Days", **ax),
    "residuals": lambda **ax: plot.residuals(hsb(), **ax),
    "residuals, scale": lambda **ax: plot.residuals(sleepstudy(), "scale", **ax),
    "residuals, normal": lambda **ax: plot.residuals(sleepstudy(), "normal", **ax),
    "shrinkage": lambda **ax: plot.shrinkage(sleepstudy(), **ax),
    "simulated_residuals": lambda **ax: plot.simulated_residuals(dyestuff(), **ax),
    "study": lambda **ax: plot.study(estimates(), ["r0", "r1"], **ax),
    "varcorr": lambda **ax: plot.varcorr(by_sector(BLOCKS), **ax),
    "varcorr, corr": lambda **ax: plot.varcorr(by_sector(BLOCKS), "corr", **ax),
    "volcano": lambda **ax: plot.volcano(many(), "Days", **ax),
}
#: Drawn in a panel for each pair, in a figure of its own.
OF_PANELS = {"profile_pairs"}
every_plot = pytest.mark.parametrize("draw", PLOTS.values(), ids=PLOTS)


def test_every_plot_is_tried_here_and_has_its_twin():
    names = {name for name in plot.__all__ if name.islower() and not name.endswith("_data")}
    assert names == {title.split(",")[0] for title in PLOTS} | OF_PANELS
    for name in names:
        of_data = list(signature(getattr(plot, f"{name}_data")).parameters)
        of_plot = list(signature(getattr(plot, name)).parameters)
        assert set(of_data) <= set(of_plot)
        assert of_plot[-2:] == ["backend", "ax"]


@every_plot
def test_it_is_drawn_in_the_axes_given(draw):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert draw(ax=right) is right
    assert right.has_data()
    assert not left.has_data()
    assert figure.axes == [left, right]


@every_plot
def test_it_is_drawn_in_a_new_figure_with_labels_where_no_axes_are_given(draw):
    axes = draw()
    assert isinstance(axes, Axes)
    assert axes.get_xlabel()
    assert axes.get_ylabel() or axes.get_yticklabels()
    assert draw().figure is not axes.figure


@every_plot
def test_it_changes_nothing_else_of_matplotlibs(draw):
    settings, numbers, backend = dict(mpl.rcParams), plt.get_fignums(), mpl.get_backend()
    draw()
    assert dict(mpl.rcParams) == settings
    assert plt.get_fignums() == numbers
    assert mpl.get_backend() == backend


@every_plot
def test_a_notebook_shows_it(draw):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        png, size = draw()._repr_png_()
    assert png.startswith(b"\x89PNG")
    # The size in which it is shown, in its shape, at half its dots.
    width, height = (int.from_bytes(png[at : at + 4]) for at in (16, 20))
    assert abs(width - 2 * size["width"]) <= 2
    assert abs(height - 2 * size["height"]) <= 2


def test_axes_that_were_taken_out_of_their_figure_show_nothing():
    axes = plot.varcorr(dyestuff())
    axes.remove()
    assert axes._repr_png_() is None


def test_only_axes_are_drawn_in():
    with pytest.raises(OptionError, match="a matplotlib Axes"):
        plot.varcorr(dyestuff(), ax=Figure())


def test_names_are_shown_as_they_are():
    data = pylme.datasets.load("dyestuff").rename(columns={"Batch": "_$a$"})
    data["_$a$"] = pd.Categorical([f"_{level}$x^2$ {30 * 'long '}" for level in data["_$a$"]])
    fit = pylme.lmer("Yield ~ 1 + (1 | `_$a$`)", data, engine="numpy")
    for axes in (plot.caterpillar(fit), plot.varcorr(fit), plot.convergence(fit, "theta")):
        axes.figure.savefig(BytesIO())
    names = [label.get_text() for label in plot.caterpillar(fit).get_yticklabels()]
    assert all(len(name) <= 45 and name.endswith("…") for name in names)


def test_a_dollar_begins_no_formula_and_an_underscore_hides_nothing():
    assert shown("a$b$") == r"a\$b\$"
    assert shown("_a_b") == " _a_b"
    assert shown("abcdef", most=4) == "abc…"


def test_without_matplotlib_the_error_names_the_package(monkeypatch):
    place._axes_that_show.cache_clear()
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    try:
        with pytest.raises(MissingPackageError, match="pip install matplotlib"):
            plot.varcorr(dyestuff())
    finally:
        place._axes_that_show.cache_clear()


def test_frames_need_no_matplotlib():
    code = (
        "import sys, pylme; fit = pylme.lmer('Yield ~ 1 + (1 | Batch)', "
        "pylme.datasets.load('dyestuff'), engine='numpy'); fit.plot.caterpillar_data(); "
        "print('matplotlib' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "False"


def test_a_notebook_shows_panels_as_one_figure():
    panels = plot.caterpillar(sleepstudy())
    assert panels.figure.axes == list(panels)
    png, _ = panels._repr_png_()
    assert png.startswith(b"\x89PNG")
    # The caller's own figure is the caller's to show.
    assert plot.caterpillar(sleepstudy(), ax=Figure().subplots(1, 2))._repr_png_() is None


def test_a_plot_is_drawn_in_the_ink_of_a_dark_style():
    with mpl.rc_context({"axes.labelcolor": "white"}):
        line = plot.residuals(sleepstudy(), "normal").lines[0]
    assert line.get_color() == "white"


@pytest.mark.parametrize("name", [name for name in plot.__all__ if name.islower()])
def test_a_docstring_describes_every_argument(name):
    function = getattr(plot, name)
    described = function.__doc__.split("Parameters\n")[1].split("Returns\n")[0]
    for argument in signature(function).parameters:
        assert re.search(rf"^ *(\w+, |\*)*{argument}(, \w+)* :", described, re.MULTILINE) or (
            re.search(rf"^ *(\*?\w+, )*\*?{argument}(, \w+)*$", described, re.MULTILINE)
        ), argument
