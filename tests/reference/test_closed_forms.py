"""Balanced one-way layouts, where the estimates have a closed form.

With J groups of n rows, mean squares MSB between groups and MSW within, λ = σ² + nσ_b² and
a = J - 1 for REML, a = J for ML,

    -2 log L = J(n-1)(log σ² + MSW/σ²) + a log λ + SSB/λ + constant

so that σ̂² = MSW and λ̂ = SSB/a where that is above MSW; else both are (SSW + SSB)/(J(n-1) + a). The
second derivatives give the standard errors: var σ̂² = 2σ⁴/(J(n-1)), var λ̂ = 2λ²/a, independent.
(Searle, Casella & McCulloch 1992, Variance Components, section 3.7-3.8.)
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylme
from tests.tolerances import CLOSED_FORM


def one_way(J, n, between, seed):
    rng = np.random.default_rng(seed)
    y = 10.0 + between * rng.normal(size=J)[:, None] + rng.normal(size=(J, n))
    codes = np.repeat(np.arange(J), n)
    return y, pd.DataFrame({"y": y.ravel(), "g": codes})


@settings(deadline=None)
@given(
    J=st.integers(3, 12),
    n=st.integers(2, 8),
    between=st.sampled_from([0.0, 0.3, 1.0, 5.0]),
    seed=st.integers(0, 10_000),
    reml=st.booleans(),
)
@pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning")
def test_estimates_and_their_errors(J, n, between, seed, reml):
    y, data = one_way(J, n, between, seed)
    fit = pylme.lmer("y ~ 1 + (1 | g)", data, reml=reml, engine="numpy")
    a = J - 1 if reml else J
    within = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum()
    among = n * ((y.mean(axis=1) - y.mean()) ** 2).sum()
    lam, sigma2 = among / a, within / (J * (n - 1))
    singular = lam <= sigma2
    if singular:
        lam = sigma2 = (within + among) / (J * (n - 1) + a)
    criterion = (
        J * (n - 1) * np.log(sigma2) + within / sigma2 + a * np.log(lam) + among / lam
        + (J * n - 1 if reml else J * n) * np.log(2 * np.pi) + (np.log(J * n) if reml else 0.0)
    )  # fmt: skip
    assert fit.criterion == pytest.approx(criterion, rel=1e-10)
    variance = max(0.0, (lam - sigma2) / n)
    assert fit.fixef.to_numpy() == pytest.approx(y.mean(), rel=1e-10)
    assert fit.sigma**2 == pytest.approx(sigma2, rel=CLOSED_FORM)
    assert fit.varcorr.to_frame()["vcov"][0] == pytest.approx(
        variance, rel=CLOSED_FORM, abs=CLOSED_FORM * sigma2
    )
    assert fit.vcov.to_numpy()[0, 0] == pytest.approx(lam / (J * n), rel=CLOSED_FORM)
    shrunk = variance * n / (sigma2 + n * variance) * (y.mean(axis=1) - y.mean())
    np.testing.assert_allclose(
        fit.ranef["g"]["(Intercept)"], shrunk, atol=CLOSED_FORM * np.sqrt(sigma2)
    )
    table = fit.varcorr_table
    if singular:
        assert fit.is_singular()
        assert fit.theta[0] == 0.0
        assert np.isnan(table["vcov_std_error"][0])
        errors = [np.nan, sigma2 * np.sqrt(2 / (J * (n - 1) + a))]
    else:
        of_residual = 2 * sigma2**2 / (J * (n - 1))
        errors = [np.sqrt(2 * lam**2 / a + of_residual) / n, np.sqrt(of_residual)]
    np.testing.assert_allclose(table["vcov_std_error"], errors, rtol=10 * CLOSED_FORM)
    np.testing.assert_allclose(
        table["sdcor_std_error"],
        errors / (2 * table["sdcor"]).replace(0.0, np.nan),
        rtol=10 * CLOSED_FORM,
    )
