"""Many responses by one call: as lmerTest has them one by one, and as our own fits one by one."""

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.responses.adjustment import adjusted

pytestmark = pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")

SLEEP = pylme.datasets.load("sleepstudy")
CAKE = pylme.datasets.load("cake")
COLUMNS = ["estimate", "std_error", "df", "statistic", "p_value"]


def responses(data, y, count, seed=1):
    """The signal of the data, weaker and stronger, with noise; a few of them have singular fits."""
    rng = np.random.default_rng(seed)
    signal = data[y].to_numpy()[:, None] * rng.uniform(0.6, 1.0, count)
    noise = signal.std() * rng.uniform(0.05, 0.4, count)
    return signal + noise * rng.standard_normal(signal.shape)


MODELS = {
    "one factor": (SLEEP, "Reaction", "~ Days + (Days | Subject)"),
    "apart": (SLEEP, "Reaction", "~ Days + (Days || Subject)"),
    "crossed": (CAKE, "angle", "~ recipe + temp + (1 | recipe:replicate) + (1 | replicate)"),
}


def tables_of_r(folder, names, count):
    """The tables of lmerTest for so many responses, by model and method."""
    program = Path(__file__).with_name("lmertest.R")
    given = []
    for name in names:
        data, y, formula = MODELS[name]
        Y = pd.DataFrame(responses(data, y, count), columns=[f"y{i}" for i in range(count)])
        file = folder / f"{name}.csv"
        pd.concat([data.reset_index(drop=True), Y], axis=1).to_csv(file, index=False)
        given += [name, file, formula]
    subprocess.run(
        ["Rscript", "--vanilla", program, folder / "tables.csv", *given],
        check=True, capture_output=True,
    )  # fmt: skip
    return pd.read_csv(folder / "tables.csv")


@pytest.fixture(scope="module")
def lmertest(tmp_path_factory):
    return tables_of_r(tmp_path_factory.mktemp("lmertest"), ("one factor", "crossed"), 5)


@pytest.mark.needs_r
@pytest.mark.parametrize("name", ["one factor", "crossed"])
@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger"])
def test_as_lmertest(lmertest, name, ddf):
    data, y, formula = MODELS[name]
    theirs = lmertest[(lmertest["model"] == name) & (lmertest["ddf"].str.lower() == ddf)]
    names = [f"y{i}" for i in range(5)]
    many = pylme.lmer_many(formula, data, responses(data, y, 5), response_names=names, ddf=ddf)
    ours = many.to_frame()
    assert ours["term"].tolist() == theirs["term"].tolist()
    # At a singular fit Kenward and Roger's method depends on the units of theta in pbkrtest.
    regular = ~theirs["singular"].to_numpy()
    assert regular.sum() >= 6
    for column, own in zip(COLUMNS, lmertest.columns[4:9], strict=True):
        np.testing.assert_allclose(
            ours[column][regular], theirs[own][regular], rtol=2e-4, atol=1e-8, err_msg=column
        )


@pytest.mark.simulation
@pytest.mark.needs_r
def test_two_hundred_as_lmertest(tmp_path):
    data, y, formula = MODELS["one factor"]
    theirs = tables_of_r(tmp_path, ["one factor"], 200)
    theirs = theirs[theirs["ddf"] == "Satterthwaite"]
    names = [f"y{i}" for i in range(200)]
    ours = pylme.lmer_many(formula, data, responses(data, y, 200), response_names=names).to_frame()
    assert ours["response"].tolist() == theirs["response"].tolist()
    # Of the six that are singular, lme4's search stops five times where the first variance is zero
    # and the criterion is not the lowest. The degrees of freedom of y79 are wrong: see below.
    regular = ~theirs["singular"].to_numpy() & (theirs["response"] != "y79").to_numpy()
    assert regular.sum() == 2 * 193
    for column, own in zip(COLUMNS, theirs.columns[4:9], strict=True):
        np.testing.assert_allclose(
            ours[column][regular], theirs[own][regular], rtol=2e-5, atol=1e-8, err_msg=column
        )


def test_degrees_of_freedom_in_closed_form():
    """In balanced data with as many random as fixed effects they are one less than the groups.

    The coefficients of each group by least squares have the covariance Φ = Σ + σ²(XᵀX)⁻¹, which
    REML estimates, in the interior, by their covariance over the groups: a Wishart matrix. lmerTest
    has 17.017 for the response y79, whose estimate of theta_2 is 2.5e-5: numDeriv takes steps in
    proportion to a parameter, here of 2.5e-9, at which its differences are rounding errors.
    """
    data, y, formula = MODELS["one factor"]
    many = pylme.lmer_many(formula, data, responses(data, y, 200))
    interior = (many.status["status"] == "converged").to_numpy()
    assert interior.sum() == 199
    assert interior[79]
    df = many.to_frame()["df"].to_numpy().reshape(200, 2)
    assert df[interior] == pytest.approx(data["Subject"].nunique() - 1, rel=1e-9)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_as_one_by_one(name, reml):
    data, y, formula = MODELS[name]
    Y = responses(data, y, 4, seed=2)
    many = pylme.lmer_many(formula, data, Y, reml=reml)
    table, parts = many.to_frame(), many.variance_components()
    for i in range(4):
        fit = pylme.lmer(f"y {formula}", data.assign(y=Y[:, i]), reml=reml, engine="numpy")
        own = table[table["response"] == str(i + 1)]
        alone = fit.coef_test().to_frame()
        np.testing.assert_allclose(own[COLUMNS], alone[COLUMNS], rtol=1e-4, atol=1e-9)
        assert parts["criterion"][i] == pytest.approx(fit.criterion, abs=1e-8)
        assert parts["sigma"][i] == pytest.approx(fit.sigma, rel=1e-5)
        assert many.status["status"][i] == fit.convergence.status.value
        assert own["conf_low"].to_numpy() == pytest.approx(alone["conf_low"].to_numpy(), rel=1e-4)


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger", "normal"])
def test_f_tests_as_one_by_one(ddf):
    Y = responses(CAKE, "angle", 3)
    formula = "~ recipe + temp + (1 | recipe:replicate)"
    many = pylme.lmer_many(formula, CAKE, Y, ddf=ddf)
    found = many.test("recipe")
    single = many.test("recipeB = recipeC")
    for i in range(3):
        fit = pylme.lmer(f"y {formula}", CAKE.assign(y=Y[:, i]), engine="numpy")
        alone = fit.test("recipe", ddf=ddf)
        statistic = alone.statistic / (alone.df_num if alone.name == "chisq" else 1)
        assert found["statistic"][i] == pytest.approx(statistic, rel=1e-6)
        assert found["df"][i] == pytest.approx(alone.df, rel=1e-6)
        assert found["p_value"][i] == pytest.approx(alone.p_value, rel=1e-5)
        assert found["df_num"][i] == 2
        row = fit.test("recipeB = recipeC", ddf=ddf).rows.to_frame()
        np.testing.assert_allclose(
            single.loc[[i], COLUMNS].to_numpy(), row[COLUMNS].to_numpy(), rtol=1e-5
        )


def test_missing_values_leave_out_rows_of_their_response():
    formula = "~ recipe + temp + (1 | replicate)"
    Y = responses(CAKE, "angle", 6)
    rng = np.random.default_rng(3)
    Y[rng.random(270) < 0.2, 1] = np.nan
    Y[:, 3] = np.where(rng.random(270) < 0.3, np.nan, Y[:, 3])
    # Recipe C is not in the data of this response.
    Y[(CAKE["recipe"] == "C").to_numpy(), 4] = np.nan
    many = pylme.lmer_many(formula, CAKE, Y)
    table = many.to_frame()
    for i in (0, 1, 3, 5):
        rows = np.isfinite(Y[:, i])
        fit = pylme.lmer(f"y {formula}", CAKE.assign(y=Y[:, i])[rows], engine="numpy")
        own = table[table["response"] == str(i + 1)]
        np.testing.assert_allclose(own[COLUMNS], fit.coef_test().to_frame()[COLUMNS], rtol=1e-4)
        assert many.status["rows"][i] == rows.sum()
    own = table[table["response"] == "5"].set_index("term")
    assert np.isnan(own.loc["recipeC", "estimate"])
    assert np.isfinite(own.loc[["(Intercept)", "recipeB", "temp"], COLUMNS]).all(axis=None)
    assert np.isnan(many.test("recipe")["p_value"][4])


def test_a_response_that_cannot_be_fitted_costs_no_other():
    formula = "~ Days + (Days | Subject)"
    Y = responses(SLEEP, "Reaction", 7)
    Y[:, 1] = 3.0
    Y[:, 2] = np.nan
    Y[5, 3] = np.inf
    Y[8:, 4] = np.nan
    Y[:, 5] = 2.0 * SLEEP["Days"] + 1.0
    many = pylme.lmer_many(formula, SLEEP, Y)
    status = many.status
    assert status["status"].tolist()[1:6] == ["failed"] * 5
    assert (status["message"][1:6] != "").all()
    table = many.to_frame().set_index("response")
    assert table.loc[["2", "3", "4", "5", "6"], "estimate"].isna().all()
    sound = pylme.lmer_many(formula, SLEEP, Y[:, [0, 6]]).to_frame()
    np.testing.assert_allclose(table.loc[["1", "7"], COLUMNS], sound[COLUMNS], rtol=1e-6)
    assert "5 failed" in repr(many)


@pytest.mark.parametrize("name", ["one factor", "crossed"])
def test_weights_of_each_response(name):
    data, y, formula = MODELS[name]
    rng = np.random.default_rng(4)
    Y = responses(data, y, 4)
    W = rng.uniform(0.5, 4.0, Y.shape) * rng.uniform(0.01, 50.0, 4)
    Y[7, 1] = W[7, 1] = np.nan
    Y[:, 3] = 1.0
    many = pylme.lmer_many(formula, data, Y, weights=W)
    table, parts = many.to_frame(), many.variance_components()
    for i in range(3):
        rows = np.isfinite(Y[:, i])
        fit = pylme.lmer(
            f"y {formula}", data.assign(y=Y[:, i])[rows], weights=W[rows, i], engine="numpy"
        )
        own = table[table["response"] == str(i + 1)]
        np.testing.assert_allclose(own[COLUMNS], fit.coef_test().to_frame()[COLUMNS], rtol=1e-3)
        assert parts["criterion"][i] == pytest.approx(fit.criterion, abs=1e-7)
        assert parts["sigma"][i] == pytest.approx(fit.sigma, rel=1e-5)
        np.testing.assert_allclose(many.estimates.theta[i], fit.theta, rtol=1e-3, atol=1e-5)
    assert many.status["status"][3] == "failed"


def test_equal_weights_of_each_response_are_those_of_rows():
    formula = "~ Days + (Days | Subject)"
    Y = responses(SLEEP, "Reaction", 3)
    w = np.random.default_rng(5).uniform(0.5, 3.0, 180)
    shared = pylme.lmer_many(formula, SLEEP, Y, weights=w)
    own = pylme.lmer_many(formula, SLEEP, Y, weights=np.tile(w[:, None], 3))
    np.testing.assert_allclose(own.to_frame()[COLUMNS], shared.to_frame()[COLUMNS], rtol=1e-4)


def test_what_the_data_do_not_identify():
    frame = CAKE.assign(f=(CAKE["replicate"].astype(int) % 2).astype(str))
    many = pylme.lmer_many("~ temp + (f | replicate)", frame, responses(CAKE, "angle", 2))
    assert set(many.status["status"]) == {"not identified"}
    assert (many.status["message"] != "").all()


def test_rows_without_a_predictor_are_left_out_of_all():
    data = SLEEP.assign(Days=SLEEP["Days"].where(SLEEP.index % 7 != 3))
    Y = responses(SLEEP, "Reaction", 2)
    with pytest.warns(pylme.errors.MissingRowsWarning):
        many = pylme.lmer_many("~ Days + (1 | Subject)", data, Y)
    used = data["Days"].notna().to_numpy()
    other = pylme.lmer_many("~ Days + (1 | Subject)", SLEEP[used], Y[used])
    pd.testing.assert_frame_equal(many.to_frame(), other.to_frame())


def test_adjusted_p_values():
    # Of .01, .02, .03 and .04 by p.adjust of R.
    p = np.array([0.01, 0.02, np.nan, 0.03, 0.04])
    expected = {
        "bh": [0.04, 0.04, np.nan, 0.04, 0.04],
        "by": [1 / 12, 1 / 12, np.nan, 1 / 12, 1 / 12],
        "holm": [0.04, 0.06, np.nan, 0.06, 0.06],
        "bonferroni": [0.04, 0.08, np.nan, 0.12, 0.16],
        "none": p,
    }
    for how, right in expected.items():
        np.testing.assert_allclose(adjusted(p, how), right, rtol=1e-12)
    assert np.isnan(adjusted(np.full(3, np.nan), "bh")).all()
