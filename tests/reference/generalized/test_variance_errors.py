"""Standard errors of variances of generalized fits, against lme4's Hessian."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme

CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


def counts():
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(60), 12)
    x = rng.normal(size=len(g))
    b = rng.normal(size=(60, 2)) @ np.array([[0.6, 0.2], [0.0, 0.4]])
    y = rng.poisson(np.exp(0.8 + 0.3 * x + b[g, 0] + b[g, 1] * x))
    return pd.DataFrame({"y": y, "x": x, "g": g})


@pytest.mark.needs_r
@pytest.mark.parametrize(
    ("formula", "data", "family"),
    [
        (CBPP, pylme.datasets.load("cbpp"), "binomial"),
        ("y ~ x + (x | g)", counts(), "poisson"),
    ],
    ids=["one effect", "two effects"],
)
def test_follow_from_the_hessian_that_lme4_differences(formula, data, family):
    # With lme4's own tolerance its Hessian is off by a hundredth.
    control = pylme.GlmerControl(tol_pwrss=1e-12)
    by_lme4 = pylme.glmer(formula, data, family=family, engine="lme4", control=control)
    m = len(by_lme4.theta)
    spread = 2.0 * np.linalg.inv(by_lme4.optinfo.hessian)[:m, :m]

    def reported(theta):
        T = np.zeros((2, 2) if m == 3 else (1, 1))
        T[np.triu_indices(len(T))[::-1]] = theta
        cov = T @ T.T
        sd = np.sqrt(np.diag(cov))
        if m == 1:
            return np.array([cov[0, 0]]), sd
        correlation = cov[1, 0] / sd.prod()
        return np.append(np.diag(cov), cov[1, 0]), np.append(sd, correlation)

    expected = []
    for which in (0, 1):
        slopes = np.array(
            [
                (
                    reported(by_lme4.theta + step)[which] - reported(by_lme4.theta - step)[which]
                ) / 2e-6
                for step in 1e-6 * np.eye(m)
            ]
        )  # fmt: skip
        expected.append(np.sqrt(np.einsum("ki,kl,li->i", slopes, spread, slopes)))
    for fit in (by_lme4, pylme.glmer(formula, data, family=family, engine="numpy")):
        table = fit.varcorr_table
        np.testing.assert_allclose(table["vcov_std_error"], expected[0], rtol=1e-4)
        np.testing.assert_allclose(table["sdcor_std_error"], expected[1], rtol=1e-4)


def test_with_a_dispersion_they_need_a_likelihood():
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(40), 8)
    mean = np.exp(0.5 + rng.normal(0, 0.5, 40)[g])
    data = {"y": rng.gamma(4.0, mean / 4.0), "g": g}
    model = {"family": "Gamma", "link": "log", "engine": "numpy"}
    fit = pylme.glmer("y ~ 1 + (1 | g)", data, criterion="likelihood", **model)
    table = fit.varcorr_table
    assert table["grp"].tolist() == ["g", "Residual"]
    # sd² = variance: their relative errors differ by a factor of two.
    np.testing.assert_allclose(
        table["vcov_std_error"] / table["vcov"], 2.0 * table["sdcor_std_error"] / table["sdcor"]
    )
    # ln k has about the information of a Gamma sample whose means are known but for 40 + 1.
    from scipy.special import polygamma

    k = 1.0 / table["vcov"].iloc[1]
    free = len(g) - 40
    approximate = 1.0 / np.sqrt(free * k * (k * polygamma(1, k) - 1.0))
    assert table["vcov_std_error"].iloc[1] / table["vcov"].iloc[1] == pytest.approx(
        approximate, rel=0.1
    )
    with pytest.warns(pylme.errors.DispersionWarning):
        by_lme4_criterion = pylme.glmer("y ~ 1 + (1 | g)", data, **model)
    with pytest.raises(pylme.errors.NotAvailableError, match="likelihood"):
        _ = by_lme4_criterion.varcorr_table


def test_a_term_on_the_boundary_has_none():
    g = np.repeat(np.arange(20), 10)
    data = {"y": np.random.default_rng(1).poisson(3.0, len(g)), "g": g}
    with pytest.warns(pylme.errors.SingularFitWarning):
        fit = pylme.glmer("y ~ 1 + (1 | g)", data, family="poisson", engine="numpy")
    assert fit.varcorr_table["sdcor_std_error"].isna().all()
