"""What cannot be checked is called so, with the reason, and what can be checked is."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

import pylme
from pylme import Verdict
from pylme.errors import NotAvailableError, OptionError

pytestmark = pytest.mark.needs_r

SLEEP = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def fit():
    return pylme.lmer(SLEEP, pylme.datasets.load("sleepstudy"))


def test_a_generalized_model_without_a_value_has_its_design_checked(monkeypatch):
    monkeypatch.setattr("pylme.crosscheck.generalized.examination.certify", lambda *_: None)
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    check = pylme.glmer(formula, pylme.datasets.load("cbpp")).cross_check()
    assert check.verdict is Verdict.UNCHECKED
    assert not check.ok
    assert [tier.checked for tier in check.tiers] == [True, False, False, False]
    assert check.tiers[0].ok
    assert "no finite value" in check.reason
    assert check.reason in " ".join(check.explain().split())
    assert "Not checked:" in str(check)
    assert np.isnan(check.excess)
    assert json.loads(check.to_json())["best"] is None


def test_a_fit_from_json(fit):
    read = pylme.from_json(fit.to_json())
    check = read.cross_check()
    assert check.verdict is Verdict.UNCHECKED
    assert not any(tier.checked for tier in check.tiers)
    assert "JSON" in check.reason
    assert check.criterion == fit.criterion
    assert len(check.to_frame()) == 0
    with pytest.raises(NotAvailableError, match="came from JSON"):
        read.refit_from(fit.theta)


def test_a_pickled_fit_is_checked_in_full(fit):
    check = pickle.loads(pickle.dumps(fit)).cross_check()
    assert check.verdict is Verdict.AGREES
    assert all(tier.ok for tier in check.tiers)


def test_a_function_that_r_alone_knows_leaves_the_design_unchecked():
    data = pylme.datasets.load("sleepstudy")
    check = pylme.lmer("Reaction ~ cut(Days, 3) + (Days | Subject)", data).cross_check()
    assert check.verdict is Verdict.AGREES
    assert [tier.checked for tier in check.tiers] == [False, True, True, True]
    assert "cut()" in check.explain()


def test_the_callers_data_may_change_after_the_fit():
    data = pylme.datasets.load("sleepstudy")
    columns = {name: data[name].to_numpy() for name in ("Reaction", "Days")}
    columns = {name: values.astype(float) for name, values in columns.items()}
    columns["Subject"] = data["Subject"].to_numpy()
    fit = pylme.lmer(SLEEP, columns)
    columns["Reaction"][:] = 0.0
    assert fit.cross_check().verdict is Verdict.AGREES


@pytest.mark.filterwarnings("ignore::pylme.errors.RWarning")
def test_rows_that_are_left_out():
    data = pylme.datasets.load("sleepstudy")
    data.loc[[3, 50], "Days"] = np.nan
    with pytest.warns(pylme.errors.MissingRowsWarning):
        fit = pylme.lmer("Reaction ~ sqrt(Days) + (1 | Subject)", data)
    assert fit.cross_check().verdict is Verdict.AGREES
    data["shifted"] = data["Days"] - 1.0
    with pytest.warns(pylme.errors.MissingRowsWarning):
        fit = pylme.lmer("Reaction ~ sqrt(shifted) + (1 | Subject)", data)
    assert fit.cross_check().verdict is Verdict.AGREES


def test_a_criterion_that_cannot_be_evaluated(fit, monkeypatch):
    def failing(*_arguments, **_options):
        raise np.linalg.LinAlgError

    monkeypatch.setattr("pylme.crosscheck.examination.solution_at", failing)
    check = fit.cross_check(starts=5)
    assert check.verdict is Verdict.UNCHECKED
    assert "double precision is not enough" in check.reason
    assert check.tiers[0].ok


def test_it_is_kept(fit):
    assert fit.cross_check() is fit.cross_check()
    assert fit.cross_check(starts=2) is not fit.cross_check()
    assert fit.cross_check(starts=2).starts == 2


@pytest.mark.parametrize("starts", [0, -1, 2.5, True, "3"])
def test_the_number_of_starts(fit, starts):
    with pytest.raises(OptionError, match="a whole number from 1"):
        fit.cross_check(starts=starts)


@pytest.mark.parametrize("theta", [[1.0], [1.0, np.nan, 1.0], "abc"])
@pytest.mark.parametrize("engine", ["lme4", "numpy"])
def test_a_start_to_refit_from(engine, theta):
    fit = pylme.lmer(SLEEP, pylme.datasets.load("sleepstudy"), engine=engine)
    with pytest.raises(OptionError, match="Argument theta"):
        fit.refit_from(theta)
    again = fit.refit_from([1.0, 0.0, 1.0])
    assert again.engine == engine
    assert again.criterion == pytest.approx(fit.criterion, abs=1e-6)
    assert again.fitted.to_numpy() == pytest.approx(fit.fitted.to_numpy(), abs=1e-2)
