from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

import pylme
from pylme import plot
from pylme.errors import NotAvailableError, OptionError, UnknownColumnError, UnknownNameError
from tests.plot.fits import BLOCKS, COMBINED, by_sector, hsb, sleepstudy, two_sectors

CENTRED = "math ~ cses*sector + (cses | sch.id)"
IN_BLOCKS = (
    'math ~ cses*sector + (0 + dummy(sector, "Public") + dummy(sector, "Public"):cses | sch.id)'
    ' + (0 + dummy(sector, "Catholic") + dummy(sector, "Catholic"):cses | sch.id)'
)


def ellipse(data, by=""):
    own = data[(data["layer"] == "ellipse") & (data["by"] == by) & (data["probability"] == 0.95)]
    return own[["intercept", "slope"]].to_numpy()


def modes(data, by=""):
    own = data[(data["layer"] == "mode") & (data["by"] == by)].set_index("level")
    return own[["intercept", "slope"]]


def assert_border_of(border, covariance):
    distance = np.einsum("ij,jk,ik->i", border, np.linalg.inv(covariance), border)
    np.testing.assert_allclose(distance, chi2(2).ppf(0.95), rtol=1e-8)


def test_two_effects_are_drawn_as_they_are():
    fit = sleepstudy()
    data = plot.random_effects_data(fit)
    np.testing.assert_array_equal(modes(data), fit.ranef["Subject"])
    assert_border_of(ellipse(data), fit.varcorr["Subject"].cov.to_numpy())
    assert set(data["probability"].dropna()) == {0.5, 0.95}


def test_independent_terms_on_one_factor_are_drawn_together():
    fit = sleepstudy(formula="Reaction ~ Days + (Days || Subject)")
    data = plot.random_effects_data(fit)
    np.testing.assert_array_equal(modes(data), fit.ranef["Subject"])
    assert_border_of(ellipse(data), np.diag(fit.varcorr["Subject"].sd ** 2))


def test_naming_the_slope_changes_nothing():
    fit = sleepstudy()
    pd.testing.assert_frame_equal(
        plot.random_effects_data(fit), plot.random_effects_data(fit, slope="Days")
    )


def test_blocks_by_sector_have_their_own_ellipses_and_groups():
    fit = by_sector(BLOCKS)
    data = plot.random_effects_data(fit, by="sector")
    for block, level in zip(fit.varcorr.terms, "ab", strict=True):
        own = fit.ranef["school"].loc[:, list(block.names)]
        own = own[[name.startswith(level) for name in own.index]]
        np.testing.assert_allclose(modes(data, level).loc[own.index], own, atol=1e-12)
        assert_border_of(ellipse(data, level), block.cov)


def test_a_combined_term_implies_a_covariance_for_each_sector():
    fit = by_sector(COMBINED)
    data = plot.random_effects_data(fit, by="sector")
    covariance = fit.varcorr["school"].cov.to_numpy()
    assert_border_of(ellipse(data, "a"), covariance[np.ix_([0, 1], [0, 1])])
    assert_border_of(ellipse(data, "b"), covariance[np.ix_([0, 2], [0, 2])])


def test_how_a_term_is_coded_does_not_matter():
    draw = np.random.default_rng(3)
    data = pd.DataFrame({"g": np.repeat(np.arange(30), 12), "x": np.tile(np.arange(6.0), 60)})
    data["f"] = np.tile(np.repeat(["u", "v"], 6), 30)
    b = draw.normal(size=(30, 4)) @ np.array(
        [[2, 0, 0, 0], [1, 1, 0, 0], [0, 0.5, 1, 0], [0, 0, 0, 1]]
    )
    second = (data["f"] == "v").to_numpy(dtype=float)
    z = np.column_stack([np.ones(360), data["x"], second, data["x"] * second])
    data["y"] = (z * b[data["g"]]).sum(axis=1) + draw.normal(size=360)
    fits = [
        pylme.lmer(f"y ~ x*f + ({left} | g)", data, engine="numpy")
        for left in ("x*f", "0 + f + f:x", "f/x")
    ]
    first, *others = (plot.random_effects_data(fit, by="f") for fit in fits)
    assert len(modes(first, "u")) == len(modes(first, "v")) == 30
    for other in others:
        # The outlines begin elsewhere where an eigenvector has the other sign.
        pd.testing.assert_frame_equal(modes(other, "v"), modes(first, "v"), rtol=1e-3, atol=1e-3)
        for level in "uv":
            np.testing.assert_allclose(
                np.cov(ellipse(other, level).T), np.cov(ellipse(first, level).T), rtol=1e-3
            )


@pytest.mark.needs_r
def test_both_engines_give_one_picture():
    ours, theirs = (
        plot.random_effects_data(hsb(CENTRED, engine), by="sector") for engine in ("numpy", "lme4")
    )
    pd.testing.assert_frame_equal(ours[["by", "layer", "level"]], theirs[["by", "layer", "level"]])
    for level in ("Public", "Catholic"):
        np.testing.assert_allclose(modes(ours, level), modes(theirs, level), atol=2e-3)


@pytest.mark.needs_r
def test_blocks_fitted_by_lme4_are_drawn_too():
    fit = hsb(IN_BLOCKS, "lme4")
    data = plot.random_effects_data(fit, by="sector")
    catholic = fit.varcorr.terms[1].cov
    assert_border_of(ellipse(data, "Catholic"), catholic)
    assert len(modes(data, "Public")) == 90
    assert len(modes(data, "Catholic")) == 70


def test_one_covariance_for_all_is_drawn_once():
    axes = plot.random_effects(hsb(CENTRED), by="sector")
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels[:2] == ["Public", "Catholic"]
    assert labels[2].startswith("all (correlation ")
    drawn = [line for line in axes.lines if len(line.get_xdata()) > 2]
    assert len(drawn) == 2


def test_each_sector_has_its_colour_and_its_correlation():
    axes = plot.random_effects(by_sector(BLOCKS), by="sector")
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    for label, block in zip(labels, by_sector(BLOCKS).varcorr.terms, strict=True):
        assert f"{block.corr[0, 1]:.2f}".replace("-", "−") in label
    colours = {line.get_color() for line in axes.lines if len(line.get_xdata()) > 2}
    assert len(colours) == 2
    assert axes.get_legend().get_title().get_text() == "sector"
    assert axes.get_xlabel() == "Mode of the intercept [y]"
    assert axes.get_ylabel() == "Mode of the slope of x [y / x]"


def test_levels_come_in_the_order_of_the_category():
    data = two_sectors().assign(
        sector=pd.Categorical(two_sectors()["sector"], categories=["b", "a"])
    )
    fit = pylme.lmer("y ~ x*sector + (x | school)", data, engine="numpy")
    assert list(plot.random_effects_data(fit, by="sector")["by"].unique()) == ["b", "a"]


def test_a_fit_from_json_is_drawn_as_far_as_it_goes():
    fit = pylme.from_json(sleepstudy().to_json())
    pd.testing.assert_frame_equal(
        plot.random_effects_data(fit), plot.random_effects_data(sleepstudy())
    )
    with pytest.raises(NotAvailableError):
        plot.random_effects_data(fit, by="Days")


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(UnknownColumnError, match="'sector'"):
        plot.random_effects_data(hsb(), by="Sector")
    with pytest.raises(UnknownColumnError, match="'ses'"):
        plot.random_effects_data(hsb(), slope="sess")
    with pytest.raises(NotAvailableError, match="that column"):
        plot.random_effects_data(hsb(), slope="math")
    with pytest.raises(UnknownNameError, match="Subject"):
        plot.random_effects_data(sleepstudy(), "subject")
    with pytest.raises(OptionError, match="between 0 and 1"):
        plot.random_effects_data(sleepstudy(), probabilities=(50,))
    with pytest.raises(OptionError, match=r"this one has 160"):
        plot.random_effects_data(hsb(), by="sch.id")
    intercepts = sleepstudy(formula="Reaction ~ Days + (1 | Subject)")
    with pytest.raises(NotAvailableError, match="not linear in that column"):
        plot.random_effects_data(intercepts, slope="Reaction")


def test_of_two_covariates_that_would_do_one_is_to_be_named():
    data = two_sectors().assign(z=2.0 * two_sectors()["x"])
    fit = pylme.lmer("y ~ x + sector + offset(z) + (x | school)", data, engine="numpy")
    with pytest.raises(OptionError, match="'x', 'offset"):
        plot.random_effects_data(fit, by="sector")
    plot.random_effects_data(fit, by="sector", slope="x")
