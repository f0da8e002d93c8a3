from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import pylme
from pylme import plot
from pylme.errors import OptionError
from pylme.plot.rows.residual_panels import against_fitted
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


def test_the_line_stays_in_its_envelope_as_often_as_it_says():
    draw = np.random.default_rng(4)
    x = pd.Series(np.sort(draw.gamma(2.0, size=80)))
    inside = np.zeros(80)
    for _ in range(400):
        table = against_fitted(x, pd.Series(draw.normal(0.0, 3.0, size=80)), spread=False)
        inside += table["smooth"].between(table["envelope_low"], table["envelope_high"])
    # Four standard errors of a share of 0.95 in 400 draws.
    np.testing.assert_allclose(inside / 400, 0.95, atol=0.044)


def test_the_greatest_residuals_are_labelled():
    fit = sleepstudy()
    size = fit.residuals.abs().sort_values(ascending=False)
    for against in ("fitted", "normal", "scale"):
        data = plot.residuals_data(fit, against, labels=4)
        assert set(data.index[data["outlier"]]) == set(size.index[:4])
        written = {text.get_text() for text in plot.residuals(fit, against, labels=4).texts}
        assert written == {str(row) for row in size.index[:4]}
    assert not plot.residuals(fit, labels=0).texts
    with pytest.raises(OptionError, match="labels"):
        plot.residuals_data(fit, labels=-1)


def test_all_panels_are_those_drawn_alone():
    fit = sleepstudy()
    data = plot.residuals_data(fit, "all")
    for name, own in data.groupby("panel"):
        alone = plot.residuals_data(fit, name)
        pd.testing.assert_frame_equal(own[alone.columns], alone)
    spread = plot.residuals_data(fit, "scale")
    np.testing.assert_allclose(spread["spread"] ** 2, spread["residual"].abs())
    grid = Figure().subplots(1, 3)
    assert list(plot.residuals(fit, "all", ax=grid)) == list(grid)


def test_labels_say_the_unit():
    assert plot.residuals(sleepstudy(), kind="response").get_ylabel() == (
        "Response residual [Reaction]"
    )
    assert plot.residuals(sleepstudy()).get_xlabel() == "Fitted value of Reaction"
    cbpp = pylme.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)", pylme.datasets.load("cbpp"),
        family="binomial", engine="numpy",
    )  # fmt: skip
    assert plot.residuals(cbpp).get_xlabel() == "Fitted probability of incidence"
    assert plot.caterpillar(cbpp).get_xlabel() == "Mode of (Intercept) [logit]"
    assert plot.coefficients(cbpp).get_xlabel().startswith("Estimate with 95 % interval [logit]")
    assert plot.emmeans(cbpp.emmeans("period")).get_xlabel() == "Marginal mean [logit]"
