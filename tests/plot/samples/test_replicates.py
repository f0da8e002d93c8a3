from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pylme import plot
from pylme.errors import OptionError, UnknownColumnError, UnknownNameError


def estimates():
    """50 estimates of two parameters by each of two models, one of which failed."""
    draw = np.random.default_rng(0)
    return pd.DataFrame(
        [
            (replicate, model, parameter, truth + draw.normal(0, 0.2), truth)
            for replicate in range(50)
            for model in ("separate", "combined")
            for parameter, truth in (("r0", 0.4), ("r1", -0.4))
        ],
        columns=["replicate", "model", "parameter", "estimate", "truth"],
    ).assign(estimate=lambda frame: frame["estimate"].where(frame.index != 7))


class Study:
    def to_frame(self):
        return estimates()


@pytest.mark.parametrize("results", [estimates(), Study()], ids=["frame", "study"])
def test_the_rows_of_the_parameter_that_have_an_estimate_are_drawn(results):
    data = plot.study_data(results, "r1")
    assert set(data["parameter"]) == {"r1"}
    assert len(data) == 99


def test_each_distribution_has_its_bars_and_its_mean():
    axes = plot.study(estimates(), "r0")
    own = estimates().query("parameter == 'r0' and model == 'separate'")["estimate"]
    outer, inner = axes.collections[1:3]
    np.testing.assert_allclose(outer.get_segments()[0][:, 0], np.quantile(own, [0.025, 0.975]))
    np.testing.assert_allclose(inner.get_segments()[0][:, 0], np.quantile(own, [0.25, 0.75]))
    np.testing.assert_allclose(axes.collections[3].get_offsets()[0, 0], own.mean())
    assert [label.get_text() for label in axes.get_yticklabels()] == ["separate", "combined"]
    assert axes.get_xlabel() == "Estimate of r0"


def test_the_truth_of_each_parameter_is_a_line():
    axes = plot.study(estimates(), ["r0", "r1"])
    truths = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"]
    assert truths == [0.4, -0.4]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["r0", "r1"]
    without = plot.study(estimates().drop(columns="truth"), "r0")
    assert not [line for line in without.lines if line.get_linestyle() == "--"]


def test_what_is_no_study_is_refused():
    with pytest.raises(OptionError, match="'r0', 'r1'"):
        plot.study(estimates())
    with pytest.raises(UnknownNameError, match="'r1'"):
        plot.study(estimates(), "r2")
    with pytest.raises(UnknownColumnError, match="'estimate'"):
        plot.study(estimates().drop(columns="estimate"), "r0")
    many = estimates().assign(parameter=lambda frame: frame["replicate"].map("r{}".format))
    with pytest.raises(OptionError, match="at most 7"):
        plot.study(many, [f"r{i}" for i in range(8)])
