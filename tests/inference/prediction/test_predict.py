"""Predictions against lme4's, and their standard errors against matrices of n by n."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

import pylme
from pylme.errors import (
    ColumnValueError,
    NotAvailableError,
    OptionError,
    RankDeficiencyWarning,
    UnknownNameError,
)
from tests.inference.dense import Dense
from tests.native import native

pytestmark = pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")

SLEEP = "Reaction ~ Days + (Days | Subject)"

#: Model, data set, and the random effects asked for: ours and lme4's.
AS_LME4 = {
    "all": (SLEEP, "sleepstudy", "all", "NULL"),
    "none": (SLEEP, "sleepstudy", "none", "NA"),
    "intercepts": (SLEEP, "sleepstudy", "(1 | Subject)", "~(1 | Subject)"),
    "slopes": (SLEEP, "sleepstudy", "~ (0 + Days | Subject)", "~(0 + Days | Subject)"),
    "one of two terms": (
        "Reaction ~ Days + (Days || Subject)", "sleepstudy", "(1 | Subject)", "~(1 | Subject)",
    ),
    "one of two factors": (
        "strength ~ 1 + (1 | batch/cask)", "pastes", ["batch"], "~(1 | batch)",
    ),
    "crossed": (
        "diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin", ["sample"], "~(1 | sample)",
    ),
    "factor and ordered": (
        "angle ~ recipe*temperature + (1 | recipe:replicate)", "cake", "all", "NULL",
    ),
}  # fmt: skip
NAMES = {"sleepstudy": "sleepstudy", "pastes": "Pastes", "penicillin": "Penicillin", "cake": "cake"}


@cache
def fitted(formula, name, engine="numpy", **options):
    return pylme.lmer(formula, pylme.datasets.load(name), engine=engine, **options)


@pytest.fixture(scope="module")
def of_lme4():
    """lme4's predictions of rows of its data, by one call."""
    calls = [
        f"unname(predict(lmer({formula}, {NAMES[name]}), {NAMES[name]}[1:30, ], re.form = {form}))"
        for formula, name, _, form in AS_LME4.values()
    ]
    return dict(zip(AS_LME4, native(f"list({', '.join(calls)})"), strict=True))


@pytest.mark.needs_r
@pytest.mark.parametrize("case", AS_LME4)
def test_means_are_those_of_lme4(case, of_lme4):
    formula, name, random, _ = AS_LME4[case]
    data = pylme.datasets.load(name)
    made = fitted(formula, name, "lme4").predict(data.iloc[:30], random=random)
    # Their modes are those of the PLS solution at the same theta.
    np.testing.assert_allclose(made, of_lme4[case], rtol=1e-10)


@pytest.mark.parametrize("random", ["all", "none", "(1 | Subject)"])
def test_without_new_data_the_rows_are_those_of_the_fit(random):
    data = pylme.datasets.load("sleepstudy")
    fit = fitted(SLEEP, "sleepstudy")
    pd.testing.assert_series_equal(
        fit.predict(random=random), fit.predict(data, random=random), rtol=1e-12
    )
    if random == "all":
        np.testing.assert_allclose(fit.predict(), fit.fitted, rtol=1e-14)


def test_only_the_columns_that_are_used_are_needed():
    fit = fitted(SLEEP, "sleepstudy")
    made = fit.predict({"Days": [0.0, 3.0]}, random="none", interval="prediction")
    assert len(made) == 2
    with pytest.raises(pylme.errors.UnknownColumnError):
        fit.predict({"Days": [0.0, 3.0]})
    nested = fitted("strength ~ 1 + (1 | batch/cask)", "pastes")
    assert len(nested.predict({"batch": ["A", "B"]}, random=["batch"])) == 2


def test_a_row_without_a_predictor_is_nan():
    fit = fitted(SLEEP, "sleepstudy")
    rows = pd.DataFrame(
        {"Days": [1.0, np.nan, 2.0], "Subject": ["308", "309", None]}, index=list("abc")
    )
    made = fit.predict(rows, interval="confidence")
    assert made.index.tolist() == list("abc")
    assert made["estimate"].notna().tolist() == [True, False, False]
    assert fit.predict(rows, random="none").notna().tolist() == [True, False, True]
    empty = fit.predict({"Days": [np.nan, np.nan]}, random="none", interval="confidence")
    assert empty.shape == (2, 5)
    assert empty.isna().all(axis=None)


def test_polars_in_polars_out():
    fit = fitted(SLEEP, "sleepstudy")
    rows = pl.DataFrame({"Days": [1, 2], "Subject": ["308", "new"]})
    made = fit.predict(rows, new_levels="population")
    assert isinstance(made, pl.Series)
    assert made.name == "estimate"
    table = fit.predict(rows, new_levels="population", interval="confidence")
    assert isinstance(table, pl.DataFrame)
    assert table["includes"].to_list() == ["fixed effects, Subject", "fixed effects, new Subject"]


def test_both_kinds_of_offset():
    data = pylme.datasets.load("sleepstudy")
    data["o"], data["extra"] = np.arange(len(data)) % 7, np.linspace(0, 5, len(data))
    formula = "Reaction ~ Days + offset(o) + (1 | Subject)"
    named = pylme.lmer(formula, data, offset="extra", engine="numpy")
    array = pylme.lmer(formula, data, offset=data["extra"].to_numpy(), engine="numpy")
    rows = data.iloc[[3, 40, 90]]
    expected = named.fitted.iloc[[3, 40, 90]]
    pd.testing.assert_series_equal(named.predict(rows), expected, check_names=False)
    given = array.predict(rows, offset=rows["extra"])
    np.testing.assert_allclose(given, expected, rtol=1e-12)
    with pytest.raises(OptionError, match="offset"):
        array.predict(rows)
    with pytest.raises(OptionError, match="newdata"):
        array.predict(offset="extra")


def test_levels_that_the_data_did_not_have():
    fit = fitted(SLEEP, "sleepstudy")
    rows = {"Days": [1.0, 1.0], "Subject": ["308", "999"]}
    with pytest.raises(ColumnValueError, match="999"):
        fit.predict(rows)
    made = fit.predict(rows, new_levels="population")
    np.testing.assert_allclose(made[1], fit.predict({"Days": [1.0]}, random="none")[0])


def dense_case():
    rng = np.random.default_rng(1)
    data = pylme.datasets.load("sleepstudy").iloc[np.sort(rng.permutation(180)[:110])].copy()
    data["w"] = rng.uniform(0.5, 2.0, len(data))
    data["f"] = rng.choice(list("abc"), len(data))
    fit = pylme.lmer(
        "Reaction ~ f + Days + (Days | Subject) + (1 | f:Subject)", data, weights="w",
        engine="numpy",
    )  # fmt: skip
    return fit, data, Dense(fit._model.linear_problem())


def test_standard_errors_are_those_of_the_definitions():
    fit, data, dense = dense_case()
    rows = data.iloc[[0, 17, 60]]
    made = fit.predict(rows, interval="confidence", ddf="normal")
    design = fit.design
    new = design.on(rows)
    for place, error in enumerate(made["std_error"]):
        phi, _ = dense.target(new.X[place], new.Z[[place]].toarray()[0])
        assert error == pytest.approx(np.sqrt(dense.sigma2 * phi), rel=1e-9)
    mean = fit.predict(rows, interval="confidence", random="none", ddf="normal")["std_error"]
    covariance = dense.sigma2 * dense.S_inv
    np.testing.assert_allclose(
        mean, np.sqrt(np.einsum("ij,jk,ik->i", new.X, covariance, new.X)), rtol=1e-9
    )
    # A new group adds its own variance, an observation that of its residual.
    fresh = rows.assign(Subject="new")
    options = {"new_levels": "population", "ddf": "normal"}
    of_mean = fit.predict(fresh, interval="confidence", **options)
    of_one = fit.predict(fresh, interval="prediction", weights=[1.0, 2.0, 4.0], **options)
    T = dense.factors(fit.theta)
    drawn = np.zeros(3)
    for term, factor in zip(design.on(rows).terms, T, strict=True):
        drawn += ((term.columns @ factor) ** 2).sum(axis=1)
    np.testing.assert_allclose(of_mean["std_error_without_new"], mean, rtol=1e-9)
    np.testing.assert_allclose(of_mean["std_error"] ** 2, mean**2 + dense.sigma2 * drawn, rtol=1e-9)
    np.testing.assert_allclose(
        of_one["std_error"] ** 2,
        of_mean["std_error"] ** 2 + dense.sigma2 / np.array([1.0, 2.0, 4.0]),
        rtol=1e-9,
    )
    assert set(of_one["includes"]) == {"fixed effects, new f:Subject, new Subject, residual"}


def test_an_observation_belongs_to_new_groups_of_what_is_left_out():
    fit = fitted(SLEEP, "sleepstudy")
    rows = {"Days": [0.0, 5.0]}
    left_out = fit.predict(rows, random="none", interval="prediction")
    new = fit.predict(
        {**rows, "Subject": ["x", "y"]}, new_levels="population", interval="prediction"
    )
    pd.testing.assert_frame_equal(left_out, new)


def test_balanced_one_way_observation_in_a_new_group_has_the_variance_of_the_textbook():
    # Dyestuff, 6 batches of 5: the mean square between batches estimates σ² + 5τ² with 5 df.
    fit = fitted("Yield ~ 1 + (1 | Batch)", "dyestuff")
    made = fit.predict({"Batch": ["x"]}, new_levels="population", interval="confidence")
    sigma2, tau2 = fit.sigma**2, fit.varcorr["Batch"].cov.iloc[0, 0]
    assert made["std_error"][0] == pytest.approx(np.sqrt(tau2 + (sigma2 + 5 * tau2) / 30), rel=1e-6)
    mean = fit.predict({"Batch": ["A"]}, random="none", interval="confidence")
    assert mean["df"][0] == pytest.approx(5.0, rel=1e-6)
    reach = stats.t.ppf(0.975, 5) * np.sqrt((sigma2 + 5 * tau2) / 30)
    assert mean["conf_high"][0] - mean["estimate"][0] == pytest.approx(reach, rel=1e-6)


def test_units_and_weights_change_no_degrees_of_freedom():
    data = pylme.datasets.load("sleepstudy")
    fit = fitted(SLEEP, "sleepstudy")
    rows = data.iloc[::40]
    first = fit.predict(rows, interval="prediction")
    scaled = data.assign(Reaction=data["Reaction"] * 1e-6, Days=data["Days"] * 1e4, w=4.0)
    other = pylme.lmer(SLEEP, scaled, weights="w", engine="numpy")
    second = other.predict(scaled.iloc[::40], interval="prediction", weights="w")
    np.testing.assert_allclose(second["df"], first["df"], rtol=1e-6)
    np.testing.assert_allclose(second["std_error"] * 1e6, first["std_error"], rtol=1e-6)


def test_an_ml_fit_is_refitted_by_reml_for_kenward_and_roger():
    ml = fitted(SLEEP, "sleepstudy", reml=False)
    reml = fitted(SLEEP, "sleepstudy")
    rows = pylme.datasets.load("sleepstudy").iloc[:12]
    for interval in ("confidence", "prediction"):
        pd.testing.assert_frame_equal(
            ml.predict(rows, interval=interval), reml.predict(rows, interval=interval), rtol=1e-6
        )


def test_what_the_data_do_not_determine_is_nan():
    data = pylme.datasets.load("sleepstudy")
    data["f"] = np.where(data["Days"] < 5, "a", "b")
    data["g"] = np.where(data["Subject"].astype(str) < "335", "u", "v")
    data = data[~((data["f"] == "b") & (data["g"] == "v"))]
    fit = pylme.lmer("Reaction ~ f*g + (1 | Subject)", data, engine="numpy")
    rows = {"f": ["a", "b", "a", "b"], "g": ["u", "u", "v", "v"]}
    with pytest.warns(RankDeficiencyWarning, match="1 prediction"):
        made = fit.predict(rows, random="none")
    assert made.isna().tolist() == [False, False, False, True]


def test_a_fit_from_json_is_refused_with_a_remedy():
    fit = pylme.from_json(fitted(SLEEP, "sleepstudy").to_json())
    with pytest.raises(NotAvailableError, match="Fit the model again"):
        fit.predict({"Days": [1.0]}, random="none")


def test_wrong_options():
    fit = fitted(SLEEP, "sleepstudy")
    with pytest.raises(UnknownNameError, match="Subject"):
        fit.predict(random=["subject"])
    for random in ("(x | Subject)", "(1 | Days)", 3, "(0 + Subject | Subject)"):
        with pytest.raises(OptionError, match="random"):
            fit.predict(random=random)
    for option in ("kind", "new_levels", "interval", "ddf"):
        with pytest.raises(OptionError, match=option):
            fit.predict(**{option: "x"})
    with pytest.raises(OptionError, match="conf_level"):
        fit.predict(conf_level=2.0)
    with pytest.raises(OptionError, match="weights"):
        fit.predict({"Days": [1.0]}, random="none", interval="prediction", weights=[-1.0])


@pytest.mark.needs_r
def test_generalized_models_on_both_scales():
    data = pylme.datasets.load("cbpp")
    fit = pylme.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)", data, family="binomial"
    )
    expected = native(
        """{
        m <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial)
        list(predict(m, cbpp), predict(m, cbpp, type = "response", re.form = NA),
             as.numeric(attr(ranef(m, condVar = TRUE)$herd, "postVar")))
        }"""
    )
    np.testing.assert_allclose(fit.predict(data, kind="link"), expected[0], rtol=1e-10)
    np.testing.assert_allclose(fit.predict(data, random="none"), expected[1], rtol=1e-10)
    link = fit.predict(data, random="none", kind="link", interval="confidence")
    X = fit.design.X
    np.testing.assert_allclose(
        link["std_error"], np.sqrt(np.einsum("ij,jk,ik->i", X, fit.vcov.to_numpy(), X)), rtol=1e-10
    )
    response = fit.predict(data, random="none", interval="confidence")
    mu = response["estimate"]
    np.testing.assert_allclose(response["std_error"], mu * (1 - mu) * link["std_error"])
    np.testing.assert_allclose(response["conf_low"], 1 / (1 + np.exp(-link["conf_low"])))
    assert np.isinf(response["df"]).all()
    with pytest.raises(OptionError, match="interval"):
        fit.predict(interval="prediction")
    with pytest.raises(NotAvailableError, match="normal"):
        fit.predict(interval="confidence", ddf="satterthwaite")
    # Given the fixed effects, the variance of a mode is lme4's conditional variance, whose working
    # weights are one iteration old.
    from pylme.families import family_of_name, row_derivatives
    from pylme.inference.prediction.generalized import WorkingModel

    design = fit.design
    w = row_derivatives(
        family_of_name("binomial", "logit"), np.zeros(len(data)),
        fit.predict(kind="link").to_numpy(), data["size"].to_numpy(),
    ).expected  # fmt: skip
    at_mode = WorkingModel(
        X=X, Zt=design.Zt, terms=design.terms, theta=fit.theta, weights=w,
        vcov=np.zeros((4, 4)), scale=1.0,
    )  # fmt: skip
    from scipy import sparse

    unit = sparse.csr_array(np.eye(len(expected[2])))
    np.testing.assert_allclose(
        at_mode.variances(np.zeros((len(expected[2]), 4)), unit), expected[2], rtol=2e-4
    )


@pytest.mark.needs_r
def test_a_decreasing_link_keeps_the_ends_in_order():
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": np.repeat(list("abcdefgh"), 12), "x": np.tile([0.0, 1.0, 2.0], 32)})
    mean = 1 / (1.0 + 0.3 * data["x"] + 0.1 * rng.normal(size=8).repeat(12))
    data["y"] = rng.gamma(5.0, mean / 5.0)
    fit = pylme.glmer("y ~ x + (1 | g)", data, family="Gamma")
    made = fit.predict({"x": [0.0, 2.0]}, random="none", interval="confidence")
    assert (made["conf_low"] < made["estimate"]).all()
    assert (made["estimate"] < made["conf_high"]).all()
