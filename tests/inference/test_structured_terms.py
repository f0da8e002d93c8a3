"""Inference for models with covariance structures, against dense matrices and differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import pylme
from pylme.covariance.structure import structure_of
from pylme.errors import NotAvailableError

DAYS = np.arange(10)


def restricted_criterion(parameters, data):
    """-2 log of the restricted likelihood, and the covariance matrix of β̂, by n×n matrices."""
    sd, rho, sigma = np.exp(parameters[0]), np.tanh(parameters[1]), np.exp(parameters[2])
    block = sd**2 * rho ** np.abs(DAYS[:, None] - DAYS) + sigma**2 * np.eye(10)
    X = np.column_stack([np.ones(180), np.tile(DAYS, 18)])
    y = data["Reaction"].to_numpy()
    V = np.kron(np.eye(18), block)
    W = np.linalg.inv(V)
    S = X.T @ W @ X
    e = y - X @ np.linalg.solve(S, X.T @ W @ y)
    value = np.linalg.slogdet(V)[1] + np.linalg.slogdet(S)[1] + e @ W @ e
    return value, np.linalg.inv(S)


def differences(function, at, step=1e-3):
    """Gradient and Hessian by central differences."""
    m = len(at)
    steps = step * np.eye(m)
    gradient = np.array([(function(at + s) - function(at - s)) / (2 * step) for s in steps])
    hessian = np.empty((m, m, *np.shape(function(at))))
    for i, j in itertools.product(range(m), repeat=2):
        hessian[i, j] = (
            function(at + steps[i] + steps[j]) - function(at + steps[i] - steps[j])
            - function(at - steps[i] + steps[j]) + function(at - steps[i] - steps[j])
        ) / (4 * step**2)  # fmt: skip
    return gradient, hessian


@pytest.fixture(scope="module")
def data():
    return pylme.datasets.load("sleepstudy").sort_values(["Subject", "Days"])


@pytest.fixture(scope="module")
def fit(data):
    return pylme.lmer("Reaction ~ Days + ar1(0 + factor(Days) | Subject)", data, engine="numpy")


@pytest.fixture(scope="module")
def optimum(fit, data):
    """log sd, artanh ρ and log σ of the fit, and their covariance matrix."""
    sd, rho = fit.varcorr["Subject"].sd.iloc[0], fit.varcorr["Subject"].corr.iloc[0, 1]
    at = np.array([np.log(sd), np.arctanh(rho), np.log(fit.sigma)])
    slope, hessian = differences(lambda p: restricted_criterion(p, data)[0], at)
    assert np.abs(slope).max() < 1e-3
    return at, 2 * np.linalg.inv(hessian)


def test_satterthwaite_of_autocorrelated_effects(fit, data, optimum):
    at, C = optimum
    along, _ = differences(lambda p: restricted_criterion(p, data)[1].diagonal(), at)
    variance = restricted_criterion(at, data)[1].diagonal()
    df = 2 * variance**2 / np.einsum("if,ij,jf->f", along, C, along)
    tests = fit.coef_test()
    np.testing.assert_allclose(tests.df, df, rtol=1e-4)
    np.testing.assert_allclose(tests.std_error, np.sqrt(variance), rtol=1e-6)


def test_wald_intervals_are_of_the_parameters(fit, optimum):
    at, C = optimum
    ends = at + np.array([[-1], [1]]) * 1.959964 * np.sqrt(np.diag(C))
    found = fit.confint(method="wald", parameters="ran_pars")
    assert found["term"].tolist() == ["sd__*", "cor__rho", "sd__Observation"]
    expected = np.array([np.exp(ends[:, 0]), np.tanh(ends[:, 1]), np.exp(ends[:, 2])])
    np.testing.assert_allclose(found[["conf_low", "conf_high"]], expected, rtol=1e-4)
    again = pylme.from_json(fit.to_json()).confint(method="wald", names="lme4")
    assert again["parameter"].tolist()[:3] == [".sig01", ".sig02", ".sigma"]


def test_the_bootstrap_is_of_the_parameters(fit):
    boot = fit.bootstrap(8, seed=1)
    names = ["(Intercept)", "Days", "sd__* | Subject", "cor__rho | Subject", "sigma"]
    assert list(boot.estimates.index) == names
    assert boot.estimates["sd__* | Subject"] == fit.varcorr["Subject"].sd.iloc[0]
    assert boot.replicates.notna().all(axis=None)
    found = fit.confint(method="bootstrap", n=8, seed=1)
    np.testing.assert_allclose(found["conf_low"], boot.intervals()["conf_low"])


def test_a_standard_deviation_of_zero_hides_no_correlation():
    structure = structure_of("cs", 3)
    sd, corr = np.array([[0.0, 1.0, 2.0]]), np.full((1, 3, 3), np.nan)
    corr[0, 1:, 1:] = [[1.0, 0.4], [0.4, 1.0]]
    np.testing.assert_array_equal(structure.component_values(sd, corr), [[0.0, 1.0, 2.0, 0.4]])


def test_intervals_of_means_take_satterthwaite_where_kenward_and_roger_is_not_defined(fit):
    of_coefficient = fit.coef_test().df[0]
    means = fit.emmeans("Days", at={"Days": [0]})
    assert means.to_frame()["df"].iloc[0] == pytest.approx(of_coefficient)
    predicted = fit.predict({"Days": [0]}, random="none", interval="confidence")
    assert predicted["df"].iloc[0] == pytest.approx(of_coefficient)
    assert predicted["std_error"].iloc[0] == pytest.approx(fit.coef_test().std_error[0])


@pytest.mark.parametrize(
    "ask",
    [
        lambda fit: fit.coef_test(ddf="kenward-roger"),
        lambda fit: fit.emmeans("Days", ddf="kenward-roger"),
        lambda fit: fit.predict(interval="confidence", ddf="kenward-roger"),
        lambda fit: fit.vcov_of("kenward-roger"),
    ],
)
def test_kenward_and_roger_is_refused_with_the_remedy(fit, ask):
    with pytest.raises(NotAvailableError, match="not a linear function"):
        ask(fit)
