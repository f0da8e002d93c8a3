"""The exact test of one variance, where it is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import pylme
from pylme.inference.likelihood_ratio_tests import exact_test as module
from pylme.inference.likelihood_ratio_tests.exact_test import exact_test

LOAD = pylme.datasets.load


def dyestuff(**arguments):
    return pylme.lmer("Yield ~ 1 + (1 | Batch)", LOAD("dyestuff"), engine="numpy", **arguments)


def test_a_balanced_design_has_the_f_test_of_the_analysis_of_variance():
    data = LOAD("dyestuff")
    F, p = stats.f_oneway(*(own for _, own in data.groupby("Batch", observed=True)["Yield"]))
    assert pytest.approx(4.598, abs=1e-3) == F
    table = dyestuff().ranova()
    assert table.p_exact[0] == pytest.approx(p, rel=1e-6)
    assert table.p_value[0] > table.p_boundary[0] > table.p_exact[0]


def test_the_simulation_agrees_with_the_closed_form(monkeypatch):
    linear = dyestuff()._model.linear_problem()
    closed = exact_test(linear, 2.0)
    assert closed.std_error == 0.0
    monkeypatch.setattr(module, "_balanced", None)
    monkeypatch.setattr(module, "_EQUAL", -1.0)
    drawn = module._simulated(np.full(5, 5.0), np.full(5, 5.0), 29, 29, np.random.default_rng(3))
    rate = float((drawn >= 2.0).mean())
    error = np.sqrt(rate * (1 - rate) / len(drawn))
    assert rate == pytest.approx(closed.p_value, abs=4 * error)


def test_by_ml_it_is_simulated():
    """The likelihood ratio by ML is smaller, and its null distribution too."""
    fit = dyestuff(reml=False)
    row = fit.ranova().to_frame().iloc[0]
    assert row["p_exact"] == pytest.approx(0.0044, abs=0.001)


def test_weights_and_units_change_nothing():
    data = LOAD("dyestuff")
    plain = dyestuff().ranova().p_exact[0]
    other = data.assign(Yield=1e6 * data["Yield"], w=4.0)
    fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", other, engine="numpy", weights="w")
    assert fit.ranova().p_exact[0] == pytest.approx(plain, rel=1e-6)


def test_the_bootstrap_agrees():
    table = dyestuff().ranova(bootstrap=2000, seed=1)
    error = np.sqrt(table.p_exact[0] / 2000)
    assert table.p_simulated[0] == pytest.approx(table.p_exact[0], abs=4 * error + 1 / 2000)
    again = dyestuff().ranova(bootstrap=2000, seed=1)
    assert again.p_simulated[0] == table.p_simulated[0]
    assert "2000 bootstrap replicates" in str(table)


def test_no_exact_test_of_several_variances():
    fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", LOAD("sleepstudy"), engine="numpy")
    assert exact_test(fit._model.linear_problem(), 3.0) is None
    assert exact_test(dyestuff()._model.linear_problem(), 0.0).p_value == 1.0
