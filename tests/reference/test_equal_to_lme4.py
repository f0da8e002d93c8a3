"""The whole fit object against lme4's: at lme4's theta to rounding, and each at its optimum."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import pylme
from tests.reference.models import MODELS, at_theta, both, table
from tests.tolerances import IN_ERRORS, NOT_ABOVE, SAME_THETA, STOPPING_ERROR, TWO_WAYS

pytestmark = pytest.mark.needs_r


@pytest.fixture(scope="module", params=MODELS)
def pair(request):
    """The fit that the reference gives at lme4's theta, and lme4's own."""
    model = MODELS[request.param]
    _, theirs = both(request.param)
    return at_theta(model.formula, table(model.data), theirs.theta, **model.arguments), theirs


@pytest.fixture(scope="module", params=MODELS)
def optima(request):
    """The fits of both engines, each at its own optimum."""
    return both(request.param)


def close(ours, theirs):
    """To rounding, relative to the largest element."""
    theirs = np.asarray(theirs, dtype=float)
    size = np.abs(theirs[np.isfinite(theirs)]).max(initial=0.0)
    np.testing.assert_allclose(ours, theirs, rtol=TWO_WAYS, atol=TWO_WAYS * size)


def test_numbers(pair):
    ours, theirs = pair
    for name in ("criterion", "loglik", "aic", "bic", "df_resid", "sigma", "nobs"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=SAME_THETA)
    assert ours.ngrps == theirs.ngrps
    if "||" not in ours.formula:  # lme4 shows what it makes of a double bar
        assert ours.formula == theirs.formula
    assert ours._estimates.lower.tolist() == theirs._estimates.lower.tolist()
    assert ours._estimates.dropped == theirs._estimates.dropped
    for tol in (1e-5, 1e-4, 0.1, 1.0):
        assert ours.is_singular(tol) is theirs.is_singular(tol)


def test_fixed_effects(pair):
    ours, theirs = pair
    assert ours.coef_table.index.tolist() == theirs.coef_table.index.tolist()
    close(ours.fixef, theirs.fixef)
    close(ours.vcov, theirs.vcov)
    close(ours.coef_table, theirs.coef_table)


def test_varcorr(pair):
    ours, theirs = pair
    for order in ("cov.last", "lower.tri"):
        mine, reference = (fit.varcorr.to_frame(order=order) for fit in pair)
        for name in ("grp", "var1", "var2"):
            assert mine[name].tolist() == reference[name].tolist()
        close(mine[["vcov", "sdcor"]], reference[["vcov", "sdcor"]])
    assert str(ours.varcorr) == str(theirs.varcorr)


def test_random_effects_and_their_variances(pair):
    ours, theirs = pair
    assert list(ours.ranef) == list(theirs.ranef)
    for group, frame in theirs.ranef.items():
        mine = ours.ranef[group]
        assert mine.index.equals(frame.index)
        assert mine.index.name == frame.index.name
        assert mine.columns.tolist() == frame.columns.tolist()
        close(mine, frame)
        close(ours.ranef_var[group], theirs.ranef_var[group])


def test_rows(pair):
    ours, theirs = pair
    close(ours.fitted, theirs.fitted)
    for kind in ("deviance", "pearson", "response", "working", "scaled"):
        close(ours.residuals_of(kind), theirs.residuals_of(kind))
    mine, reference = ours.augment(), theirs.augment()
    assert mine.columns.tolist() == reference.columns.tolist()
    for name in reference:
        if isinstance(reference[name].dtype, pd.CategoricalDtype):
            assert mine[name].tolist() == reference[name].tolist()
            assert mine[name].dtype == reference[name].dtype
        else:
            close(mine[name], reference[name])


def test_tidy_and_glance(pair):
    ours, theirs = pair
    for effects in ("fixed", "ran_pars", "ran_vals"):
        mine, reference = ours.tidy(effects, conf_int=True), theirs.tidy(effects, conf_int=True)
        assert mine.columns.tolist() == reference.columns.tolist()
        for name in reference:
            if reference[name].dtype.kind == "f":
                close(mine[name], reference[name])
            else:
                assert mine[name].tolist() == reference[name].tolist()
    mine, reference = ours.glance(), theirs.glance()
    assert mine.columns.tolist() == reference.columns.tolist()
    assert [mine.pop("engine").item(), reference.pop("engine").item()] == ["numpy", "lme4"]
    close(mine, reference)


def test_summary_text(pair):
    """Line by line, but for the engine's name, and what it says of its optimiser at the end."""
    ours, theirs = (str(fit.summary()).split("\noptimizer (")[0].rstrip("\n") for fit in pair)
    assert "\n Engine: numpy\n" in ours
    ours = ours.replace("\n Engine: numpy\n", "\n", 1)
    if "||" in ours:
        ours, theirs = (re.sub("Formula: .*", "", text) for text in (ours, theirs))
    assert ours == theirs


def test_the_criterion_is_not_above_lme4s(optima):
    ours, theirs = optima
    assert ours.criterion <= theirs.criterion + NOT_ABOVE
    assert ours.convergence.status in {pylme.Status.CONVERGED, pylme.Status.SINGULAR}


def test_theta_in_the_hessians_norm(optima):
    """½ δᵀHδ, by how much lme4 stopped short as the quadratic model has it."""
    ours, theirs = optima
    away = theirs.theta - ours.theta
    assert 0.5 * away @ ours.optinfo.hessian @ away < STOPPING_ERROR


def test_estimates_at_the_optimum(optima):
    ours, theirs = optima
    errors = np.sqrt(np.diag(theirs.vcov))
    np.testing.assert_allclose((ours.fixef - theirs.fixef) / errors, 0.0, atol=IN_ERRORS)
    for group, frame in theirs.ranef.items():
        spread = np.sqrt(np.diagonal(theirs.ranef_var[group], axis1=1, axis2=2))
        size = spread.max() + 10.0 * frame.std().max()
        np.testing.assert_allclose(ours.ranef[group], frame, atol=IN_ERRORS * size)
    np.testing.assert_allclose(ours.sigma, theirs.sigma, rtol=IN_ERRORS)
