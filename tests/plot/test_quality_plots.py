"""Plots of coefficients, random effects, shrinkage, simulated residuals and influence."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import pylme
from pylme import plot
from pylme.errors import OptionError, UnknownNameError
from pylme.plot.quantiles import envelope, smooth
from tests.plot.fits import sleepstudy


@pytest.fixture(scope="module")
def cake():
    fit = pylme.lmer(
        "angle ~ recipe * temp + (1 | recipe:replicate)", pylme.datasets.load("cake"),
        engine="numpy",
    )  # fmt: skip
    return fit, fit.update("~ . - recipe:temp")


def many_levels():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(3000), 3)
    data = pd.DataFrame({"y": rng.normal(size=9000) + rng.normal(size=3000)[g], "g": g.astype(str)})
    return pylme.lmer("y ~ 1 + (1 | g)", data, engine="numpy")


def test_a_forest_of_two_fits(cake):
    data = plot.coefficients_data(*cake, names=["both", "main"])
    assert list(dict.fromkeys(data["model"])) == ["both", "main"]
    assert "(Intercept)" not in set(data["term"])
    test = cake[1].coef_test()
    own = data[data["model"] == "main"]
    np.testing.assert_allclose(own["conf_low"], test.conf_low[1:])
    ax = plot.coefficients(*cake, names=["both", "main"])
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["recipeB", "recipeC", "temp", "recipeB:temp", "recipeC:temp"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["both", "main"]


def test_a_lone_intercept_is_shown():
    data = plot.coefficients_data(many_levels())
    assert data["term"].tolist() == ["(Intercept)"]


def test_quantiles_of_random_effects():
    data = plot.random_effects_qq_data(sleepstudy(), "Subject", "Days")
    assert data["estimate"].is_monotonic_increasing
    np.testing.assert_allclose(data["normal"], stats.norm.ppf((np.arange(1, 19) - 0.5) / 18))
    assert (data["envelope_low"] < data["envelope_high"]).all()
    ax = plot.random_effects_qq(many_levels())
    assert ax.get_title() == "3,000 levels of g"


def test_the_envelope_is_that_of_order_statistics():
    low, high = envelope(10, 0.9)
    assert low[2] == pytest.approx(stats.beta(3, 8).ppf(0.05))
    assert high[9] == pytest.approx(stats.beta(10, 1).ppf(0.95))


def test_a_smooth_of_a_line_is_the_line():
    x = np.linspace(0, 1, 50) ** 2
    places, found, _ = smooth(x, 3 + 2 * x)
    np.testing.assert_allclose(found, 3 + 2 * places)


def test_a_smooth_line_is_linear_in_what_it_follows():
    draw = np.random.default_rng(2)
    x, y = np.sort(draw.uniform(size=40)), draw.normal(size=40)
    columns = np.column_stack([smooth(x, row)[1] for row in np.eye(40)])
    _, found, norms = smooth(x, y)
    np.testing.assert_allclose(columns @ y, found)
    np.testing.assert_allclose(np.linalg.norm(columns, axis=1), norms)


def test_shrinkage_starts_at_the_effects_of_the_own_rows():
    data = plot.shrinkage_data(sleepstudy())
    fit, rows = sleepstudy(), pylme.datasets.load("sleepstudy")
    own = rows[rows["Subject"] == "310"]
    slope, intercept = np.polyfit(own["Days"], own["Reaction"], 1)
    found = data[data["level"] == "310"].set_index("term")["unpooled"]
    assert found["Days"] == pytest.approx(slope - fit.fixef["Days"], rel=1e-8)
    assert found["(Intercept)"] == pytest.approx(intercept - fit.fixef["(Intercept)"], rel=1e-8)
    modes = data[data["term"] == "Days"]["estimate"].to_numpy()
    np.testing.assert_allclose(modes, fit.ranef["Subject"]["Days"], rtol=1e-4, atol=1e-4)
    assert plot.shrinkage(sleepstudy()).get_xlabel() == "Effect of (Intercept) [Reaction]"
    assert "3,000 levels" in plot.shrinkage(many_levels()).get_ylabel()


def test_a_level_that_does_not_determine_its_effects():
    data = pylme.datasets.load("sleepstudy")
    data = data[(data["Subject"] != "308") | (data["Days"] == 4)]
    fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", data, engine="numpy")
    table = fit.shrinkage()
    assert table[table["level"] == "308"]["unpooled"].isna().all()
    assert table[table["level"] != "308"]["unpooled"].notna().all()
    plot.shrinkage(fit)


def test_simulated_residuals_of_a_fit_or_as_given():
    residuals = sleepstudy().simulated_residuals()
    data = plot.simulated_residuals_data(residuals)
    np.testing.assert_array_equal(data["residual"], np.sort(residuals.residuals))
    assert plot.simulated_residuals(sleepstudy(), "fitted").get_xlabel() == "Fitted value"
    with pytest.raises(OptionError, match="against"):
        plot.simulated_residuals(residuals, "normal")


def test_influence_in_descending_order():
    found = sleepstudy().influence(by="Subject")
    data = plot.influence_data(found)
    assert data["cooks_distance"].is_monotonic_decreasing
    labels = [label.get_text() for label in plot.influence(found).get_yticklabels()]
    assert labels[0] == data["Subject"][0]


def test_residuals_have_a_smooth_line_and_an_envelope():
    assert len(plot.residuals(sleepstudy()).lines) == 2
    data = plot.residuals_data(sleepstudy(), "normal")
    assert ((data["envelope_low"] < data["residual"]) | (data["residual"] < 0)).all()


def test_an_unknown_group_is_named():
    with pytest.raises(UnknownNameError, match="Subject"):
        plot.shrinkage(sleepstudy(), "subject")
