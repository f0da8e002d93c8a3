"""The estimator of scikit-learn: its contract, and the same numbers as the fit."""

from __future__ import annotations

import runpy
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GroupKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import pylme
from pylme.api import lmer_regressor
from pylme.errors import MissingPackageError, OptionError, UnknownNameError

SLEEPSTUDY = pylme.datasets.load("sleepstudy")
X, Y = SLEEPSTUDY[["Days", "Subject"]], SLEEPSTUDY["Reaction"]
FORMULA = "Reaction ~ Days + (Days | Subject)"


def regressor(**changed):
    return pylme.LmerRegressor(**({"groups": "Subject", "slopes": "Days"} | changed))


@pytest.fixture(scope="module")
def fit():
    return pylme.lmer(FORMULA, SLEEPSTUDY, engine="numpy")


def labels(X):
    """Four groups, by the first column alone: the same row is always in the same group."""
    return np.floor(np.asarray(X, dtype=float)[:, 0] * 7) % 4


#: Checks of scikit-learn that ask for what a mixed model is not.
EXPECTED = {
    "check_regressors_no_decision_function": "y is a sum of columns: without a residual there is "
    "no likelihood, and the fit says so",
}


# Of noise in groups of any kind the fit may be singular.
@pytest.mark.filterwarnings("ignore::pylme.errors.PylmeWarning")
def test_the_checks_of_scikit_learn():
    """A check that is expected to fail and does not is a failure too."""
    results = check_estimator(
        pylme.LmerRegressor(groups=labels), expected_failed_checks=EXPECTED, on_skip=None
    )
    failed = {each["check_name"] for each in results if each["status"] == "xfail"}
    assert failed == set(EXPECTED)
    assert sum(each["status"] == "passed" for each in results) > 40


@pytest.mark.parametrize(
    ("changed", "given"),
    [
        ({}, X),
        ({}, pl.from_pandas(X.astype({"Subject": str}))),
        ({"groups": 1, "slopes": [0]}, X),
        ({"groups": None, "slopes": (), "formula": FORMULA}, X),
        ({"groups": lambda X: SLEEPSTUDY.loc[X.index, "Subject"].to_numpy()}, X[["Days"]]),
        ({"groups": 1, "slopes": 0}, X.astype(float).to_numpy()),
    ],
)
def test_the_numbers_are_those_of_the_fit(fit, changed, given):
    model = regressor(**changed).fit(given, Y)
    assert model.fit_.criterion == pytest.approx(fit.criterion, rel=1e-9)
    np.testing.assert_allclose([model.intercept_, *model.coef_], fit.fixef, rtol=1e-6)
    np.testing.assert_allclose(model.predict(given), fit.predict(), rtol=1e-6)


def test_new_groups_are_predicted_by_the_fixed_effects(fit):
    new = pd.DataFrame({"Days": [0.0, 3.0], "Subject": ["nobody", "nobody"]})
    found = regressor().fit(X.astype({"Subject": str}), Y).predict(new)
    np.testing.assert_allclose(
        found, fit.fixef.iloc[0] + fit.fixef.iloc[1] * new["Days"], rtol=1e-6
    )


def test_cross_validation_leaves_whole_groups_out():
    folds = GroupKFold(3)
    found = cross_val_predict(regressor(), X, Y, groups=X["Subject"], cv=folds)
    for train, test in folds.split(X, Y, X["Subject"]):
        own = pylme.lmer(FORMULA, SLEEPSTUDY.iloc[train], engine="numpy")
        expected = own.fixef.iloc[0] + own.fixef.iloc[1] * X["Days"].iloc[test]
        np.testing.assert_allclose(found[test], expected, rtol=1e-6)
    assert np.isfinite(cross_val_score(regressor(), X, Y, groups=X["Subject"], cv=folds)).all()


def test_in_a_pipeline_and_cloned(fit):
    scaled = ColumnTransformer(
        [("scale", StandardScaler(), ["Days"])], remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")  # fmt: skip
    pipeline = clone(make_pipeline(scaled, regressor()))
    assert pipeline.get_params()["lmerregressor__slopes"] == "Days"
    np.testing.assert_allclose(pipeline.fit(X, Y).predict(X), fit.predict(), rtol=1e-5)
    pipeline.set_params(lmerregressor__random="none")
    alone = fit.predict(random="none")
    np.testing.assert_allclose(pipeline.fit(X, Y).predict(X), alone, rtol=1e-5)


def test_names_are_quoted_and_the_response_has_a_name_of_its_own():
    table = X.rename(columns={"Days": "y", "Subject": "the subject"})
    model = pylme.LmerRegressor(groups="the subject").fit(table, Y)
    assert model.formula_ == "y0 ~ y + (1 | `the subject`)"


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"groups": None}, OptionError, "or else `formula`"),
        ({"formula": FORMULA}, OptionError, "not both"),
        ({"groups": "subject"}, UnknownNameError, "Did you mean 'Subject'"),
        ({"slopes": 2}, UnknownNameError, "column of X"),
        ({"groups": None, "formula": "log(y) ~ Days + (1 | Subject)"}, OptionError, "plain name"),
    ],
)
def test_what_cannot_be_fitted_is_refused(changed, error, said):
    with pytest.raises(error, match=said):
        regressor(**changed).fit(X, Y)


def test_without_scikit_learn_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    alone = runpy.run_path(lmer_regressor.__file__)["LmerRegressor"]
    with pytest.raises(MissingPackageError, match=r"(?s)\[sklearn\].*pip install scikit-learn"):
        alone(groups="Subject")
