"""Influence of groups and rows: refits without them, lme4's influence(), closed forms."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import pylme
from pylme.errors import NotAvailableError, OptionError, UnknownNameError
from pylme.inference.kernels import Kernels
from pylme.inference.quality.linear_influence import rows_of
from tests.native import native
from tests.structures import repeated

SLEEPSTUDY = pylme.datasets.load("sleepstudy")
MODEL = "Reaction ~ Days + (Days | Subject)"


def unbalanced():
    """Six to fourteen rows in each of twelve groups, weights, an offset, a factor."""
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(12), rng.integers(6, 15, 12))
    x = rng.normal(size=len(g)) + g / 6
    effects = rng.normal(size=(12, 2)) * [1.0, 0.5]
    y = 1 + x + effects[g, 0] + effects[g, 1] * x + rng.normal(size=len(g))
    return pd.DataFrame(
        {
            "y": y,
            "x": x,
            "f": np.where(g % 3 == 0, "a", "b"),
            "g": [f"g{i:02}" for i in g],
            "w": rng.uniform(0.5, 2, len(g)),
            "o": rng.normal(size=len(g)),
        }
    )


def refitted(fit, influence, j, data, by):
    """The estimates of a fit to the data without a group."""
    rest = data[data[by].astype(str) != influence.levels[j]]
    return fit.update(data=rest)


@pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning")
@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("random", ["(x | g)", "(1 | g)", "(x || g)"])
def test_all_at_once_is_one_by_one(reml, random):
    data = unbalanced()
    fit = pylme.lmer(
        f"y ~ x * f + {random}", data, weights="w", offset="o", reml=reml, engine="numpy"
    )
    found = fit.influence(by="g")
    assert found.without.converged.all()
    for j in (0, 3, 11):
        other = refitted(fit, found, j, data, "g")
        assert found.without.criterion[j] == pytest.approx(other.criterion, abs=1e-8)
        np.testing.assert_allclose(found.without.beta[j], other.fixef, atol=1e-4)
        np.testing.assert_allclose(found.without.vcov[j], other.vcov, rtol=2e-3, atol=1e-6)
        assert found.without.sigma[j] == pytest.approx(other.sigma, rel=1e-4)
        assert found.rows[j] == (data["g"] == found.levels[j]).sum()


@pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning")
@pytest.mark.parametrize("random", ["ar1(0 + t | s)", "cs(1 + x | s) + (1 | g)"])
def test_covariance_structures(random):
    every = repeated()
    data = every[every["s"].isin([f"s{i + 1:02d}" for i in range(8)])]
    fit = pylme.lmer(f"y ~ x + {random}", data, engine="numpy")
    found = fit.influence(by="s")
    assert found.without.converged.all()
    for j in (1, 5):
        other = refitted(fit, found, j, data, "s")
        assert found.without.criterion[j] == pytest.approx(other.criterion, abs=1e-6)
        np.testing.assert_allclose(found.without.beta[j], other.fixef, atol=1e-4)
        np.testing.assert_allclose(found.without.theta[j], other.theta, atol=1e-3)


@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
def test_nearly_dependent_columns_within_levels():
    data = unbalanced()
    data["x"] = (data["g"] < "g06") + 1e-7 * data["x"]
    fit = pylme.lmer("y ~ 1 + (x | g)", data, engine="numpy")
    found = fit.influence(by="g")
    for j in (1, 8):
        other = refitted(fit, found, j, data, "g")
        assert found.without.criterion[j] == pytest.approx(other.criterion, abs=1e-6)


def test_crossed_factors():
    data = pylme.datasets.load("penicillin")
    fit = pylme.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", data, engine="numpy")
    found = fit.influence(by="sample")
    for j in range(3):
        other = refitted(fit, found, j, data, "sample")
        assert found.without.criterion[j] == pytest.approx(other.criterion, abs=1e-8)
        np.testing.assert_allclose(found.without.theta[j], other.theta, rtol=1e-4)
    assert len(found.to_frame("changes")) == 6


def test_another_column_and_a_coefficient_that_only_one_group_determines():
    data = unbalanced().assign(h=lambda d: np.where(d["f"] == "a", "p", "q"))
    fit = pylme.lmer("y ~ x + f + (1 | g)", data.assign(h=data["h"]), engine="numpy")
    found = fit.influence(by="f")
    assert found.levels == ("a", "b")
    assert np.isnan(found.without.beta[:, 2]).all()
    assert np.isfinite(found.without.beta[:, :2]).all()
    assert np.isfinite(found.cooks_distance).all()
    without_b = fit.update("~ . - f", data=data[data["f"] == "a"])
    assert found.without.criterion[1] == pytest.approx(without_b.criterion, abs=1e-8)


def test_a_level_that_holds_a_coefficient_of_its_own():
    data = unbalanced().assign(z=lambda d: (d["g"] == "g04").astype(float))
    fit = pylme.lmer("y ~ x + z + (1 | g)", data, engine="numpy")
    found = fit.influence(by="g")
    j = found.levels.index("g04")
    assert np.isnan(found.without.beta[j, 2])
    other = fit.update("~ . - z", data=data[data["g"] != "g04"])
    assert found.without.criterion[j] == pytest.approx(other.criterion, abs=1e-8)
    assert np.isfinite(found.without.beta[np.arange(12) != j]).all()


@pytest.mark.needs_r
def test_lme4s_influence():
    fit = pylme.lmer(MODEL, SLEEPSTUDY, engine="numpy")
    found = fit.influence(by="Subject")
    answer = native(
        """{
            fit <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
            i <- influence(fit, "Subject")
            list(beta = i[["fixed.effects[-Subject]"]], cook = cooks.distance(i),
                 dfbetas = as.matrix(dfbetas(i)), sigma = i[["var.cov.comps[-Subject]"]])
        }"""
    )
    error = np.sqrt(np.diag(fit.vcov))
    np.testing.assert_allclose(found.without.beta / error, answer["beta"] / error, atol=2e-4)
    # lme4 multiplies Cook's distance by (J - p)/J.
    np.testing.assert_allclose(found.cooks_distance * 16 / 18, answer["cook"], rtol=2e-3)
    # And takes the estimate from that without the group.
    np.testing.assert_allclose(found.dfbetas, -answer["dfbetas"], atol=1e-3)


@pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning")
def test_a_distance_is_positive_with_fewer_groups_than_coefficients():
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"b": np.repeat(list("uvwxyz"), 12), "t": np.tile(list("abcdefghijkl"), 6)})
    data["y"] = rng.normal(size=72) + np.repeat(rng.normal(size=6), 12)
    found = pylme.lmer("y ~ t + (1 | b)", data, engine="numpy").influence(by="b")
    assert (found.cooks_distance >= 0).all()


def test_rows_are_left_out_at_the_same_theta():
    data = unbalanced()
    fit = pylme.lmer("y ~ x * f + (x | g)", data, weights="w", offset="o", engine="numpy")
    table = fit.influence()
    whole, linear = fit._kernels, fit._kernels.linear
    for i in (0, 17, len(data) - 1):
        kept = np.arange(len(data)) != i
        without = Kernels(rows_of(linear, kept)[0].at(linear.theta))
        change = whole.beta - without.beta
        error = np.sqrt(without.sigma2 * np.diag(without.S_inv))
        assert table["sigma"][i] == pytest.approx(np.sqrt(without.sigma2), rel=1e-10)
        np.testing.assert_allclose(
            table.filter(like="dfbetas").iloc[i], change / error, rtol=1e-8, atol=1e-10
        )
        precision = np.linalg.inv(whole.sigma2 * whole.S_inv)
        assert table["cooks_distance"][i] == pytest.approx(change @ precision @ change / 4)
    np.testing.assert_allclose(table["hat"], fit.augment()["_hat"], rtol=1e-12)


def test_rows_of_crossed_factors():
    data = pylme.datasets.load("penicillin")
    fit = pylme.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", data, engine="numpy")
    table, whole = fit.influence(), fit._kernels
    kept = np.arange(len(data)) != 40
    without = Kernels(rows_of(whole.linear, kept)[0].at(whole.linear.theta))
    assert table["sigma"][40] == pytest.approx(np.sqrt(without.sigma2), rel=1e-10)


def test_rows_left_out_of_the_fit_have_no_influence():
    data = SLEEPSTUDY.astype({"Subject": str})
    data.loc[3, "Days"] = np.nan
    with pytest.warns(pylme.errors.MissingRowsWarning):
        fit = pylme.lmer(MODEL, pl.from_pandas(data), engine="numpy")
    table = fit.influence()
    assert isinstance(table, pl.DataFrame)
    assert len(table) == 180
    assert np.isnan(table["hat"][3])
    assert isinstance(fit.influence(by="Subject").to_frame(), pl.DataFrame)


def test_what_has_no_influence():
    fit = pylme.lmer(MODEL, SLEEPSTUDY, engine="numpy")
    with pytest.raises(UnknownNameError, match="Subject"):
        fit.influence(by="subject")
    with pytest.raises(OptionError, match="view"):
        fit.influence(by="Subject").to_frame("everything")
    with pytest.raises(NotAvailableError, match="JSON"):
        pylme.from_json(fit.to_json()).influence(by="Subject")


@pytest.mark.needs_r
def test_lme4s_influence_on_a_generalized_model():
    fit = pylme.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        pylme.datasets.load("cbpp"), engine="numpy",
    )  # fmt: skip
    found = fit.influence(by="herd")
    answer = native(
        """{
            fit <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial,
                         control = glmerControl(tolPwrss = 1e-10))
            i <- influence(fit, "herd")
            list(beta = i[["fixed.effects[-herd]"]], cook = cooks.distance(i))
        }"""
    )
    assert found.without.converged.all()
    error = np.sqrt(np.diag(fit.vcov))
    # lme4's searches for the refits stop up to a hundredth of a standard error away.
    np.testing.assert_allclose(found.without.beta / error, answer["beta"] / error, atol=0.02)
    # lme4 multiplies Cook's distance by (J - p)/J.
    np.testing.assert_allclose(found.cooks_distance * 11 / 15, answer["cook"], atol=0.01)
    assert "sigma" not in found.to_frame("estimates")


@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
@pytest.mark.parametrize("by", ["g", "f"])
def test_generalized_refits_are_those_of_the_data_without_the_group(by):
    """A negative binomial with one factor, and Poisson counts with two."""
    data = unbalanced().assign(f=lambda d: d["g"].str[-1])
    data["count"] = np.exp(data["y"] / 3).round()
    if by == "g":
        fit = pylme.glmer_nb("count ~ x + (1 | g)", data, offset="o", engine="numpy")
    else:
        formula = "count ~ x + (1 | g) + (1 | f)"
        fit = pylme.glmer(formula, data, family="poisson", offset="o", engine="numpy")
    found = fit.influence(by=by)
    for j in (0, 3):
        other = refitted(fit, found, j, data, by)
        assert found.without.criterion[j] == pytest.approx(other.criterion, abs=1e-7)
        np.testing.assert_allclose(found.without.beta[j], other.fixef, atol=1e-4)
        np.testing.assert_allclose(found.without.vcov[j], other.vcov, rtol=2e-3, atol=1e-6)
        np.testing.assert_allclose(found.without.theta[j], other.theta, rtol=1e-3, atol=1e-4)
    assert ("shape" in found.to_frame("changes")) == (by == "g")
