"""The model of a fit again: to another response, by another criterion, with another formula."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

import pylme
from pylme.errors import FormulaError, NotAvailableError, OptionError, UnknownNameError
from tests.native import native

ENGINES = ["numpy", pytest.param("lme4", marks=pytest.mark.needs_r)]
MODEL = "Reaction ~ Days + (Days | Subject)"
SLEEPSTUDY = pylme.datasets.load("sleepstudy")


def fitted(engine="numpy", formula=MODEL, data=SLEEPSTUDY, **options):
    return pylme.lmer(formula, data, engine=engine, **options)


@pytest.mark.parametrize("engine", ENGINES)
def test_by_maximum_likelihood(engine):
    ml = fitted(engine).refit(reml=False)
    assert ml.engine == engine
    assert ml.criterion == pytest.approx(fitted(engine, reml=False).criterion, abs=1e-9)
    assert ml.refit(reml=True).criterion == pytest.approx(fitted(engine).criterion, abs=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
def test_another_response(engine):
    y = SLEEPSTUDY["Reaction"] ** 1.1
    direct = fitted(engine, data=SLEEPSTUDY.assign(Reaction=y))
    again = fitted(engine).refit(y)
    assert again.criterion == pytest.approx(direct.criterion, abs=1e-9)
    np.testing.assert_allclose(again.fitted, direct.fitted)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_response_in_the_rows_given_or_used(engine):
    data = SLEEPSTUDY.assign(Days=SLEEPSTUDY["Days"].where(SLEEPSTUDY["Days"] != 3))
    with pytest.warns(pylme.errors.MissingRowsWarning):
        fit = fitted(engine, "log(Reaction) ~ sqrt(Days) + (1 | Subject)", data)
    y = np.arange(180.0) ** 0.5 + np.tile([0.3, -0.3], 90)
    given, used = fit.refit(y), fit.refit(y[SLEEPSTUDY["Days"] != 3])
    assert given.criterion == used.criterion
    assert given.nobs == fit.nobs
    assert given.fitted.isna().sum() == 18


@pytest.mark.needs_r
def test_a_frame_of_one_column_is_a_response():
    fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"), engine="numpy")
    drawn = fit.simulate(seed=1)
    assert fit.refit(drawn).sigma == fit.refit(drawn["sim_1"]).sigma


def test_counts_of_successes_and_failures():
    cbpp = pylme.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    fit = pylme.glmer(formula, cbpp, family="binomial", engine="lme4")
    counts = np.column_stack([cbpp["incidence"], cbpp["size"] - cbpp["incidence"]])
    assert fit.refit(counts).criterion == pytest.approx(fit.criterion, rel=1e-9)
    probit = fit.update(link="probit")
    assert (probit.family.name, probit.family.link) == ("binomial", "probit")
    with pytest.raises(OptionError, match="reml"):
        fit.refit(reml=True)


def test_a_fit_from_a_pickle_can_be_fitted_again():
    fit = pickle.loads(pickle.dumps(fitted()))
    assert fit.refit(reml=False).criterion == pytest.approx(1751.939344, abs=1e-6)


def test_a_fit_from_json_cannot():
    fit = pylme.from_json(fitted().to_json())
    with pytest.raises(NotAvailableError, match="JSON"):
        fit.refit(reml=False)
    with pytest.raises(NotAvailableError, match="JSON"):
        fit.update(". ~ .")


@pytest.mark.parametrize("y", [np.ones(5), np.full(180, np.nan), "Days", np.ones((180, 2)), 3.0])
def test_what_is_no_response(y):
    with pytest.raises(OptionError, match="y"):
        fitted().refit(y)


@pytest.mark.parametrize("engine", ENGINES)
def test_another_formula(engine):
    fit = fitted(engine).update("log(.) ~ . - (Days | Subject) + (1 | Subject)", reml=False)
    direct = fitted(engine, "log(Reaction) ~ Days + (1 | Subject)", reml=False)
    assert fit.formula == direct.formula
    assert fit.criterion == pytest.approx(direct.criterion, abs=1e-9)


def test_arguments_stay_unless_they_are_given():
    rng = np.random.default_rng(1)
    data = SLEEPSTUDY.assign(w=rng.uniform(0.5, 2, 180), f=np.tile(list("abcd"), 45))
    offset = rng.normal(size=180)
    given = {"weights": "w", "offset": offset, "contrasts": {"f": "sum"}, "reml": False}
    fit = fitted(formula="Reaction ~ Days + f + (1 | Subject)", data=data, **given)
    same = fit.update()
    assert same.criterion == fit.criterion
    smaller = fit.update("~ . - Days")
    direct = fitted(formula="Reaction ~ f + (1 | Subject)", data=data, **given)
    assert smaller.criterion == pytest.approx(direct.criterion, abs=1e-9)
    assert smaller.fixef.index.tolist() == ["(Intercept)", "f1", "f2", "f3"]
    bare = fit.update(weights=None, offset=None, contrasts=None, reml=True)
    direct = fitted(formula="Reaction ~ Days + f + (1 | Subject)", data=data)
    assert bare.criterion == pytest.approx(direct.criterion, abs=1e-9)


def test_rows_stay_those_of_the_fit_unless_there_are_data():
    data = SLEEPSTUDY.assign(x=SLEEPSTUDY["Days"].where(SLEEPSTUDY["Days"] < 9) ** 2)
    with pytest.warns(pylme.errors.MissingRowsWarning):
        fit = fitted(formula="Reaction ~ Days + x + (1 | Subject)", data=data)
    smaller = fit.update("~ . - x")
    assert smaller.nobs == 162
    assert smaller.fitted.isna().sum() == 18
    assert fit.update("~ . - x", data).nobs == 180
    half = fit.update(subset=data["Days"].to_numpy() < 5)
    assert half.nobs == 90
    assert half.fitted.notna().sum() == 90


def test_a_number_that_grouped_is_a_number_again():
    data = SLEEPSTUDY.assign(id=SLEEPSTUDY["Subject"].cat.codes + 1)
    fit = fitted(formula="Reaction ~ Days + (1 | id)", data=data).update("~ . + id")
    assert fit.fixef.index.tolist() == ["(Intercept)", "Days", "id"]


def test_polars_stay_polars():
    fit = fitted(data=pl.from_pandas(SLEEPSTUDY.astype({"Subject": str}))).update("~ . - Days")
    assert isinstance(fit.fitted, pl.Series)
    assert isinstance(fit.coef["Subject"], pl.DataFrame)


@pytest.mark.needs_r
def test_the_other_engine():
    fit = fitted().update(engine="lme4")
    assert fit.engine == "lme4"
    control = pylme.LmerControl(optimizer="bobyqa")
    assert fit.update(control=control).optinfo.optimizer == "bobyqa"
    assert fit.update(control=control).update(reml=False).optinfo.optimizer == "bobyqa"


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("~ . + z",), FormulaError, "data=data"),
        (("~ . - z",), FormulaError, "no term z"),
        ((3,), OptionError, "formula"),
    ],
)
def test_what_cannot_be_updated(arguments, error, said):
    with pytest.raises(error, match=said):
        fitted().update(*arguments)


def test_unknown_arguments_are_named():
    with pytest.raises(UnknownNameError, match="weights"):
        fitted().update(wieghts="w")
    with pytest.raises(UnknownNameError, match="n_agq"):
        fitted().update(n_agq=3)


def test_arrays_must_be_given_again_for_other_data():
    fit = fitted(weights=np.arange(1.0, 181), offset=np.ones(180))
    with pytest.raises(NotAvailableError, match="weights="):
        fit.update(data=SLEEPSTUDY[:100])
    assert fit.update(data=SLEEPSTUDY[:100], weights=None, offset=None).nobs == 100


def test_matrices_of_contrasts_are_for_their_levels():
    data = SLEEPSTUDY.assign(f=np.tile(list("abc"), 60))
    fit = fitted(
        formula="Reaction ~ f + (1 | Subject)",
        data=data,
        contrasts={"f": [[1, 0], [0, 1], [-1, -1]]},
    )
    assert fit.update(data=data[:120]).nobs == 120
    other = data.assign(f=np.tile(list("ab"), 90))
    with pytest.raises(OptionError, match="contrasts"):
        fit.update(data=other)
    assert fit.update(data=other, contrasts=None).nobs == 180


def test_coefficients_by_level_are_fixed_plus_random():
    fit = fitted(formula="Reaction ~ 1 + (Days | Subject)")
    coef = fit.coef["Subject"]
    assert coef.columns.tolist() == ["(Intercept)", "Days"]
    assert coef.index.name == "Subject"
    ranef = fit.ranef["Subject"]
    pd.testing.assert_series_equal(coef["Days"], ranef["Days"])
    pd.testing.assert_series_equal(coef["(Intercept)"], ranef["(Intercept)"] + fit.fixef.iloc[0])


@pytest.mark.needs_r
def test_coefficients_are_those_of_r():
    code = "as.matrix(coef(lmer(Reaction ~ Days + (Days | Subject), sleepstudy))$Subject)"
    np.testing.assert_allclose(fitted("lme4").coef["Subject"], native(code), rtol=1e-10)
