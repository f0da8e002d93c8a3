"""Marginal means and contrasts: what no oracle says, invariances, records and refusals."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

import pylme
from pylme.errors import NotAvailableError, OptionError, UnknownNameError

pytestmark = pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")


def sleep():
    rng = np.random.default_rng(8)
    data = pylme.datasets.load("sleepstudy")
    data["f"] = rng.choice(list("abc"), 180, p=[0.5, 0.3, 0.2])
    data["g"] = rng.choice(["u", "v"], 180)
    return data


@cache
def fitted(formula="Reaction ~ f*g + Days + (1 | Subject)", **options):
    return pylme.lmer(formula, sleep(), engine="numpy", **options)


@cache
def with_an_empty_cell():
    data = sleep()
    data = data[(data["f"] != "c") | (data["g"] != "v")]
    return pylme.lmer("Reaction ~ f*g + (1 | Subject)", data, engine="numpy")


def test_the_coding_of_factors_changes_no_mean():
    means = fitted().emmeans("f", by="g").to_frame()
    for coding in ("sum", "helmert", "poly"):
        other = pylme.lmer(
            "Reaction ~ f*g + Days + (1 | Subject)", sleep(), engine="numpy",
            contrasts={"f": coding, "g": "sum"},
        )  # fmt: skip
        pd.testing.assert_frame_equal(other.emmeans("f", by="g").to_frame(), means, rtol=1e-6)


def test_a_mean_is_the_average_of_the_predictions_on_the_grid():
    fit = fitted()
    days = sleep()["Days"].mean()
    grid = pd.DataFrame({"f": list("abcabc"), "g": list("uuuvvv"), "Days": days})
    predictions = fit.predict(grid, random="none").to_numpy().reshape(2, 3)
    np.testing.assert_allclose(fit.emmeans("f").to_frame()["estimate"], predictions.mean(0))
    np.testing.assert_allclose(
        fit.emmeans("f", weights=[1, 3]).to_frame()["estimate"],
        np.average(predictions, axis=0, weights=[1, 3]),
    )


def test_pairwise_t_squared_is_the_f_of_the_joint_test():
    means = fitted().emmeans("g", by="f", ddf="satterthwaite")
    t = means.contrast("pairwise").to_frame()
    joint = means.joint_tests()
    assert joint["term"].tolist() == ["g"] * 3
    np.testing.assert_allclose(joint["statistic"], t["statistic"] ** 2, rtol=1e-9)
    np.testing.assert_allclose(joint["p_value"], t["p_value"], rtol=1e-9)


def test_joint_tests_are_those_of_any_spanning_contrasts():
    means = fitted().emmeans(["f", "g"])
    table = means.joint_tests().set_index("term")
    assert table["df_num"].to_dict() == {"f": 2, "g": 1, "f:g": 2}
    of_f = fitted().emmeans("f").contrast("eff").joint_test()
    assert table["statistic"]["f"] == pytest.approx(of_f["statistic"][0], rel=1e-9)
    assert table["df"]["f"] == pytest.approx(of_f["df"][0], rel=1e-7)


def test_an_empty_cell_is_not_estimable_and_what_does_not_need_it_is():
    fit = with_an_empty_cell()
    cells = fit.emmeans(["f", "g"]).to_frame()
    assert cells["estimable"].tolist() == [True] * 5 + [False]
    assert np.isnan(cells["estimate"][5])
    assert fit.emmeans("f").to_frame()["estimable"].tolist() == [True, True, False]
    assert "nonEst" in str(fit.emmeans("f"))
    weighted = fit.emmeans("f", weights="cells").to_frame()
    assert "estimable" not in weighted
    joint = fit.emmeans(["f", "g"]).joint_tests().set_index("term")
    assert joint["df_num"].to_dict() == {"f": 1, "g": 0, "f:g": 1}


def test_a_contrast_of_means_that_are_not_estimable_can_be():
    # Without main effect of the block the means are not determined, their differences are.
    data = sleep()
    data["copy"] = data["g"]
    fit = pylme.lmer("Reaction ~ f + g + copy + (1 | Subject)", data, engine="numpy")
    assert not fit.emmeans("g").to_frame().get("estimable", pd.Series([True])).all()
    differences = fit.emmeans("f").contrast().to_frame()
    assert differences["estimate"].notna().all()


def test_families_count_what_is_estimable():
    fit = with_an_empty_cell()
    contrasts = fit.emmeans(["f", "g"], ddf="satterthwaite").contrast("pairwise").to_frame()
    known = contrasts[contrasts["estimable"]]
    assert len(known) == 10
    expected = stats.studentized_range.sf(np.sqrt(2) * known["statistic"].abs(), 5, known["df"])
    np.testing.assert_allclose(known["p_value"], expected, atol=1e-9)
    single = fit.emmeans("f", by="g").contrast("pairwise", adjust="bonferroni").to_frame()
    row = single[(single["g"] == "v") & single["estimable"]].iloc[0]
    assert row["p_value"] == pytest.approx(2 * stats.t.sf(abs(row["statistic"]), row["df"]))


def test_there_is_no_number_of_rows_above_which_tests_are_normal():
    hsb = pylme.datasets.load("hsb")
    assert len(hsb) > 3000
    fit = pylme.lmer("math ~ cses*sector + (1 | sch.id)", hsb, engine="numpy")
    made = fit.emmeans("sector").to_frame()
    assert (made["df"] < 200).all()


def test_slopes_are_derivatives():
    fit = pylme.lmer("Reaction ~ f*poly(Days, 3) + (1 | Subject)", sleep(), engine="numpy")
    made = fit.emtrends("Days", "f", at={"Days": [4.0]}).to_frame()
    step = 1e-4
    for place, level in enumerate("abc"):
        rows = {"f": [level] * 2, "Days": [4.0 - step, 4.0 + step]}
        low, high = fit.predict(rows, random="none")
        assert made["estimate"][place] == pytest.approx((high - low) / (2 * step), rel=1e-6)
    straight = fitted("Reaction ~ f*Days + (Days | Subject)")
    slopes = straight.emtrends("Days", by="f")
    assert slopes.specs == ("f",)
    np.testing.assert_allclose(
        slopes.to_frame()["estimate"],
        straight.fixef["Days"] + np.array([0, *straight.fixef[["fb:Days", "fc:Days"]]]),
        rtol=1e-9,
    )
    assert len(slopes.contrast().to_frame()) == 3


def test_back_on_the_response():
    fit = fitted("log(Reaction) ~ f + (1 | Subject)")
    link = fit.emmeans("f").to_frame()
    response = fit.emmeans("f", kind="response").to_frame()
    np.testing.assert_allclose(response["estimate"], np.exp(link["estimate"]))
    np.testing.assert_allclose(response["std_error"], np.exp(link["estimate"]) * link["std_error"])
    np.testing.assert_allclose(response["conf_high"], np.exp(link["conf_high"]))
    total = fit.sigma**2 + fit.varcorr["Subject"].cov.iloc[0, 0]
    adjusted = fit.emmeans("f", kind="response", bias_adjust=True).to_frame()
    np.testing.assert_allclose(adjusted["estimate"], response["estimate"] * (1 + total / 2))
    ratios = fit.emmeans("f", kind="response").contrast().to_frame()
    assert ratios["contrast"].tolist() == ["a / b", "a / c", "b / c"]
    np.testing.assert_allclose(
        ratios["estimate"], np.exp(fit.emmeans("f").contrast().to_frame()["estimate"])
    )
    with pytest.raises(OptionError, match="not transformed"):
        fitted().emmeans("f", kind="response")


def test_an_ml_fit_is_refitted_by_reml_for_kenward_and_roger():
    ml, reml = fitted(reml=False), fitted()
    pd.testing.assert_frame_equal(
        ml.emmeans("f").to_frame(), reml.emmeans("f").to_frame(), rtol=1e-6
    )
    assert "those of its REML fit" in str(ml.emmeans("f"))


def test_a_singular_fit_is_marked():
    data = pylme.datasets.load("dyestuff2")
    fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", data, engine="numpy")
    means = fit.emmeans([])
    assert means.to_frame()["df"][0] == pytest.approx(5.0)
    assert "Singular fit" in str(means)
    other = fit.emmeans([], ddf="satterthwaite")
    assert other.to_frame()["df"][0] == pytest.approx(29.0)
    assert "prefer" in str(other)


def test_records():
    means = fitted().emmeans("f", by="g")
    text = str(means)
    assert text.startswith("Marginal means of f and g")
    assert "Averaged" not in text
    assert "may mislead" in str(fitted().emmeans("f"))
    assert means._repr_html_().count("<tr>") >= 7
    contrasts = means.contrast("trt.vs.ctrl", reference=-1)
    assert contrasts.to_frame()["contrast"].tolist() == ["a - c", "b - c"] * 2
    assert "Dunnett" in str(contrasts)
    assert "within g" in str(contrasts)
    assert contrasts.adjusted("holm").adjust == "holm"
    assert repr(means) == "<MarginalMeans: 6 means of f, g>"
    wide = means.confint(0.95, adjust="bonferroni").to_frame()
    plain = means.to_frame()
    assert (wide["conf_high"] > plain["conf_high"]).all()
    tests = means.test(300.0).to_frame()
    np.testing.assert_allclose(tests["statistic"], (plain["estimate"] - 300.0) / plain["std_error"])


def test_contrasts_by_coefficients():
    means = fitted().emmeans("f")
    made = means.contrast({"a against the rest": [1, -0.5, -0.5]}).to_frame()
    e = means.to_frame()["estimate"]
    assert made["contrast"][0] == "a against the rest"
    assert made["estimate"][0] == pytest.approx(e[0] - 0.5 * (e[1] + e[2]))
    assert means.contrast([[1, -1, 0]]).to_frame()["contrast"][0] == "c(1, -1, 0)"
    crossed = fitted().emmeans("f", by="g").contrast("pairwise", by=[])
    assert len(crossed.to_frame()) == 15


def test_polars_in_polars_out():
    data = pl.from_pandas(sleep().astype({"Subject": str}))
    fit = pylme.lmer("Reaction ~ f + (1 | Subject)", data, engine="numpy")
    assert isinstance(fit.emmeans("f").to_frame(), pl.DataFrame)
    assert isinstance(fit.emmeans("f").contrast().to_frame(), pl.DataFrame)
    assert isinstance(fit.emmeans("f").joint_tests(), pl.DataFrame)


def test_refusals():
    fit = fitted()
    with pytest.raises(UnknownNameError, match="'f'"):
        fit.emmeans("F")
    with pytest.raises(UnknownNameError, match="Days"):
        fit.emmeans("f", at={"days": 1})
    with pytest.raises(UnknownNameError, match="predictor of the means"):
        fit.emmeans("f").contrast(by="g")
    for options in (
        {"at": {"f": "z"}}, {"at": {"Days": "x"}}, {"at": {"f": []}}, {"at": 3},
        {"weights": "x"}, {"weights": [1.0]}, {"kind": "x"}, {"ddf": "x"}, {"conf_level": 1.5},
        {"bias_adjust": -1.0}, {"by": 3},
    ):  # fmt: skip
        with pytest.raises(OptionError):
            fit.emmeans("f", **options)
    means = fit.emmeans("f")
    for method in ("x", [[1, -1]], [["a", "b", "c"]]):
        with pytest.raises(OptionError):
            means.contrast(method)
    with pytest.raises(OptionError, match="two or more"):
        fit.emmeans([]).contrast()
    with pytest.raises(OptionError):
        means.contrast(adjust="x")
    with pytest.raises(OptionError):
        means.test("x")
    with pytest.raises(OptionError, match="numeric predictor"):
        fit.emtrends("f")
    with pytest.raises(NotAvailableError):
        pylme.from_json(fit.to_json()).emmeans("f")
