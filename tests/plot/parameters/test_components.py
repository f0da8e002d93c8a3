from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme import plot
from pylme.errors import NotAvailableError, OptionError
from tests.plot.fits import dyestuff, hsb, sleepstudy

Z = 1.959963984540054


def test_the_rows_are_those_of_varcorr():
    table = sleepstudy().varcorr.to_frame()
    sd, corr = (plot.varcorr_data(sleepstudy(), part) for part in ("sd", "corr"))
    assert list(sd["term"]) == ["(Intercept)", "Days", None]
    np.testing.assert_array_equal(sd["estimate"], table["sdcor"].iloc[[0, 1, 3]])
    np.testing.assert_array_equal(corr["estimate"], table["sdcor"].iloc[[2]])


def test_the_residual_interval_of_a_balanced_one_way_layout():
    # 24 σ̂²/σ² is χ² with 24 degrees of freedom, so that sd(log σ̂) is 1/√(2 · 24) nearly.
    data = plot.varcorr_data(dyestuff())
    residual = data[data["group"] == "Residual"].iloc[0]
    factor = np.exp(Z / np.sqrt(48))
    assert residual["conf_high"] / residual["estimate"] == pytest.approx(factor, rel=1e-6)
    assert residual["estimate"] / residual["conf_low"] == pytest.approx(factor, rel=1e-6)


def test_intervals_are_symmetric_on_the_log_scale_and_on_fishers():
    sd, corr = (plot.varcorr_data(sleepstudy(), part, conf_level=0.9) for part in ("sd", "corr"))
    np.testing.assert_allclose(np.sqrt(sd["conf_low"] * sd["conf_high"]), sd["estimate"])
    middle = (np.arctanh(corr["conf_low"]) + np.arctanh(corr["conf_high"])) / 2
    np.testing.assert_allclose(middle, np.arctanh(corr["estimate"]))


def test_they_have_the_standard_errors_to_first_order():
    table = sleepstudy().varcorr_table
    narrow = plot.varcorr_data(sleepstudy(), conf_level=1e-4)
    errors = table["sdcor_std_error"].iloc[[0, 1, 3]].to_numpy()
    # The normal quantile of (1 + 0.0001)/2 is 0.0001 √(2π)/2 nearly.
    reach = 1e-4 * np.sqrt(2 * np.pi) / 2
    np.testing.assert_allclose(
        (narrow["conf_high"] - narrow["conf_low"]) / 2, reach * errors, rtol=1e-6
    )


@pytest.mark.needs_r
def test_there_are_none_in_a_fit_by_lme4_that_came_from_json():
    whole = sleepstudy("lme4")
    saved = pylme.from_json(whole.to_json())
    assert plot.varcorr_data(whole)[["conf_low", "conf_high"]].notna().all(axis=None)
    assert plot.varcorr_data(saved)[["conf_low", "conf_high"]].isna().all(axis=None)
    assert plot.varcorr(saved).get_title() == ""


def test_there_are_none_on_the_boundary_but_for_the_residual():
    data = plot.varcorr_data(hsb())
    assert list(data["conf_low"].isna()) == [True, True, False]


def test_every_component_is_drawn_with_its_name():
    axes = plot.varcorr(sleepstudy())
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["Subject: (Intercept)", "Subject: Days", "Residual"]
    assert axes.get_xlim()[0] == 0.0
    axes = plot.varcorr(sleepstudy(), "corr")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Subject: (Intercept), Days"]
    assert axes.get_xlim() == (-1.0, 1.0)


def test_correlations_of_a_model_without_any_are_refused():
    assert plot.varcorr_data(dyestuff(), "corr").empty
    with pytest.raises(NotAvailableError, match="there are none"):
        plot.varcorr(dyestuff(), "corr")
    with pytest.raises(OptionError, match="'corr'"):
        plot.varcorr(dyestuff(), "cor")
