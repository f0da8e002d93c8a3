"""The parametric bootstrap against sampling distributions in closed form, and fit by fit."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import pylme
from pylme.errors import NotAvailableError, OptionError
from tests.tolerances import CARRIED

pytestmark = pytest.mark.filterwarnings(
    "ignore::pylme.errors.FitWarning", "ignore::pylme.errors.MissingRowsWarning"
)

FORMULA = "Reaction ~ Days + (Days | Subject)"
SLEEP = pylme.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def fit():
    return pylme.lmer(FORMULA, SLEEP, engine="numpy")


@pytest.fixture(scope="module")
def found(fit):
    return fit.bootstrap(400, seed=1)


def labels_of(fit):
    tidy = fit.tidy()
    return [
        "sigma" if group == "Residual" else term if pd.isna(group) else f"{term} | {group}"
        for group, term in zip(tidy["group"], tidy["term"], strict=True)
    ]


@pytest.fixture(scope="module")
def one_way():
    """10 batches of 5, so far from each other that no replicate is singular."""
    grid = pylme.expand_grid(unit=range(5), batch=range(10))
    drawn = pylme.simulate(
        "y ~ 1 + (1 | batch)", grid, beta=3, sigma=2, covariances={"sd": 9}, seed=4
    )
    return pylme.lmer("y ~ 1 + (1 | batch)", drawn.to_frame(), engine="numpy")


def test_balanced_data_in_closed_form(one_way):
    """MSW and MSB are independent multiples of χ²: sigma² = MSW, and 5 tau² = MSB - MSW."""
    n = 4000
    found = one_way.bootstrap(n, seed=9, statistic=None)
    assert found.n_converged == n
    sigma = found.to_frame()["sigma"]
    chi = stats.chi(40, scale=one_way.sigma / np.sqrt(40))
    assert found.std_error["sigma"] == pytest.approx(chi.std(), rel=5 / np.sqrt(2 * n))
    assert abs(found.bias["sigma"] - (chi.mean() - one_way.sigma)) < 5 * chi.std() / np.sqrt(n)
    interval = found.interval(0.9).set_index("name").loc["sigma"]
    for limit, place in ((interval["low"], 0.05), (interval["high"], 0.95)):
        error = np.sqrt(0.05 * 0.95 / n) / chi.pdf(chi.ppf(place))
        assert abs(limit - chi.ppf(place)) < 5 * error
    between = 5 * one_way.varcorr["batch"].sd["(Intercept)"] ** 2 + one_way.sigma**2
    msb = 5 * found.to_frame()["sd__(Intercept) | batch"] ** 2 + sigma**2
    assert stats.kstest(msb / between * 9, stats.chi2(9).cdf).pvalue > 1e-4
    assert stats.kstest(sigma**2 / one_way.sigma**2 * 40, stats.chi2(40).cdf).pvalue > 1e-4
    mean = found.to_frame()["(Intercept)"]
    normal = stats.norm(one_way.fixef["(Intercept)"], np.sqrt(between / 50))
    assert stats.kstest(mean, normal.cdf).pvalue > 1e-4


def test_bca_of_sigma_is_near_the_exact_interval(one_way):
    found = one_way.bootstrap(4000, seed=9)
    row = found.interval(0.9, "bca").set_index("name").loc["sigma"]
    exact = one_way.sigma * np.sqrt(40 / stats.chi2.ppf([0.95, 0.05], 40))
    np.testing.assert_allclose([row["low"], row["high"]], exact, rtol=0.015)


def test_names_and_estimates_are_those_of_tidy(fit, found):
    assert list(found.names) == labels_of(fit)
    np.testing.assert_allclose(found.estimates, fit.tidy()["estimate"], rtol=1e-15)
    assert found.to_frame().shape == (400, 6)
    assert found.to_frame().columns.tolist() == labels_of(fit)
    assert list(found.summary().columns) == ["name", "estimate", "bias", "std_error", "n"]
    for method in ("percentile", "basic", "bca"):
        interval = found.interval(method=method)
        assert list(interval.columns) == ["name", "estimate", "low", "high"]
        assert (interval["low"] < interval["high"]).all()


def test_every_replicate_is_the_fit_to_its_data(fit, found):
    simulation = found.simulator.draw(400, seed=found.seeds.entropy)
    frame = found.to_frame()
    for i in (0, 399):
        again = pylme.lmer(FORMULA, simulation.to_frame(i), engine="numpy")
        np.testing.assert_allclose(frame.loc[i], again.tidy()["estimate"], rtol=1e-4)
        assert found.fits["criterion"][i] == pytest.approx(again.criterion, rel=1e-9)
    singular = found.fits["singular"].to_numpy(dtype=bool)
    assert found.n_singular == singular.sum() > 0
    assert found.n_converged == 400 - found.n_singular
    assert found.n_failed == len(found.failures) == 0


def test_the_method_weights_offset_and_missing_rows_are_kept():
    data = SLEEP.assign(w=np.linspace(0.5, 2, 180), off=np.linspace(0, 50, 180))
    data.loc[[3, 17], "Days"] = np.nan
    data.loc[40, "Reaction"] = np.nan
    for reml in (True, False):
        fit = pylme.lmer(FORMULA, data, reml=reml, weights="w", offset=data["off"], engine="numpy")
        found = fit.bootstrap(3, seed=5)
        simulation = found.simulator.draw(3, seed=5)
        again = pylme.lmer(
            FORMULA, data.assign(Reaction=simulation.y[:, 2]), reml=reml, weights="w",
            offset=data["off"], engine="numpy",
        )  # fmt: skip
        assert again.nobs == fit.nobs == 177
        assert found.fits["criterion"][2] == pytest.approx(again.criterion, rel=1e-9)
        np.testing.assert_allclose(found.replicates[2], again.tidy()["estimate"], rtol=1e-4)


def own_numbers(fit):
    varcorr = fit.varcorr["Subject"]
    return {"icc": varcorr.sd.iloc[0] ** 2 / (varcorr.sd.iloc[0] ** 2 + fit.sigma**2),
            "slope": fit.fixef["Days"], "spread": fit.residuals.std()}  # fmt: skip


def test_a_statistic_of_ones_own(fit, found):
    own = fit.bootstrap(20, seed=1, statistic=own_numbers)
    assert own.names == ("icc", "slope", "spread")
    assert dict(zip(own.names, own.estimates, strict=True)) == own_numbers(fit)
    np.testing.assert_allclose(own.of_model, found.replicates[:20], rtol=2e-4, atol=2e-4)
    np.testing.assert_array_equal(own.replicates[:, 1], own.of_model[:, 1])
    assert own.acceleration.shape == (3,)
    assert own.acceleration[1] == pytest.approx(0, abs=1e-12)
    assert own.interval(method="bca").notna().all(axis=None)


def test_a_statistic_that_fails_is_a_row_with_its_error(fit):
    def sometimes(again):
        if again is not fit and again.sigma < 25:
            raise ArithmeticError("too small")
        return {"sigma": again.sigma}

    found = fit.bootstrap(30, seed=1, statistic=sometimes)
    failed = np.isnan(found.replicates[:, 0])
    assert 0 < failed.sum() == found.n_failed < 30
    assert found.failures["error"].unique().tolist() == ["ArithmeticError: too small"]
    assert found.failures["replicate"].tolist() == np.flatnonzero(failed).tolist()
    known = found.replicates[~failed, 0]
    assert found.std_error["sigma"] == pytest.approx(known.std(ddof=1))
    assert found.bias["sigma"] == pytest.approx(known.mean() - fit.sigma)
    assert found.summary()["n"].tolist() == [len(known)]
    assert f"{found.n_failed} failed" in str(found)
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
    assert found.summary()[["bias", "std_error"]].isna().all(axis=None)
    for method in ("percentile", "basic", "bca"):
        assert found.interval(method=method)[["low", "high"]].isna().all(axis=None)


def test_a_seed_says_all(fit, found):
    np.testing.assert_array_equal(fit.bootstrap(400, seed=1).replicates, found.replicates)
    few = fit.bootstrap(7, seed=np.random.SeedSequence(1))
    np.testing.assert_allclose(few.replicates, found.replicates[:7], rtol=1e-6, atol=1e-6)
    unsaid = fit.bootstrap(3)
    again = fit.bootstrap(3, seed=unsaid.seeds.entropy)
    np.testing.assert_array_equal(unsaid.replicates, again.replicates)
    kept = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(kept.replicates, found.replicates)


def test_workers_change_nothing(fit):
    alone = fit.bootstrap(24, seed=3, statistic=own_numbers)
    with joblib.parallel_config("loky", n_jobs=2):
        together = fit.bootstrap(24, seed=3, statistic=own_numbers)
    np.testing.assert_array_equal(alone.replicates, together.replicates)


def test_crossed_factors():
    penicillin = pylme.datasets.load("penicillin")
    fit = pylme.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", penicillin, engine="numpy")
    found = fit.bootstrap(30, seed=1)
    assert list(found.names) == labels_of(fit)
    again = pylme.lmer(
        "diameter ~ 1 + (1 | plate) + (1 | sample)", found.simulator.draw(1, seed=1).to_frame(),
        engine="numpy",
    )  # fmt: skip
    np.testing.assert_allclose(found.replicates[0], again.tidy()["estimate"], rtol=1e-5)
    assert found.interval(method="bca").notna().all(axis=None)


def test_correlations_beside_a_variance_of_zero_are_left_out():
    drawn = pylme.simulate(
        FORMULA, SLEEP, beta=[250, 10], sigma=25, covariances={"sd": [2, 1], "corr": 0}, seed=1
    )
    fit = pylme.lmer(FORMULA, drawn.to_frame(), engine="numpy")
    found = fit.bootstrap(100, seed=2)
    n = found.summary().set_index("name")["n"]
    missing = np.isnan(found.to_frame()["cor__(Intercept).Days | Subject"])
    assert n["cor__(Intercept).Days | Subject"] == 100 - missing.sum()
    assert n.drop("cor__(Intercept).Days | Subject").eq(100).all()


@pytest.fixture(scope="module")
def by_lme4():
    return pylme.lmer(FORMULA, SLEEP, control=pylme.LmerControl(optimizer="bobyqa"))


@pytest.mark.needs_r
class TestByLme4:
    """The replicates of lme4's fits, by lme4 and by the reference."""

    def test_lme4_fits_again_with_the_control_of_the_fit(self, by_lme4):
        found = by_lme4.bootstrap(4, seed=1)
        assert found.engine == "lme4"
        simulation = found.simulator.draw(4, seed=1)
        for i in range(4):
            lmer = pylme.lmer(
                FORMULA, simulation.to_frame(i), control=pylme.LmerControl(optimizer="bobyqa")
            )
            np.testing.assert_allclose(
                found.replicates[i], lmer.tidy()["estimate"], rtol=1e-12, atol=CARRIED
            )

    def test_both_engines_agree(self, by_lme4):
        theirs = by_lme4.bootstrap(12, seed=1)
        ours = by_lme4.bootstrap(12, seed=1, engine="numpy")
        assert ours.engine == "numpy"
        np.testing.assert_array_equal(theirs.estimates, ours.estimates)
        np.testing.assert_allclose(theirs.replicates, ours.replicates, rtol=2e-3, atol=2e-3)
        np.testing.assert_allclose(theirs.fits["criterion"], ours.fits["criterion"], atol=1e-4)
        other = pylme.lmer(FORMULA, SLEEP, engine="numpy").bootstrap(12, seed=1, engine="lme4")
        np.testing.assert_allclose(theirs.replicates, other.replicates, rtol=2e-3, atol=2e-3)

    def test_workers_change_nothing(self, by_lme4):
        alone = by_lme4.bootstrap(14, seed=1, statistic=own_numbers)
        together = by_lme4.bootstrap(14, seed=1, statistic=own_numbers, n_jobs=2)
        np.testing.assert_array_equal(alone.replicates, together.replicates)

    def test_an_expression_as_response_that_loses_rows(self):
        data = SLEEP.assign(Reaction=SLEEP["Reaction"].where(SLEEP.index != 5, -1.0))
        formula = FORMULA.replace("Reaction", "log(Reaction)")
        with np.errstate(invalid="ignore"):
            fit = pylme.lmer(formula, data)
            theirs = fit.bootstrap(4, seed=1, statistic=own_numbers)
            ours = fit.bootstrap(4, seed=1, statistic=own_numbers, engine="numpy")
            batch = fit.bootstrap(4, seed=1, engine="numpy")
        assert fit.nobs == 179
        assert theirs.n_failed == ours.n_failed == 0
        np.testing.assert_allclose(theirs.replicates, ours.replicates, rtol=2e-3)
        np.testing.assert_allclose(ours.of_model, batch.replicates, rtol=2e-3, atol=2e-3)
        assert np.ptp(theirs.replicates[:, 1]) > 0

    def test_refused(self):
        cbpp = pylme.datasets.load("cbpp")
        binomial = pylme.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp)
        with pytest.raises(NotAvailableError, match="binomial"):
            binomial.bootstrap(10)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n": 1}, "a whole number from 2"),
        ({"engine": "r"}, "Allowed: 'lme4', 'numpy'"),
        ({"statistic": 1}, "a function of a fit"),
        ({"statistic": lambda _: {}}, "gives a number or more"),
        ({"seed": -1}, "0 or more"),
    ],
)
def test_wrong_options(fit, changes, words):
    with pytest.raises(OptionError, match=words):
        fit.bootstrap(**changes)


@pytest.mark.parametrize(
    ("changes", "words"), [({"level": 1}, "between 0 and 1"), ({"method": "normal"}, "'bca'")]
)
def test_wrong_intervals(found, changes, words):
    with pytest.raises(OptionError, match=words):
        found.interval(**changes)


def test_a_fit_from_json_has_no_data(fit):
    with pytest.raises(NotAvailableError, match="JSON"):
        pylme.from_json(fit.to_json()).bootstrap(10)


def test_progress_is_shown_where_it_is_asked_for(fit, capsys):
    fit.bootstrap(3, seed=1, progress=True)
    assert "bootstrap: 100%" in capsys.readouterr().err
    fit.bootstrap(3, seed=1)
    assert capsys.readouterr() == ("", "")
