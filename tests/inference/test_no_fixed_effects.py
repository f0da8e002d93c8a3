"""Models without fixed effects: empty tables of tests, predictions from random effects alone."""

from __future__ import annotations

import numpy as np
import pytest

import pylme


@pytest.fixture(scope="module", params=["Days", "1"])
def fit(request):
    sleepstudy = pylme.datasets.load("sleepstudy")
    centred = sleepstudy.assign(y=sleepstudy["Reaction"] - sleepstudy["Reaction"].mean())
    return pylme.lmer(f"y ~ 0 + ({request.param} | Subject)", centred, engine="numpy")


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger", "normal"])
def test_tables_of_tests_have_no_rows(fit, ddf):
    assert len(fit.coef_test(ddf=ddf).to_frame()) == 0
    assert len(fit.anova(ddf=ddf).to_frame()) == 0
    assert set(fit.tidy(ddf=ddf)["effect"]) == {"ran_pars"}


def test_predictions_are_the_modes_with_their_conditional_variances(fit):
    """Without β the error of prediction at θ̂ is that of b given y: lme4's conditional variance."""
    made = fit.predict(interval="confidence")
    np.testing.assert_allclose(made["estimate"], fit.fitted)
    rows = pylme.datasets.load("sleepstudy")
    z = np.column_stack([np.ones(len(rows)), rows["Days"]])[:, : len(fit.ranef["Subject"].columns)]
    V = fit.ranef_var["Subject"][np.searchsorted(np.unique(rows["Subject"]), rows["Subject"])]
    np.testing.assert_allclose(made["std_error"] ** 2, np.einsum("na,nab,nb->n", z, V, z))


def test_the_population_mean_is_known(fit):
    made = fit.predict(random="none", interval="confidence")
    assert (made[["estimate", "std_error", "conf_low", "conf_high"]] == 0.0).all(axis=None)
