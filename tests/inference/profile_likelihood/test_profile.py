"""Profiles as curves, against lme4's."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import pylme
from tests.native import native

LOAD = pylme.datasets.load


def dyestuff(name="dyestuff"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pylme.errors.SingularFitWarning)
        return pylme.lmer("Yield ~ 1 + (1 | Batch)", LOAD(name), engine="numpy")


@pytest.mark.needs_r
def test_the_points_of_lme4_lie_on_the_curves():
    found = native("as.list(as.data.frame(profile(lmer(Yield ~ 1 + (1 | Batch), Dyestuff))))")
    theirs = pd.DataFrame({name: np.asarray(found[name]) for name in found})
    profile = dyestuff().profile(conf_level=0.99)
    own = profile.to_frame(names="lme4")
    assert list(own.columns) == list(theirs.columns)
    for curve in profile.curves:
        name = curve.parameter.lme4
        rows = theirs[theirs[".par"] == name]
        inside = (rows[name] >= curve.value[0]) & (rows[name] <= curve.value[-1])
        assert inside.sum() > 8
        zeta = curve.at(rows[name][inside].to_numpy())
        np.testing.assert_allclose(zeta, rows[".zeta"][inside], atol=2e-4)


def test_intervals_read_from_curves_are_the_ends_that_were_searched_for():
    fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", LOAD("sleepstudy"), engine="numpy")
    profile = fit.profile()
    for level in (0.5, 0.95, 0.99):
        read = profile.confint(level)[["conf_low", "conf_high"]]
        searched = fit.confint(conf_level=level)[["conf_low", "conf_high"]]
        np.testing.assert_allclose(read, searched, rtol=2e-5)
    assert "sd__Days | Subject" in str(profile)
    assert set(profile.to_frame()["parameter"]) == {c.parameter.label for c in profile.curves}


def test_a_curve_ends_at_the_boundary():
    """ζ² there is the likelihood ratio of the model without the effect."""
    (curve,) = dyestuff().profile("sd__(Intercept) | Batch").curves
    assert curve.value[0] == 0.0
    y = LOAD("dyestuff")["Yield"].to_numpy()
    alone = 30 * (1 + np.log(2 * np.pi * ((y - y.mean()) ** 2).mean()))
    fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", LOAD("dyestuff"), engine="numpy", reml=False)
    assert curve.zeta[0] ** 2 == pytest.approx(alone - fit.criterion, abs=1e-6)
    assert np.isnan(curve.at(np.array([-1.0]))).all()
    (flat,) = dyestuff("dyestuff2").profile(".sig01").curves
    assert (flat.value[0], flat.zeta[0]) == (0.0, 0.0)


def test_frames_are_in_the_library_of_the_data():
    polars = pytest.importorskip("polars")
    data = polars.DataFrame(LOAD("dyestuff").astype({"Batch": str}).to_dict("list"))
    fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", data, engine="numpy")
    assert isinstance(fit.confint(), polars.DataFrame)
    profile = fit.profile(".sigma")
    assert isinstance(profile.to_frame(), polars.DataFrame)
    assert isinstance(profile.confint(), polars.DataFrame)


def test_the_same_intervals_with_either_method_for_large_samples():
    """Wald and profile agree where the likelihood is nearly quadratic: HS&B's coefficients."""
    fit = pylme.lmer("math ~ ses + (1 | sch.id)", LOAD("hsb"), engine="numpy")
    wald, profile = (
        fit.confint(method)[["conf_low", "conf_high"]].to_numpy() for method in ("wald", "profile")
    )
    width = np.ptp(wald, axis=1)[:, None]
    assert (np.abs(wald - profile) / width).max() < 0.03
