"""Likelihood ratio tests against R's anova, lmerTest's ranova and RLRsim."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import pylme
from pylme.inference.likelihood_ratio_tests.exact_test import exact_test
from tests.native import native

LOAD = pylme.datasets.load
pytestmark = pytest.mark.needs_r
FORMULAS = ("Reaction ~ 1 + (1 | Subject)", "Reaction ~ Days + (1 | Subject)",
            "Reaction ~ Days + (Days | Subject)")  # fmt: skip


def fits(formulas=FORMULAS, name="sleepstudy", **arguments):
    return [pylme.lmer(f, LOAD(name), engine="numpy", **arguments) for f in formulas]


@pytest.fixture(scope="module")
def of_r():
    models = ",".join(f"lmer({f}, sleepstudy)" for f in FORMULAS)
    return native(
        f"""
        models <- list({models})
        restricted <- anova(models[[2]], models[[3]], refit = FALSE)
        refitted <- suppressMessages(anova(models[[1]], models[[2]], models[[3]]))
        random <- lmerTest::ranova(models[[3]])
        two <- lmerTest::ranova(lmer(strength ~ 1 + (1 | batch) + (1 | batch:cask), Pastes))
        binary <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial)
        null <- update(binary, . ~ . - period)
        table <- function(x) as.list(as.data.frame(x))
        set.seed(1)
        data <- transform(sleepstudy[-(1:27), ], x = Days)
        small <- lmer(Reaction ~ Days + (1 | Subject), data[data$Days %in% c(0, 3, 5) |
                      data$Subject %in% c(333, 334, 335), ])
        list(restricted = table(restricted), refitted = table(refitted), random = table(random),
             two = table(two), binary = table(anova(null, binary)),
             simulated = RLRsim::RLRTSim(getME(small, "X"), as.matrix(t(getME(small, "Zt"))),
                                         qrX = qr(getME(small, "X")),
                                         sqrt.Sigma = diag(ncol(t(getME(small, "Zt")))),
                                         nsim = 20000))
        """
    )


def columns(found, *names):
    return np.column_stack([np.asarray(found[name], dtype=float) for name in names])


def test_refitted_by_ml(of_r):
    table = pylme.anova(*fits())
    assert table.refitted
    assert not table.reml
    frame = table.to_frame()
    own = frame[["n_parameters", "aic", "bic", "loglik", "statistic", "df", "p_value"]]
    theirs = columns(of_r["refitted"], "npar", "AIC", "BIC", "logLik", "Chisq", "Df", "Pr(>Chisq)")
    np.testing.assert_allclose(own.to_numpy(dtype=float), theirs, rtol=1e-6)
    # In any order, and by the fits themselves.
    again = pylme.anova(*fits(reml=False)[::-1])
    assert not again.refitted
    np.testing.assert_allclose(again.statistic, table.statistic, rtol=1e-7)


def test_restricted_likelihoods_of_the_same_fixed_effects(of_r):
    table = pylme.anova(*fits()[1:])
    assert table.reml
    own = table.to_frame()[["loglik", "statistic", "df", "p_value"]].to_numpy(dtype=float)
    theirs = columns(of_r["restricted"], "logLik", "Chisq", "Df", "Pr(>Chisq)")
    np.testing.assert_allclose(own, theirs, rtol=1e-6)
    fall = table.statistic[1]
    mixed = 0.5 * (stats.chi2.sf(fall, 1) + stats.chi2.sf(fall, 2))
    assert table.p_boundary[1] == pytest.approx(mixed)


def test_generalized_models(of_r):
    formulas = [f"cbind(incidence, size - incidence) ~ {x} + (1 | herd)" for x in ("1", "period")]
    table = pylme.anova(*(pylme.glmer(f, LOAD("cbpp"), family="binomial") for f in formulas))
    own = table.to_frame()[["aic", "loglik", "statistic", "df", "p_value"]].to_numpy(dtype=float)
    theirs = columns(of_r["binary"], "AIC", "logLik", "Chisq", "Df", "Pr(>Chisq)")
    np.testing.assert_allclose(own, theirs, rtol=1e-5)


def test_negative_binomial_models_have_each_its_own_shape():
    ticks = LOAD("grouseticks")
    small, large = (
        pylme.glmer_nb(f"TICKS ~ {x} + (1 | BROOD)", ticks, engine="numpy") for x in ("1", "YEAR")
    )
    assert small.getme("glmer.nb.theta") != large.getme("glmer.nb.theta")
    line = pylme.anova(small, large).to_frame().iloc[1]
    assert line["df"] == 2
    assert line["statistic"] == pytest.approx(small.criterion - large.criterion)


def test_ranova(of_r):
    table = fits()[2].ranova()
    own = table.to_frame()[["n_parameters", "loglik", "aic", "statistic", "df", "p_value"]]
    names = ("npar", "logLik", "AIC", "LRT", "Df", "Pr(>Chisq)")
    theirs = columns(of_r["random"], *names)
    np.testing.assert_allclose(own.to_numpy(dtype=float), theirs[1:], rtol=1e-6)
    np.testing.assert_allclose(table.full, theirs[0, :3], rtol=1e-6)
    two = fits(["strength ~ 1 + (1 | batch) + (1 | batch:cask)"], "pastes")[0].ranova()
    theirs = columns(of_r["two"], *names)[1:]
    order = np.argsort(theirs[:, 3])
    own = two.to_frame().sort_values("statistic")[["statistic", "p_value"]].to_numpy()
    np.testing.assert_allclose(own, theirs[order][:, [3, 5]], rtol=1e-4, atol=1e-13)
    assert two.to_frame()["p_exact"].isna().all()


def test_the_exact_distribution_is_that_of_rlrsim(of_r):
    data = LOAD("sleepstudy")
    data = data.iloc[27:]
    kept = data["Days"].isin([0, 3, 5]) | data["Subject"].astype(str).isin(["333", "334", "335"])
    fit = pylme.lmer("Reaction ~ Days + (1 | Subject)", data[kept], engine="numpy")
    linear = fit._model.linear_problem()
    theirs = np.asarray(of_r["simulated"])
    for level in (0.5, 0.8, 0.9, 0.95, 0.99):
        value = float(np.quantile(theirs, level))
        if value > 0:
            own = exact_test(linear, value)
            error = np.sqrt(level * (1 - level) / len(theirs))
            assert own.p_value == pytest.approx(1 - level, abs=4 * error + 4 * own.std_error)
