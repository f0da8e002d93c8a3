"""Profiles of models with covariance structures.

The oracles are models that are the same without a structure, and dense matrices.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2

import pylme
from tests.structures import repeated

pytestmark = pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")

RISE = chi2.ppf(0.95, 1)


@cache
def fitted(random):
    return pylme.lmer(f"y ~ x + {random}", repeated(), engine="numpy")


@cache
def intervals(random):
    return fitted(random).confint()


def ends(random, kinds):
    """The ends of intervals by the kind of the parameter, in their order."""
    table = intervals(random)
    kept = table["term"].str.startswith(kinds)
    return table.loc[kept, ["conf_low", "conf_high"]].to_numpy()


@pytest.mark.parametrize(
    ("structured", "plain"),
    [
        ("cs(1 + x | s)", "(1 + x | s)"),
        ("ar1(1 + x | s, hom = FALSE)", "(1 + x | s)"),
        ("diag(1 + x | s)", "(1 | s) + (0 + x | s)"),
        ("us(1 + x | s) + diag(1 | g)", "(1 + x | s) + (1 | g)"),
        # An unstructured term beside a structured one, on the boundary.
        ("(1 + x | s) + diag(1 + x | g)", "(1 + x | s) + (1 | g) + (0 + x | g)"),
    ],
)
def test_equal_models_have_equal_intervals(structured, plain):
    for kinds in (("(Intercept)", "x"), "sd__", "cor__"):
        np.testing.assert_allclose(ends(structured, kinds), ends(plain, kinds), atol=2e-5)


def test_curves_are_those_of_the_same_model():
    one, other = (
        fitted(random).profile(name).to_frame()
        for random, name in (("cs(1 + x | s)", "cor__rho | s"),
                             ("(1 + x | s)", "cor__(Intercept).x | s"))
    )  # fmt: skip
    rho = np.linspace(-0.2, 0.5, 9)
    zeta = np.interp(rho, other["cor__(Intercept).x | s"], other["zeta"])
    np.testing.assert_allclose(np.interp(rho, one["cor__rho | s"], one["zeta"]), zeta, atol=0.02)


def deviance(sd, rho, sigma, data):
    """-2 log L, β profiled out, of `y ~ x + ar1(0 + t | s)` by an n×n matrix."""
    t, s = data["t"].cat.codes.to_numpy(), data["s"].cat.codes.to_numpy()
    apart = np.abs(np.subtract.outer(t, t))
    V = sigma**2 * np.eye(len(t)) + sd**2 * np.where(s[:, None] == s, rho**apart, 0.0)
    X = np.column_stack([np.ones(len(t)), data["x"]])
    L = np.linalg.cholesky(V)
    Xw, yw = np.linalg.solve(L, X), np.linalg.solve(L, data["y"].to_numpy())
    r = yw - Xw @ np.linalg.lstsq(Xw, yw, rcond=None)[0]
    return len(t) * np.log(2 * np.pi) + 2 * np.log(np.diag(L)).sum() + r @ r


@pytest.mark.parametrize("held", ["sd", "rho"])
def test_the_deviance_rises_by_a_quantile_at_the_ends(held):
    data = repeated()[repeated()["s"].isin([f"s{i + 1:02d}" for i in range(8)])]
    fit = pylme.lmer("y ~ x + ar1(0 + t | s)", data, engine="numpy", reml=False)
    label = {"sd": "sd__* | s", "rho": "cor__rho | s"}[held]
    low, high = fit.confint(parameters=label)[["conf_low", "conf_high"]].iloc[0]
    sd, rho = fit.varcorr["s"].sd.iloc[0], fit.varcorr["s"].corr.iloc[0, 1]
    for end in (low, high):
        if held == "sd":
            least = minimize(
                lambda p, sd=end: deviance(sd, np.tanh(p[0]), np.exp(p[1]), data),
                [np.arctanh(rho), np.log(fit.sigma)], method="Nelder-Mead",
                options={"xatol": 1e-5, "fatol": 1e-7},
            )  # fmt: skip
        else:
            least = minimize(
                lambda p, rho=end: deviance(np.exp(p[0]), rho, np.exp(p[1]), data),
                [np.log(sd), np.log(fit.sigma)], method="Nelder-Mead",
                options={"xatol": 1e-5, "fatol": 1e-7},
            )  # fmt: skip
        assert least.fun - fit.criterion == pytest.approx(RISE, abs=1e-4)


def test_an_interval_ends_at_the_bound_of_the_structure():
    table = fitted("cs(0 + t | g, hom = TRUE)").confint(parameters="ran_pars").set_index("term")
    assert table.loc["cor__rho", "conf_high"] == 1.0
    assert -1 / 3 <= table.loc["cor__rho", "conf_low"] < 1.0


def test_restricted_profiles_and_lme4s_names():
    plain, structured = (
        fitted(random).confint(reml=True, names="lme4")
        for random in ("(1 + x | s)", "cs(1 + x | s)")
    )
    order = [".sig01", ".sig02", ".sig03", ".sigma"]
    assert structured["parameter"].tolist() == plain["parameter"].tolist() == order
    # By lme4, an unstructured term's correlation is second, a structured one's last.
    columns = ["conf_low", "conf_high"]
    ours, theirs = structured[columns].to_numpy(), plain[columns].to_numpy()
    np.testing.assert_allclose(ours[[0, 2, 1, 3]], theirs, atol=2e-5)
