"""Every plot as a Vega-Lite chart: a valid one, with the numbers of the plot's twin."""

from __future__ import annotations

import json
import math
import socket
import sys
from functools import cache

import altair as alt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import pylme
from pylme import plot
from pylme.errors import MissingPackageError, NotAvailableError, OptionError
from tests.plot.fits import BLOCKS, by_sector, dyestuff, hsb, sleepstudy
from tests.plot.samples.test_many_responses import many
from tests.plot.samples.test_replicates import estimates


@cache
def means():
    return sleepstudy().emmeans("Days", at={"Days": [0, 5]})


@cache
def profile():
    return dyestuff().profile()


#: The plots by name, each with what it draws and its other arguments.
CHARTS = {
    "caterpillar": ((sleepstudy,), {}),
    "caterpillar, many levels": ((hsb,), {}),
    "coefficients": ((sleepstudy,), {"intercept": True}),
    "coefficients, two": ((sleepstudy, hsb), {"names": ["a", "b"]}),
    "convergence": ((sleepstudy,), {}),
    "convergence, theta": ((by_sector,), {"of": "theta"}),
    "emmeans": ((means,), {}),
    "influence": ((dyestuff,), {"by": "Batch"}),
    "p_values": ((many,), {"term": "Days"}),
    "predictions": ((sleepstudy,), {"x": "Days"}),
    "predictions, by": ((hsb,), {"x": "ses", "by": "sector", "points": False}),
    "predictions, panels": (
        (sleepstudy,),
        {"x": "Days", "group": "Subject", "levels": ["308", "335"]},
    ),
    "profile": ((profile,), {}),
    "profile, absolute": ((profile,), {"parameters": "sigma", "absolute": True}),
    "profile_criterion": ((dyestuff,), {"along": "Batch.(Intercept)"}),
    "profile_pairs": ((profile,), {"parameters": [".sigma", "(Intercept)"]}),
    "random_effects": ((sleepstudy,), {}),
    "random_effects, one": ((dyestuff,), {}),
    "random_effects, blocks": ((lambda: by_sector(BLOCKS),), {"by": "sector"}),
    "random_effects_qq": ((sleepstudy,), {}),
    "residuals": ((sleepstudy,), {}),
    "residuals, all": ((sleepstudy,), {"against": "all"}),
    "shrinkage": ((sleepstudy,), {}),
    "shrinkage, one": ((dyestuff,), {}),
    "simulated_residuals": ((dyestuff,), {}),
    "simulated_residuals, fitted": ((dyestuff,), {"against": "fitted"}),
    "study": ((estimates,), {"parameter": ["r0", "r1"]}),
    "varcorr": ((lambda: by_sector(BLOCKS),), {}),
    "varcorr, corr": ((lambda: by_sector(BLOCKS),), {"component": "corr"}),
    "volcano": ((many,), {"term": "Days"}),
}
#: Arguments of plots that their twins do not have.
OF_DRAWING = ("of", "points", "absolute")


def made(title):
    """The chart of that title, and the frame of its twin."""
    name = title.split(",")[0]
    fits, options = CHARTS[title]
    first = [fit() for fit in fits]
    chart = getattr(plot, name)(*first, **options, backend="altair")
    kept = {key: value for key, value in options.items() if key not in OF_DRAWING}
    return chart, getattr(plot, f"{name}_data")(*first, **kept)


def numbers_of(spec):
    """All numbers in the rows of a chart, in all of its parts."""
    found = set()
    for rows in spec["datasets"].values():
        for row in rows:
            found.update(v for v in row.values() if isinstance(v, int | float))
    return found


def test_every_plot_has_its_chart():
    names = {name for name in plot.__all__ if name.islower() and not name.endswith("_data")}
    assert names == {title.split(",")[0] for title in CHARTS}


@pytest.mark.parametrize("title", CHARTS)
def test_a_chart_is_valid_and_draws_the_numbers_of_the_twin(title):
    chart, data = made(title)
    # altair validates by the schema of Vega-Lite.
    spec = chart.to_dict()
    assert "tooltip" in json.dumps(spec)
    there = numbers_of(spec)
    if title.endswith("absolute"):
        there |= {-number for number in there}
    columns = data.select_dtypes("number").columns
    assert len(columns) > 0
    for column in columns:
        values = {v.item() for v in data[column].to_numpy() if math.isfinite(v)}
        assert values <= there, column
    columns = {key for rows in spec["datasets"].values() for row in rows for key in row}
    # The last of them is made by the chart.
    assert set(fields(spec)) <= columns | {"kind"}


def fields(part):
    """The names of all columns that a chart draws, without the marks that escape letters."""
    inner = []
    if isinstance(part, dict):
        if isinstance(part.get("field"), str):
            yield part["field"].replace("\\", "")
        inner = [value for name, value in part.items() if name != "datasets"]
    elif isinstance(part, list):
        inner = part
    for one in inner:
        yield from fields(one)


def test_charts_are_saved_without_a_network(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network")

    monkeypatch.setattr(socket, "socket", refuse)
    chart = sleepstudy().plot.caterpillar(backend="altair")
    assert isinstance(chart, alt.HConcatChart)
    chart.save(tmp_path / "modes.json")
    chart.save(tmp_path / "modes.html")
    assert json.loads((tmp_path / "modes.json").read_text(encoding="utf-8")) == chart.to_dict()
    assert "vegaEmbed" in (tmp_path / "modes.html").read_text(encoding="utf-8")


def test_missing_numbers_are_null():
    data = pylme.datasets.load("sleepstudy")
    data = data[(data["Subject"] != "308") | (data["Days"] == 4)]
    fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", data, engine="numpy")
    spec = plot.shrinkage(fit, backend="altair").to_dict()
    (rows,) = (rows for rows in spec["datasets"].values() if "unpooled_x" in rows[0])
    assert [row["level"] for row in rows if row["unpooled_x"] is None] == ["308"]
    json.dumps(spec, allow_nan=False)


def test_names_with_dots_and_brackets_are_no_paths():
    spec = json.dumps(hsb().plot.influence(backend="altair").to_dict())
    assert r'"field": "sch\\.id"' in spec or r'"field": "dfbetas\\[ses\\]"' in spec


def test_more_rows_than_a_browser_can_show_are_refused():
    draw = np.random.default_rng(0)
    data = pd.DataFrame({"y": draw.normal(size=21_000), "g": np.repeat(np.arange(30), 700)})
    fit = pylme.lmer("y ~ 1 + (1 | g)", data, engine="numpy")
    with pytest.raises(NotAvailableError, match=r"21,000 rows.*\n.*matplotlib"):
        plot.residuals(fit, backend="altair")
    assert plot.residuals(fit).has_data()


def test_axes_are_matplotlibs():
    with pytest.raises(OptionError, match="None with backend"):
        plot.varcorr(dyestuff(), backend="altair", ax=Figure().subplots())
    with pytest.raises(OptionError, match="'altair'"):
        plot.varcorr(dyestuff(), backend="plotly")


def test_without_altair_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(MissingPackageError, match=r"altair is not installed.*\[altair\]") as caught:
        plot.varcorr(dyestuff(), backend="altair")
    assert caught.value.extra == "altair"
    assert plot.varcorr(dyestuff()).has_data()


def test_altair_needs_no_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    assert plot.varcorr(dyestuff(), backend="altair").to_dict()


def test_pairs_of_profiles_have_the_lines_through_their_contours():
    chart, _ = made("profile_pairs")
    lines = [rows for rows in chart.to_dict()["datasets"].values() if "fixed" in rows[0]]
    assert lines
    curves = {curve.parameter.label: curve for curve in profile().curves}
    for rows in lines:
        for name, column in ((rows[0]["x_parameter"], "x"), (rows[0]["y_parameter"], "y")):
            # Along the profile of a parameter its own values are those of the profile.
            drawn = [row[column] for row in rows if row["fixed"] == name]
            np.testing.assert_allclose(drawn, curves[name].value)
