"""Studies and power of models with covariance structures."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from tests.structures import repeated

pytestmark = pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")


@pytest.fixture(scope="module")
def fit():
    few = repeated()[repeated()["s"].isin([f"s{i + 1:02d}" for i in range(20)])]
    return pylme.lmer("y ~ x + ar1(0 + t | s)", few, engine="numpy", reml=False)


def test_the_power_of_a_test_of_the_structure(fit):
    """The statistics are those of fits to the same data, one after the other."""
    found = pylme.power(fit, fit.formula, null="y ~ x + (1 | s)", n=3, seed=4)
    assert found.test == "likelihood ratio test against ½ χ²(0) + ½ χ²(1)"
    drawn = fit.simulate(3, seed=4)
    larger = fit.refit(reml=True)
    smaller = pylme.lmer("y ~ x + (1 | s)", fit.data, engine="numpy")
    statistics = [
        smaller.refit(drawn[name]).criterion - larger.refit(drawn[name]).criterion for name in drawn
    ]
    np.testing.assert_allclose(found.statistics.iloc[:, 0], statistics, atol=1e-5)


def test_a_study_of_several_structures(fit):
    models = {
        "ar1": fit.formula, "cs": "y ~ x + cs(0 + t | s, hom = TRUE)", "plain": "y ~ x + (1 | s)",
    }  # fmt: skip
    result = pylme.study(fit, models, n=3, seed=4)
    drawn = fit.simulate(3, seed=4)
    for name, formula in models.items():
        again = [pylme.lmer(formula, fit.data.assign(y=drawn[y]), engine="numpy") for y in drawn]
        x = result.estimates("x")[name]
        np.testing.assert_allclose(x, [one.fixef["x"] for one in again], atol=1e-5)
