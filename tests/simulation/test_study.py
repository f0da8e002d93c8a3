"""Studies: each number against the fit that it is of, whoever does the work and in what order."""

from __future__ import annotations

import os

import joblib
import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import FormulaError, OptionError, UnknownNameError
from pylme.results.certificate import NO_FINITE_OPTIMUM, NO_RESIDUAL
from tests.simulation.studies import FORMULA, GRID, MODELS, simulator

pytestmark = pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")


def numbers(result):
    """All that does not depend on the clock."""
    return result.to_frame().drop(columns="seconds")


def fits_of(name, simulation, i, engine):
    model = MODELS[name]
    model = pylme.StudyModel(formula=model) if isinstance(model, str) else model
    return pylme.lmer(
        model.formula, simulation.to_frame(i), reml=model.reml, subset=model.subset, engine=engine
    )


def require_the_numbers_of(fit, rows, *, rtol):
    value = rows.set_index("parameter")["estimate"]
    np.testing.assert_allclose(value[list(fit.fixef.index)], fit.fixef, rtol=rtol)
    tidy = fit.tidy("ran_pars")
    labels = [
        "sigma" if group == "Residual" else f"{term} | {group}"
        for group, term in zip(tidy["group"], tidy["term"], strict=True)
    ]
    np.testing.assert_allclose(value[labels], tidy["estimate"], rtol=rtol)
    thetas = [f"theta{i + 1}" for i in range(len(fit.theta))]
    np.testing.assert_allclose(value[thetas], fit.theta, rtol=rtol, atol=rtol)
    error = rows.set_index("parameter")["std_error"]
    np.testing.assert_allclose(error[list(fit.fixef.index)], fit.coef_table["std_error"], rtol=rtol)
    assert error.drop(list(fit.fixef.index)).isna().all()
    assert rows["criterion"].unique() == pytest.approx(fit.criterion, rel=1e-9)


def test_every_number_is_that_of_its_fit():
    found = pylme.study(simulator(), MODELS, n=4, seed=2)
    simulation = simulator().draw(4, seed=2)
    for (i, name), rows in found.rows.groupby(["replicate", "model"]):
        require_the_numbers_of(fits_of(name, simulation, i, "numpy"), rows, rtol=1e-5)
    assert found.models == tuple(MODELS)
    assert len(found.fits) == 16
    assert found.fits["model"].tolist()[:4] == list(MODELS)
    assert "4 replicates of 4 models by numpy, 0 fits failed" in repr(found)


@pytest.mark.needs_r
def test_every_number_is_that_of_lme4():
    found = pylme.study(simulator(), MODELS, n=4, seed=2, engine="lme4")
    simulation = simulator().draw(4, seed=2)
    for (i, name), rows in found.rows.groupby(["replicate", "model"]):
        fit = fits_of(name, simulation, i, "lme4")
        require_the_numbers_of(fit, rows, rtol=1e-13)
        assert rows["status"].unique() == [fit.convergence.status.value]
        assert rows["code"].unique() == [fit.convergence.code]
        assert rows["singular"].unique() == [fit.is_singular()]
        assert rows["messages"].unique() == ["\n".join(fit.convergence.messages)]
        assert (rows["seconds"] > 0).all()


@pytest.mark.needs_r
def test_nothing_depends_on_the_workers_or_on_how_many_replicates_there_are():
    alone = pylme.study(simulator(), MODELS, n=24, seed=5, engine="lme4")
    with joblib.parallel_config("loky", n_jobs=2):
        together = pylme.study(simulator(), MODELS, n=24, seed=5, engine="lme4")
    pd.testing.assert_frame_equal(numbers(alone), numbers(together), check_exact=True)
    few = pylme.study(simulator(), MODELS, n=7, seed=5, engine="lme4", n_jobs=1)
    pd.testing.assert_frame_equal(numbers(few), numbers(alone)[: len(few.rows)], check_exact=True)


@pytest.mark.needs_r
def test_inside_a_parallel_config_the_work_is_done_there():
    import distributed

    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
    )
    with cluster, distributed.Client(cluster) as client:
        with joblib.parallel_config("dask"):
            there = pylme.study(
                simulator(), {"slopes": FORMULA}, n=20, seed=5, engine="lme4", collect=process
            )
        pids = set(client.run(os.getpid).values())
    done_by = set(there.estimates("process")["slopes"])
    assert done_by == pids
    here = pylme.study(simulator(), {"slopes": FORMULA}, n=20, seed=5, engine="lme4")
    own = there.rows[there.rows["effect"] != "collected"].drop(columns="seconds")
    pd.testing.assert_frame_equal(
        own.reset_index(drop=True), here.rows.drop(columns="seconds"), check_exact=True
    )


def process(_fit):
    return {"process": os.getpid()}


def test_a_fit_that_fails_is_a_row_with_its_error():
    def sometimes(generator):
        frame = GRID.assign(Y=generator.normal(size=len(GRID)))
        if generator.uniform() < 0.5:
            return frame.assign(Y=1.0)
        if generator.uniform() < 0.3:
            raise RuntimeError("no data today")
        return frame

    found = pylme.study(sometimes, {"slopes": FORMULA}, n=12, seed=1)
    fits = found.fits
    failed = fits["status"] == "failed"
    assert 0 < failed.sum() < 12
    assert fits.loc[failed, "error"].str.contains("ResponseError|no data today").all()
    assert fits.loc[~failed, "error"].isna().all()
    assert found.rows.groupby("replicate").size()[failed.to_numpy()].tolist() == [1] * failed.sum()
    assert found.estimates("ses")["slopes"].isna().tolist() == failed.tolist()
    statuses = found.summary().statuses.set_index("status")
    assert statuses.loc["failed", "n"] == failed.sum()


@pytest.mark.needs_r
def test_a_model_that_r_refuses_fails_in_each_replicate_and_ends_nothing():
    control = pylme.LmerControl(check_nobs_vs_nre="stop", check_nobs_vs_nlev="stop")
    data = GRID.assign(row=[f"r{i}" for i in range(len(GRID))])
    model = pylme.simulator(FORMULA, data, beta=[1, 2], sigma=2, covariances={"sd": [2, 1]})
    models = {
        "rows": pylme.StudyModel(formula="Y ~ 1 + (1 | row)", control=control),
        "good": FORMULA,
    }
    found = pylme.study(model, models, n=3, seed=1, engine="lme4")
    by_model = found.fits.groupby("model")["error"].apply(lambda e: e.notna().sum())
    assert by_model.to_dict() == {"rows": 3, "good": 0}


def test_one_response_that_cannot_be_fitted_leaves_the_others_in_the_batch(monkeypatch):
    from pylme.simulation.estimate import batched

    kept = batched.fit_many

    def picky(design, Y, **options):
        if (Y[:, 0] > 4).any():
            raise np.linalg.LinAlgError("too large")
        return kept(design, Y, **options)

    monkeypatch.setattr(batched, "fit_many", picky)
    found = pylme.study(simulator(), {"slopes": FORMULA}, n=20, seed=1)
    large = simulator().draw(20, seed=1).y[0] > 4
    assert 0 < large.sum() < 20
    assert (found.fits["error"].notna() == large).all()


def test_own_numbers_and_verdicts():
    found = pylme.study(
        simulator(), {"slopes": FORMULA}, n=2, seed=1, check=True,
        collect=lambda fit: {"aic": fit.aic, "rows": fit.nobs},
    )  # fmt: skip
    simulation = simulator().draw(2, seed=1)
    for i in range(2):
        fit = pylme.lmer(FORMULA, simulation.to_frame(i), engine="numpy")
        assert found.estimates("aic").loc[i, "slopes"] == fit.aic
        assert found.estimates("rows").loc[i, "slopes"] == len(GRID)
        assert found.fits["verdict"][i] == fit.cross_check().verdict.value


def test_a_fit_may_be_what_is_simulated_from():
    fit = pylme.lmer(FORMULA, simulator().draw(seed=3).to_frame(), engine="numpy")
    found = pylme.study(fit, {"again": FORMULA}, n=40, seed=1)
    assert found.truth["again"]["ses"] == fit.fixef["ses"]
    assert found.truth["again"]["sigma"] == fit.sigma
    line = found.summary().estimates.query("parameter == 'ses' and over == 'all'")
    assert abs(line["bias"].item()) < 5 * line["bias_std_error"].item()


def test_rows_without_predictors_take_no_part():
    data = GRID.assign(ses=GRID["ses"].where(GRID.index != 3).astype(float), other=1.0)
    with pytest.warns(pylme.errors.MissingRowsWarning):
        model = pylme.simulator(FORMULA, data, beta=[1, 2], sigma=2, covariances={"sd": [2, 1]})
    found = pylme.study(model, {"slopes": FORMULA, "no ses": "Y ~ 1 + (1 | sch.id)"}, n=3, seed=1)
    assert found.fits["error"].isna().all()


def test_the_summary_in_closed_form():
    found = pylme.study(simulator(), {"slopes": FORMULA, "first": MODELS["first"]}, n=60, seed=4)
    summary = found.summary(conf_level=0.9)
    line = summary.estimates.query("model == 'slopes' and parameter == 'ses' and over == 'all'")
    estimate = found.estimates("ses")["slopes"].to_numpy()
    own = found.rows.query("model == 'slopes' and parameter == 'ses'")
    covered = np.abs(estimate - 2) <= 1.6448536269514722 * own["std_error"]
    expected = {
        "n": 60, "truth": 2, "mean": estimate.mean(),
        "mean_std_error": estimate.std(ddof=1) / 60**0.5,
        "bias": estimate.mean() - 2, "rmse": np.sqrt(np.mean((estimate - 2) ** 2)),
        "coverage": covered.mean(),
    }  # fmt: skip
    for name, value in expected.items():
        assert line[name].item() == pytest.approx(value, rel=1e-12), name
    both = found.converged().all(axis=1)
    assert summary.n_converged == both.sum()
    line = summary.estimates.query(
        "model == 'slopes' and parameter == 'ses' and over == 'converged in all models'"
    )
    assert line["mean"].item() == pytest.approx(estimate[both].mean())
    rates = summary.statuses.groupby("model")["rate"].sum()
    np.testing.assert_allclose(rates, 1)
    assert "converged in all models" in str(summary)
    assert "sd__ses | sch.id" in summary.to_html()


def test_truth_by_parameter_and_by_model():
    found = pylme.study(
        lambda rng: GRID.assign(Y=rng.normal(size=len(GRID))), {"a": FORMULA, "b": FORMULA},
        n=2, seed=1, truth={"ses": 0.0, "b": {"sigma": 1.0, "ses": 0.5}},
    )  # fmt: skip
    assert found.truth == {"a": {"ses": 0.0}, "b": {"ses": 0.5, "sigma": 1.0}}
    frame = found.to_frame()
    assert frame.query("model == 'b' and parameter == 'sigma'")["truth"].eq(1.0).all()
    assert frame.query("model == 'a' and parameter == 'sigma'")["truth"].isna().all()


def test_progress_is_shown_where_it_is_asked_for(capsys):
    pylme.study(simulator(), {"slopes": FORMULA}, n=3, seed=1, progress=True)
    assert "3/3" in capsys.readouterr().err
    pylme.study(simulator(), {"slopes": FORMULA}, n=3, seed=1)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"simulate": 1}, "a fit, or a function"),
        ({"models": {}}, "a mapping from names to formulas"),
        ({"models": {"a": 1}}, "a formula or a pylme.StudyModel"),
        ({"models": {"a": pylme.StudyModel(formula=FORMULA, control=pylme.LmerControl())}},
         "a control is for lme4"),
        ({"n": 0}, "a whole number from 1"),
        ({"engine": "r"}, "Allowed: 'auto', 'lme4', 'numpy'"),
        ({"collect": 1}, "a function of a fit"),
        ({"store": "x", "seed": None}, "a number with `store`"),
        ({"truth": {"ses": "2"}}, "a number"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(changes, words):
    given = {"simulate": simulator(), "models": {"a": FORMULA}, "n": 2, "seed": 1, **changes}
    with pytest.raises(OptionError, match=words):
        pylme.study(given.pop("simulate"), given.pop("models"), **given)


def test_a_model_without_a_chance_is_refused_before_anything_is_drawn():
    with pytest.raises(FormulaError, match="'SES'"):
        pylme.study(simulator(), {"a": "Y ~ SES + (1 | sch.id)"}, n=2, seed=1)
    with pytest.raises(UnknownNameError, match="'b'"):
        pylme.study(simulator(), {"a": FORMULA}, n=2, seed=1, truth={"b": {"ses": 1}})


@pytest.mark.parametrize("engine", ["numpy", pytest.param("lme4", marks=pytest.mark.needs_r)])
def test_a_response_may_have_any_name(engine):
    formula = "`a name` ~ ses + (1 | sch.id)"
    model = pylme.simulator(formula, GRID, beta=[1, 2], sigma=2, covariances={"sd": 2})
    found = pylme.study(model, {"own": formula}, n=3, seed=1, engine=engine)
    drawn = model.draw(3, seed=1)
    for i in range(3):
        again = pylme.lmer(formula, drawn.to_frame(i), engine="numpy")
        assert found.estimates("ses")["own"][i] == pytest.approx(again.fixef["ses"], rel=1e-6)


@pytest.mark.needs_r
@pytest.mark.parametrize("engine", ["numpy", "lme4"])
@pytest.mark.parametrize(("sd", "found"), [(1.0, NO_FINITE_OPTIMUM), (0.0, NO_RESIDUAL)])
def test_replicates_without_residual_say_so(sd, found, engine):
    """As a fit of one's own does; lme4 ends anywhere, or stops with an error."""
    data = GRID.assign(Y=0.0)
    model = pylme.simulator(
        "Y ~ ses + (1 | sch.id)", data, beta=[1, 2], sigma=0.0, covariances={"sd": [sd]}
    )
    fits = pylme.study(model, {"m": "Y ~ ses + (1 | sch.id)"}, n=3, seed=1, engine=engine).fits
    said = fits["messages"].fillna("") + fits["error"].fillna("")
    assert said.str.contains(found, regex=False).all()
    assert fits["status"].isin(["degenerate", "failed"]).all()


@pytest.mark.parametrize("engine", ["numpy", pytest.param("lme4", marks=pytest.mark.needs_r)])
def test_replicates_of_a_model_that_is_not_identified_say_so(engine):
    """Of the responses of one design too: the NumPy engine fits them in a batch."""
    formula = "Y ~ factor(sch.id) + ses + (1 | sch.id)"
    models = {"fixed too": formula, "plain": FORMULA}
    check = engine == "lme4"
    fits = pylme.study(simulator(), models, n=3, seed=1, engine=engine, check=check).fits
    own, plain = (fits[fits["model"] == name] for name in models)
    assert (plain["messages"] == "").all()
    if check:
        assert (own["verdict"] == "not identified").all()
        return
    with pytest.warns(pylme.errors.NotIdentifiedWarning):
        alone = pylme.lmer(formula, simulator().draw(1, seed=1).to_frame(0), engine="numpy")
    said = "the data do not determine var((Intercept) | sch.id): the fixed effects"
    assert own["messages"].str.startswith(said).all()
    assert own["messages"].iloc[0] in "\n".join(alone.convergence.messages)
    assert (own["status"] == alone.convergence.status.value).all()
    assert not plain["status"].eq("degenerate").any()
