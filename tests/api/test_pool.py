"""Pooling over imputations: Rubin's rules and the degrees of freedom of Barnard and Rubin."""

import numpy as np
import pytest

import pylme
from pylme.errors import OptionError
from pylme.inference.pooling import pooled

SLEEPSTUDY = pylme.datasets.load("sleepstudy")


def fitted(noise, seed, formula="Reaction ~ Days + (1 | Subject)"):
    y = SLEEPSTUDY["Reaction"] + noise * np.random.default_rng(seed).normal(size=180)
    return pylme.lmer(formula, SLEEPSTUDY.assign(Reaction=y), engine="numpy")


def test_rubins_rules_by_hand():
    found = pooled(
        ("a",), np.array([[1.0], [2.0], [3.0]]), np.array([[0.5], [0.5], [0.5]]),
        np.array([20.0]), conf_level=0.9, library="pandas",
    )  # fmt: skip
    total = 0.25 + 4 / 3 * 1.0
    share = 4 / 3 / total
    old, known = 2 / share**2, (1 - share) * 20 * 21 / 23
    assert found.estimate[0] == 2.0
    assert found.std_error[0] == pytest.approx(np.sqrt(total))
    assert found.lambda_[0] == pytest.approx(share)
    assert found.df[0] == pytest.approx(1 / (1 / old + 1 / known))


def test_infinite_degrees_of_freedom_are_rubins_own():
    estimates = np.array([[1.0], [2.0], [4.0]])
    found = pooled(
        ("a",), estimates, np.ones((3, 1)), np.array([np.inf]), conf_level=0.95, library="pandas"
    )
    assert found.df[0] == pytest.approx(2 / found.lambda_[0] ** 2)


def test_equal_imputations_are_one_fit():
    fit = fitted(0.0, 1)
    found = pylme.pool([fit, fit, fit])
    test = fit.coef_test()
    np.testing.assert_allclose(found.estimate, test.estimate)
    np.testing.assert_allclose(found.std_error, test.std_error)
    np.testing.assert_allclose(found.df, test.df * (test.df + 1) / (test.df + 3))
    assert (found.between == 0).all()


def test_variance_between_imputations_widens_intervals():
    found = pylme.pool([fitted(30.0, seed) for seed in range(5)], conf_level=0.9)
    table = found.to_frame()
    assert table["term"].tolist() == ["(Intercept)", "Days"]
    assert (table["std_error"] ** 2 > table["within"]).all()
    assert ((table["fmi"] > 0) & (table["fmi"] < 1)).all()
    assert (table["conf_low"] < table["estimate"]).all()
    assert repr(found) == "<Pooled over 5 fits: (Intercept), Days>"


def test_what_cannot_be_pooled():
    with pytest.raises(OptionError, match="two fits"):
        pylme.pool([fitted(0.0, 1)])
    with pytest.raises(OptionError, match="same model"):
        pylme.pool([fitted(0.0, 1), fitted(0.0, 1, "Reaction ~ 1 + (1 | Subject)")])
