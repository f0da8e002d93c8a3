from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme import plot
from pylme.errors import OptionError
from tests.native import native
from tests.plot.fits import SLOPES, dyestuff, sleepstudy


@pytest.mark.needs_r
@pytest.mark.parametrize("rows", [5, 10, 11, 180])
def test_normal_quantiles_are_those_of_qqnorm(rows):
    class Few:
        formula = "y ~ 1"
        library = "pandas"

        def residuals_of(self, kind):
            return sleepstudy().residuals_of(kind).iloc[:rows]

        def to_pandas(self):
            return self

    ours = plot.residuals_data(Few(), "normal")
    numbers = ", ".join(map(repr, ours["residual"].tolist()))
    theirs = native(f"qqnorm(c({numbers}), plot.it = FALSE)$x")
    np.testing.assert_allclose(ours["normal"], theirs, rtol=1e-12)


@pytest.mark.needs_r
def test_the_line_is_that_of_qqline():
    line = plot.residuals(dyestuff(), "normal").lines[0]
    numbers = ", ".join(map(repr, dyestuff().residuals_of("scaled").tolist()))
    slope = native(f"y <- c({numbers}); diff(quantile(y, c(.25, .75))) / diff(qnorm(c(.25, .75)))")
    middle = native(f"mean(quantile(c({numbers}), c(.25, .75)))")
    assert line.get_slope() == pytest.approx(slope)
    assert line.get_xy1() == (0.0, pytest.approx(middle))


def test_rows_keep_their_labels_and_missing_ones_are_left_out():
    data = pylme.datasets.load("sleepstudy").set_index(pd.RangeIndex(1000, 1180))
    data.loc[1003, "Reaction"] = np.nan
    with pytest.warns(pylme.errors.MissingRowsWarning):
        fit = pylme.lmer(SLOPES, data, engine="numpy")
    for against in ("fitted", "normal"):
        drawn = plot.residuals_data(fit, against, kind="response")
        assert list(drawn.index) == [row for row in data.index if row != 1003]
    drawn = plot.residuals_data(fit, kind="response")
    np.testing.assert_allclose(drawn["fitted"] + drawn["residual"], data["Reaction"].drop(1003))


def test_scaled_residuals_are_in_units_of_sigma():
    scaled = plot.residuals_data(sleepstudy())["residual"]
    np.testing.assert_allclose(scaled * sleepstudy().sigma, sleepstudy().residuals)


def test_other_axes_are_refused():
    with pytest.raises(OptionError, match="'normal'"):
        plot.residuals_data(sleepstudy(), "nomal")
    with pytest.raises(OptionError, match="'pearson'"):
        plot.residuals(sleepstudy(), kind="person")
