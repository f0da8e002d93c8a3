"""Covariance structures by lme4 2 and by the NumPy engine, cell for cell."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import pylme
from pylme.versions import has
from tests.structures import STRUCTURES, repeated, terms

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning"),
    pytest.mark.skipif(not has("structures"), reason="lme4 has covariance structures since 2.0"),
]

#: Where lme4 2.1 stops at a correlation's limit, above the optimum or with NaN for its estimates.
STUCK = {"cs(1 + x | g) + (1 | s)", "cs(0 + t | g, hom = TRUE)"}
#: By how much lme4's optimum may lie above: its optimiser stops there.
STOPS = 2e-5


@cache
def both(random, reml=True):
    formula = f"y ~ x + {random}"
    return tuple(
        pylme.lmer(formula, repeated(), reml=reml, engine=engine) for engine in ("lme4", "numpy")
    )


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("random", terms())
def test_the_criterion_is_lme4s(random, reml):
    theirs, ours = both(random, reml)
    above = theirs.criterion - ours.criterion
    assert above > -1e-6
    assert above < STOPS or random in STUCK
    assert theirs.glance()["df_residual"].item() == ours.glance()["df_residual"].item()


@pytest.mark.parametrize("random", terms())
def test_the_verdict_is_right(random):
    theirs, ours = both(random)
    right = {"AGREES", "SINGULAR_CERTIFIED", "FALSE_ALARM"}
    assert ours.cross_check().verdict.name in right
    stuck = {"STOPPED_SHORT", "UNCHECKED"} if random in STUCK else set()
    assert theirs.cross_check().verdict.name in right | stuck, theirs.cross_check()


@pytest.mark.parametrize("random", STRUCTURES)
def test_parameters_and_names_are_lme4s(random):
    theirs, ours = both(random)
    np.testing.assert_allclose(ours.theta, theirs.theta, atol=2e-3)
    np.testing.assert_allclose(ours.getme("par"), theirs.getme("par"), atol=2e-3)
    assert ours.getme("npar") == theirs.getme("npar")
    np.testing.assert_array_equal(ours.getme("Lind"), theirs.getme("Lind"))


@pytest.mark.parametrize("random", terms())
def test_varcorr_prints_as_lme4_prints(random):
    theirs, _ = both(random)
    lines = native_lines(theirs)
    assert str(theirs.varcorr).splitlines() == lines
    frame = theirs.varcorr.to_frame()
    cells = native_frame(theirs)
    np.testing.assert_allclose(frame["vcov"], cells["vcov"], rtol=1e-12)
    np.testing.assert_allclose(frame["sdcor"], cells["sdcor"], rtol=1e-12)


def native_lines(fit):
    return list(_asked(fit, "utils::capture.output(print(lme4::VarCorr(fit)))"))


def native_frame(fit):
    return _asked(fit, "as.list(as.data.frame(lme4::VarCorr(fit))[c('vcov', 'sdcor')])")


def _asked(fit, code):
    from rpy2 import rinterface as ri

    from pylme.lme4.from_r import from_r

    function = ri.evalr(f"function(fit) {code}")
    return from_r(function(fit._model.handle.sexp))


def test_double_bars_mean_the_same_whatever_an_option_of_lme4_says():
    from rpy2 import rinterface as ri

    model = "y ~ x + (1 + x || s)"
    plain = pylme.lmer(model, repeated(), engine="lme4")
    option = "options(lme4.doublevert.default = {})"
    ri.evalr(option.format("'diag_special'"))
    try:
        fit = pylme.lmer(model, repeated(), engine="lme4")
        theirs = ri.evalr(
            "function(fit) lme4::lmer(y ~ x + (1 + x || s), stats::model.frame(fit))"
        )(plain._model.handle.sexp)
    finally:
        ri.evalr(option.format("NULL"))
    assert [term.kind for term in fit.varcorr.terms] == ["us", "us"]
    # A fit that somebody made with the option is read as what it is.
    read = pylme.from_r(theirs)
    assert read.formula == "y ~ x + diag(1 + x | s)"
    assert read.criterion == pytest.approx(plain.criterion, rel=1e-8)
    assert read.cross_check().verdict.name == "AGREES"


def test_a_fit_of_scaled_columns_is_not_read():
    from rpy2 import rinterface as ri

    plain = pylme.lmer("y ~ x + (1 | s)", repeated(), engine="lme4")
    theirs = ri.evalr(
        "function(fit) lme4::lmer(y ~ x + (1 | s), stats::model.frame(fit), "
        "control = lme4::lmerControl(autoscale = TRUE))"
    )(plain._model.handle.sexp)
    with pytest.raises(pylme.errors.NotAvailableError, match="autoscale"):
        pylme.from_r(theirs)


@pytest.mark.parametrize("random", ["ar1(0 + period | herd)", "cs(0 + period | herd, hom = TRUE)"])
def test_a_generalized_model_is_fitted_by_lme4_and_not_checked(random):
    data = pylme.datasets.load("cbpp")
    formula = f"cbind(incidence, size - incidence) ~ period + {random}"
    fit = pylme.glmer(formula, data, family="binomial")
    (term,) = fit.varcorr.terms
    # As many parameters as lme4 counts: four of the fixed effects, and two.
    assert fit.glance()["df_residual"].item() == len(data) - 6
    assert np.ptp(np.diag(term.cov)) < 1e-12
    found = fit.cross_check()
    assert found.verdict.name == "UNCHECKED"
    assert "covariance structures for linear models only" in str(found)
    with pytest.raises(pylme.errors.NotAvailableError, match="wald"):
        fit.confint()
    sd = fit.confint(method="wald").set_index("term").loc["sd__*", "estimate"]
    assert sd == pytest.approx(np.sqrt(term.cov[0, 0]))


def test_one_row_for_each_effect_is_taken():
    data = repeated().groupby(["s", "t"], observed=True).first().reset_index()
    theirs, ours = (
        pylme.lmer("y ~ x + ar1(0 + t | s)", data, engine=engine) for engine in ("lme4", "numpy")
    )
    assert theirs.criterion - ours.criterion > -1e-6
