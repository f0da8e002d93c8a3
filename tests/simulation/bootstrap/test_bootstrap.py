"""The parametric bootstrap, against sampling distributions in closed form and refits one by one."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

import pylme
from pylme.errors import NotAvailableError, OptionError, ResponseError

pytestmark = pytest.mark.filterwarnings(
    "ignore::pylme.errors.FitWarning", "ignore::pylme.errors.MissingRowsWarning"
)

FORMULA = "Reaction ~ Days + (Days | Subject)"
SLEEP = pylme.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def fit():
    return pylme.lmer(FORMULA, SLEEP, engine="numpy")


@pytest.fixture(scope="module")
def boot(fit):
    return fit.bootstrap(1500, seed=1)


@pytest.fixture(scope="module")
def one_way():
    """10 batches of 5, so far from each other that no replicate is singular."""
    grid = pylme.expand_grid(unit=range(5), batch=range(10))
    drawn = pylme.simulate(
        "y ~ 1 + (1 | batch)", grid, beta=3, sigma=2, covariances={"sd": 9}, seed=4
    )
    return pylme.lmer("y ~ 1 + (1 | batch)", drawn.to_frame(), engine="numpy")


@pytest.fixture(scope="module")
def boot_of_one_way(one_way):
    return one_way.bootstrap(4000, seed=9)


def labels_of(fit):
    tidy = fit.tidy()
    return [
        "sigma" if group == "Residual" else term if pd.isna(group) else f"{term} | {group}"
        for group, term in zip(tidy["group"], tidy["term"], strict=True)
    ]


def test_balanced_data_in_closed_form(one_way, boot_of_one_way):
    """MSW and MSB are independent multiples of χ²: sigma² = MSW, and 5 tau² = MSB - MSW."""
    n, found = 4000, boot_of_one_way
    assert found.n_converged == len(found) == n
    sigma = found.replicates["sigma"]
    chi = stats.chi(40, scale=one_way.sigma / np.sqrt(40))
    assert found.std_error["sigma"] == pytest.approx(chi.std(), rel=5 / np.sqrt(2 * n))
    assert abs(found.bias["sigma"] - (chi.mean() - one_way.sigma)) < 5 * chi.std() / np.sqrt(n)
    row = found.intervals(conf_level=0.9).loc["sigma"]
    for limit, place in ((row["conf_low"], 0.05), (row["conf_high"], 0.95)):
        error = np.sqrt(0.05 * 0.95 / n) / chi.pdf(chi.ppf(place))
        assert abs(limit - chi.ppf(place)) < 5 * error
    between = 5 * one_way.varcorr["batch"].sd["(Intercept)"] ** 2 + one_way.sigma**2
    msb = 5 * found.replicates["sd__(Intercept) | batch"] ** 2 + sigma**2
    assert stats.kstest(msb / between * 9, stats.chi2(9).cdf).pvalue > 1e-4
    assert stats.kstest(sigma**2 / one_way.sigma**2 * 40, stats.chi2(40).cdf).pvalue > 1e-4
    normal = stats.norm(one_way.fixef["(Intercept)"], np.sqrt(between / 50))
    assert stats.kstest(found.replicates["(Intercept)"], normal.cdf).pvalue > 1e-4


def test_bca_of_sigma_is_near_the_exact_interval(one_way, boot_of_one_way):
    row = boot_of_one_way.intervals("bca", conf_level=0.9).loc["sigma"]
    exact = one_way.sigma * np.sqrt(40 / stats.chi2.ppf([0.95, 0.05], 40))
    np.testing.assert_allclose([row["conf_low"], row["conf_high"]], exact, rtol=0.015)


def test_each_replicate_is_a_fit_to_what_was_drawn(fit, boot):
    drawn = boot.simulator.draw(1500, seed=boot.seeds.entropy)
    for i in (0, 700, 1499):
        again = pylme.lmer(FORMULA, drawn.to_frame(i), engine="numpy")
        np.testing.assert_allclose(boot.replicates.loc[i], again.tidy()["estimate"], rtol=1e-4)
        assert boot.fits["criterion"][i] == pytest.approx(again.criterion, rel=1e-9)
    assert boot.n_singular == boot.fits["singular"].sum() > 0
    assert boot.n_converged == 1500 - boot.n_singular
    assert boot.n_failed == len(boot.failures) == 0


def test_names_and_estimates_are_those_of_tidy(fit, boot):
    assert boot.estimates.index.tolist() == labels_of(fit) == boot.replicates.columns.tolist()
    np.testing.assert_allclose(boot.estimates, fit.tidy()["estimate"], rtol=1e-15)
    frame = boot.to_frame()
    assert frame.columns.tolist() == ["estimate", "bias", "std_error", "n"]
    assert frame["n"].drop("cor__(Intercept).Days | Subject").eq(1500).all()
    np.testing.assert_allclose(frame["bias"], boot.replicates.mean() - boot.estimates)
    text = str(boot)
    assert "1500 replicates by numpy" in text
    assert f"0 fits failed, {boot.n_singular} are singular" in text
    assert "cor__(Intercept).Days | Subject" in text


def test_standard_errors_are_those_that_theory_gives(fit, boot):
    """Within 10 %: of 1500 replicates they have a standard error of 2 %."""
    ratio = boot.std_error[["(Intercept)", "Days"]] / fit.coef_table["std_error"]
    np.testing.assert_allclose(ratio, 1, atol=0.1)
    assert boot.std_error["sigma"] == pytest.approx(fit.sigma / np.sqrt(2 * 144), rel=0.1)


def test_intervals_are_quantiles_of_the_replicates(boot):
    percentile = boot.intervals(conf_level=0.9)
    days = boot.replicates["Days"]
    assert percentile.loc["Days", "conf_low"] == pytest.approx(days.quantile(0.05), abs=0.02)
    basic = boot.intervals("basic", conf_level=0.9)
    np.testing.assert_allclose(
        basic["conf_low"] + percentile["conf_high"], 2 * boot.estimates, rtol=1e-12
    )
    bca = boot.intervals("bca", conf_level=0.9)
    assert (bca["conf_low"] < bca["estimate"]).all()
    assert (bca["estimate"] < bca["conf_high"]).all()


def test_a_covariate_may_have_the_name_of_a_parameter():
    grid = pylme.expand_grid(sigma=range(5), g=range(10))
    drawn = pylme.simulate("y ~ sigma + (1 | g)", grid, beta=[1, 2], sigma=1,
                           covariances={"sd": 1}, seed=1)  # fmt: skip
    fit = pylme.lmer("y ~ sigma + (1 | g)", drawn.to_frame(), engine="numpy")
    found = fit.bootstrap(50, seed=1)
    assert found.estimates.index.tolist() == [
        "(Intercept)", "sigma", "sd__(Intercept) | g", "sigma",
    ]  # fmt: skip
    intervals = found.intervals("bca")
    assert (intervals["conf_low"] < intervals["estimate"]).all()
    assert abs(found.to_frame()["bias"]).max() < 0.5
    assert "2.5 %" in str(found)


def test_the_method_weights_offset_and_missing_rows_are_kept():
    data = SLEEP.assign(w=np.linspace(0.5, 2, 180), off=np.linspace(0, 50, 180))
    data.loc[[3, 17], "Days"] = np.nan
    data.loc[40, "Reaction"] = np.nan
    for reml in (True, False):
        fit = pylme.lmer(FORMULA, data, reml=reml, weights="w", offset=data["off"], engine="numpy")
        found = fit.bootstrap(3, seed=5)
        again = pylme.lmer(
            FORMULA, data.assign(Reaction=found.simulator.draw(3, seed=5).y[:, 2]), reml=reml,
            weights="w", offset=data["off"], engine="numpy",
        )  # fmt: skip
        assert again.nobs == fit.nobs == 177
        assert found.fits["criterion"][2] == pytest.approx(again.criterion, rel=1e-9)
        np.testing.assert_allclose(found.replicates.loc[2], again.tidy()["estimate"], rtol=1e-4)


def test_crossed_factors():
    formula = "diameter ~ 1 + (1 | plate) + (1 | sample)"
    fit = pylme.lmer(formula, pylme.datasets.load("penicillin"), engine="numpy")
    found = fit.bootstrap(30, seed=1)
    assert found.estimates.index.tolist() == labels_of(fit)
    again = pylme.lmer(formula, found.simulator.draw(1, seed=1).to_frame(), engine="numpy")
    np.testing.assert_allclose(found.replicates.loc[0], again.tidy()["estimate"], rtol=1e-5)
    assert found.intervals("bca").notna().all(axis=None)


def own_numbers(fit):
    sd = fit.varcorr["Subject"].sd
    return {"icc": sd.iloc[0] ** 2 / (sd.iloc[0] ** 2 + fit.sigma**2),
            "twice": 2 * fit.fixef["Days"], "spread": fit.residuals.std()}  # fmt: skip


def test_a_statistic_of_ones_own(fit, boot):
    found = fit.bootstrap(60, seed=1, statistic=own_numbers)
    assert found.estimates.index.tolist() == [*labels_of(fit), "icc", "twice", "spread"]
    assert found.estimates.iloc[-3:].to_dict() == own_numbers(fit)
    r = found.replicates
    np.testing.assert_allclose(r.iloc[:, :6], boot.replicates[:60], rtol=5e-4, atol=5e-4)
    variance = r["sd__(Intercept) | Subject"] ** 2
    np.testing.assert_allclose(r["icc"], variance / (variance + r["sigma"] ** 2))
    np.testing.assert_array_equal(r["twice"], 2 * r["Days"])
    a = found.acceleration
    assert a["twice"] == pytest.approx(0, abs=1e-12)
    assert 0 < a["icc"] < a["sd__(Intercept) | Subject"]
    intervals = found.intervals("bca")
    np.testing.assert_allclose(
        intervals.loc["twice"].to_numpy(), 2 * intervals.loc["Days"].to_numpy()
    )


def test_a_statistic_that_fails_is_a_row_with_its_error(fit):
    def sometimes(again):
        if again.sigma < 25:
            raise ArithmeticError("too small")
        return {"one": 1.0}

    found = fit.bootstrap(30, seed=1, statistic=sometimes)
    failed = found.replicates.isna().all(axis=1).to_numpy()
    assert 0 < failed.sum() == found.n_failed < 30
    assert found.failures["error"].unique().tolist() == ["ArithmeticError: too small"]
    assert found.failures["replicate"].tolist() == np.flatnonzero(failed).tolist()
    assert found.to_frame().loc["sigma", "n"] == 30 - found.n_failed
    assert found.intervals("bca").loc["one"].tolist() == [1.0, 1.0, 1.0]
    assert f"{found.n_failed} failed" in repr(found)


def test_nothing_but_failures(fit):
    asked = []

    def once(again):
        asked.append(again)
        if len(asked) > 1:
            raise ArithmeticError("no")
        return {"one": 1.0}

    found = fit.bootstrap(3, seed=1, statistic=once)
    assert found.n_failed == 3
    assert found.to_frame()[["bias", "std_error"]].isna().all(axis=None)
    for kind in ("percentile", "basic", "bca"):
        assert found.intervals(kind)[["conf_low", "conf_high"]].isna().all(axis=None)


def test_a_seed_says_all(fit, boot):
    np.testing.assert_array_equal(fit.bootstrap(1500, seed=1).replicates, boot.replicates)
    few = fit.bootstrap(7, seed=np.random.SeedSequence(1))
    np.testing.assert_allclose(few.replicates, boot.replicates[:7], rtol=1e-5, atol=1e-5)
    unsaid = fit.bootstrap(3)
    again = fit.bootstrap(3, seed=unsaid.seeds.entropy)
    np.testing.assert_array_equal(unsaid.replicates, again.replicates)
    kept = pickle.loads(pickle.dumps(boot))
    np.testing.assert_array_equal(kept.intervals("bca"), boot.intervals("bca"))


def test_workers_change_nothing(fit):
    alone = fit.bootstrap(12, seed=3, statistic=own_numbers)
    with joblib.parallel_config("loky", n_jobs=2):
        together = fit.bootstrap(12, seed=3, statistic=own_numbers)
    np.testing.assert_array_equal(alone.replicates, together.replicates)


def test_progress_is_shown_where_it_is_asked_for(fit, capsys):
    fit.bootstrap(3, seed=1, progress=True)
    assert "bootstrap: 100%" in capsys.readouterr().err
    fit.bootstrap(3, seed=1)
    assert capsys.readouterr() == ("", "")


@pytest.fixture(scope="module")
def by_lme4():
    return pylme.lmer(FORMULA, SLEEP, control=pylme.LmerControl(optimizer="bobyqa"))


@pytest.mark.needs_r
def test_lme4_fits_again_with_the_control_of_the_fit(by_lme4):
    found = by_lme4.bootstrap(4, seed=1)
    assert found.engine == "lme4"
    drawn = pylme.simulate(by_lme4, n=4, seed=1)
    for i in range(4):
        control = pylme.LmerControl(optimizer="bobyqa")
        lmer = pylme.lmer(FORMULA, drawn.to_frame(i), control=control)
        np.testing.assert_allclose(found.replicates.loc[i], lmer.tidy()["estimate"], rtol=1e-12)


@pytest.mark.needs_r
def test_lme4_and_numpy_find_the_same_replicates_whoever_fitted_the_model(fit, by_lme4):
    theirs = by_lme4.bootstrap(8, seed=1)
    assert theirs.n_failed == 0
    for other in (
        by_lme4.bootstrap(8, seed=1, engine="numpy"), fit.bootstrap(8, seed=1, engine="lme4"),
    ):  # fmt: skip
        np.testing.assert_allclose(theirs.replicates, other.replicates, rtol=2e-3, atol=2e-3)
        np.testing.assert_allclose(theirs.fits["criterion"], other.fits["criterion"], atol=1e-4)


@pytest.mark.needs_r
@pytest.mark.parametrize(
    "formula", ["Reaction ~ 0 + (1 | Subject)", "Reaction ~ 0 + (Days | Subject)"]
)
def test_a_model_without_fixed_effects(formula):
    """The replicates of both engines are those of refits to what was drawn."""
    fits = {engine: pylme.lmer(formula, SLEEP, engine=engine) for engine in ("lme4", "numpy")}
    found = {engine: fit.bootstrap(4, seed=1) for engine, fit in fits.items()}
    for engine, fit in fits.items():
        assert found[engine].n_failed == 0
        assert list(found[engine].estimates.index) == labels_of(fit)
        drawn = pylme.simulate(fit, n=4, seed=1)
        for i in range(4):
            again = pylme.lmer(formula, drawn.to_frame(i), engine=engine)
            np.testing.assert_allclose(
                found[engine].replicates.loc[i], again.tidy()["estimate"], rtol=1e-6
            )
        for kind in ("percentile", "bca"):
            assert found[engine].intervals(kind).shape == (len(labels_of(fit)), 3)
    np.testing.assert_allclose(found["lme4"].replicates, found["numpy"].replicates, rtol=1e-3)


@pytest.mark.needs_r
def test_workers_of_lme4_change_nothing(by_lme4):
    alone = by_lme4.bootstrap(12, seed=1, statistic=own_numbers)
    together = by_lme4.bootstrap(12, seed=1, statistic=own_numbers, n_jobs=2)
    np.testing.assert_array_equal(alone.replicates, together.replicates)


@pytest.mark.needs_r
def test_a_response_that_is_an_expression_is_drawn_as_it_is():
    """It has no value in one row, which is left out."""
    data = SLEEP.assign(Reaction=SLEEP["Reaction"].where(SLEEP.index != 5, -1.0))
    formula = FORMULA.replace("Reaction", "log(Reaction)")
    with np.errstate(invalid="ignore"):
        by_lme4 = pylme.lmer(formula, data)
        found = [
            by_lme4.bootstrap(4, seed=1, statistic=own_numbers, engine=engine)
            for engine in ("lme4", "numpy")
        ]
        batch = by_lme4.bootstrap(4, seed=1, engine="numpy")
        again = pylme.lmer(formula, data, engine="numpy").bootstrap(4, seed=1, engine="lme4")
        drawn = pylme.simulate(by_lme4, n=4, seed=1)
    assert by_lme4.nobs == 179
    assert found[0].n_failed == found[1].n_failed == 0
    np.testing.assert_allclose(*(one.replicates for one in found), rtol=2e-3, atol=2e-3)
    for other in (batch, again):
        np.testing.assert_allclose(found[0].replicates.iloc[:, :6], other.replicates, atol=2e-3)
    by_hand = pylme.lmer("y ~ Days + (Days | Subject)", data.assign(y=drawn.y[:, 2]))
    np.testing.assert_allclose(found[0].replicates.loc[2, ["(Intercept)", "Days"]], by_hand.fixef)
    with pytest.raises(ResponseError, match="an expression, not a column"):
        pylme.study(by_lme4, {"a": "Reaction ~ 1 + (1 | Subject)"}, n=1)


def test_what_cannot_be_done_is_refused(fit, boot):
    for changes, words in [
        ({"n": 0}, "a whole number from 1"),
        ({"engine": "r"}, "Allowed: 'auto', 'lme4', 'numpy'"),
        ({"statistic": 1}, "a function of a fit"),
        ({"seed": -1}, "0 or more"),
    ]:
        with pytest.raises(OptionError, match=words):
            fit.bootstrap(**changes)
    with pytest.raises(OptionError, match="Allowed: 'percentile', 'basic', 'bca'"):
        boot.intervals("normal")
    with pytest.raises(OptionError, match="between 0 and 1"):
        boot.intervals(conf_level=1)
    with pytest.raises(NotAvailableError, match="came from JSON"):
        pylme.from_json(fit.to_json()).bootstrap(5)


def test_frames_come_in_the_library_of_the_data():
    sleepstudy = pylme.datasets.load("sleepstudy").rename(columns={"Days": "sigma"})
    boots = [
        pylme.lmer("Reaction ~ sigma + (1 | Subject)", data, engine="numpy").bootstrap(5, seed=1)
        for data in (sleepstudy, pl.from_pandas(sleepstudy.astype({"Subject": str})))
    ]
    for name in ("replicates", "fits", "failures"):
        in_pandas, own = (getattr(boot, name) for boot in boots)
        assert isinstance(own, pl.DataFrame)
        assert own.shape == in_pandas.shape
    assert boots[1].replicates.columns[-1] == "sigma."
    np.testing.assert_allclose(boots[1].replicates.to_numpy(), boots[0].replicates.to_numpy())
    for table in (lambda boot: boot.to_frame(), lambda boot: boot.intervals("basic")):
        in_pandas, own = map(table, boots)
        assert own.columns == ["parameter", *in_pandas.columns]
        assert own["parameter"].to_list() == in_pandas.index.tolist()
        np.testing.assert_allclose(own.drop("parameter").to_numpy(), in_pandas.to_numpy())
    assert str(boots[0]) == str(boots[1])
