"""R² and intraclass correlations: performance's, and what they are by definition."""

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import NotAvailableError
from pylme.families import family, negative_binomial
from pylme.inference.quality.explained_variance import distribution_variance
from tests.native import native

SLEEPSTUDY = pylme.datasets.load("sleepstudy")
#: Formula and data set. performance leaves out slopes in separate terms, as of (Days || Subject).
MODELS = [
    ("Reaction ~ Days + (Days | Subject)", "sleepstudy"),
    ("Reaction ~ 1 + (1 | Subject)", "sleepstudy"),
    ("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin"),
    ("strength ~ 1 + (1 | batch/cask)", "pastes"),
    ("angle ~ recipe * temperature + (1 | recipe:replicate)", "cake"),
]
R_NAMES = {"penicillin": "Penicillin", "pastes": "Pastes"}


@pytest.fixture(scope="module")
def answers():
    """What performance says of all models, by one call."""
    parts = []
    for formula, name in MODELS:
        fit = f"lmer({formula}, {R_NAMES.get(name, name)})"
        parts.append(
            f"local({{ f <- {fit}; r <- performance::r2_nakagawa(f); i <- performance::icc(f);"
            "c(r$R2_marginal, r$R2_conditional, i$ICC_adjusted, i$ICC_unadjusted) })"
        )
    return native(f"list({','.join(parts)})")


def ours(fit):
    r2, icc = fit.r2(), fit.icc()
    return [r2.marginal, r2.conditional, icc.adjusted, icc.unadjusted]


@pytest.mark.needs_r
@pytest.mark.parametrize("at", range(len(MODELS)))
def test_linear_models_are_performances(answers, at):
    formula, name = MODELS[at]
    fit = pylme.lmer(formula, pylme.datasets.load(name), engine="lme4")
    np.testing.assert_allclose(ours(fit), answers[at], rtol=1e-9, atol=1e-12)
    fit = fit.update(engine="numpy")
    np.testing.assert_allclose(ours(fit), answers[at], rtol=1e-3, atol=1e-12)


@pytest.mark.needs_r
def test_a_binomial_model_by_definition():
    """Of what lme4 says; how performance treats counts of successes differs between versions."""
    cbpp = pylme.datasets.load("cbpp")
    fit = pylme.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, family="binomial",
        engine="lme4",
    )  # fmt: skip
    of_fixed, of_herds = native(
        "local({ f <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp,"
        "binomial); c(var(as.vector(getME(f, 'X') %*% fixef(f))), VarCorr(f)$herd[1]) })"
    )
    of_logits = np.pi**2 / 3
    whole = of_fixed + of_herds + of_logits
    expected = [
        of_fixed / whole, (of_fixed + of_herds) / whole,
        of_herds / (of_herds + of_logits), of_herds / whole,
    ]  # fmt: skip
    np.testing.assert_allclose(ours(fit), expected, rtol=1e-9)


@pytest.mark.needs_r
def test_counts_by_the_mean_of_the_model_without_predictors():
    data = pylme.datasets.load("grouseticks")
    fit = pylme.glmer("TICKS ~ YEAR + (1 | BROOD)", data, family="poisson", engine="lme4")
    null = pylme.glmer("TICKS ~ 1 + (1 | BROOD)", data, family="poisson", engine="lme4")
    mean = np.exp(null.fixef.iloc[0] + 0.5 * null.varcorr["BROOD"].cov.iloc[0, 0])
    assert fit.r2().parts.residual == pytest.approx(np.log1p(1 / mean), rel=1e-9)


@pytest.mark.needs_r
def test_a_term_of_one_level_a_row_is_residual():
    data = pylme.datasets.load("grouseticks")
    fit = pylme.glmer(
        "TICKS ~ YEAR + (1 | BROOD) + (1 | INDEX)", data, family="poisson", engine="lme4"
    )
    parts = fit.r2().parts
    assert list(parts.random) == ["BROOD"]
    assert parts.residual > fit.varcorr["INDEX"].cov.iloc[0, 0]


def test_singular_fits_and_slopes_without_a_mean():
    dyestuff2 = pylme.datasets.load("dyestuff2")
    with pytest.warns(pylme.errors.SingularFitWarning):
        fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", dyestuff2, engine="numpy")
    np.testing.assert_allclose(ours(fit), np.zeros(4), atol=1e-12)
    fit = pylme.lmer("Reaction ~ 1 + (Days | Subject)", SLEEPSTUDY, engine="numpy")
    # The figure of the mathematics of inference, computed by hand from Z and Σ.
    Z = np.column_stack([np.ones(180), SLEEPSTUDY["Days"]])
    expected = np.einsum("na,ab,nb->n", Z, fit.varcorr["Subject"].cov, Z).mean()
    assert fit.r2().parts.of_groups == pytest.approx(expected)
    # At lme4's optimum with rhoend=1e-11, where the criterion is 1769.8449038587.
    assert expected == pytest.approx(4206.300, abs=0.01)


def test_the_variance_of_a_row_is_that_of_its_effects():
    rng = np.random.default_rng(2)
    data = SLEEPSTUDY.assign(w=rng.uniform(0.5, 2, 180))
    fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", data, weights="w", engine="numpy")
    Z = fit.design.Z.toarray()
    cov = np.kron(np.eye(18), fit.varcorr["Subject"].cov)
    parts = fit.r2().parts
    assert parts.of_groups == pytest.approx(np.trace(cov @ Z.T @ Z) / 180)
    assert parts.fixed == pytest.approx(np.var(fit.design.X @ fit.fixef, ddof=1))
    assert parts.residual == pytest.approx(fit.sigma**2)


def test_shares_of_groups_add_up():
    data = pylme.datasets.load("pastes")
    icc = pylme.lmer("strength ~ 1 + (1 | batch/cask)", data, engine="numpy").icc()
    assert sum(icc.by_group.values()) == pytest.approx(icc.adjusted)
    table = icc.to_frame()
    assert isinstance(table, pd.DataFrame)
    assert table["group"].tolist() == ["cask:batch", "batch", "all"]


def test_variances_of_distributions():
    assert distribution_variance(family("binomial", "probit"), 1.0, 1.0) == 1.0
    assert distribution_variance(family("binomial", "cauchit"), 1.0, 1.0) is None
    assert distribution_variance(family("poisson", "sqrt"), 1.0, 1.0) == 0.25
    assert distribution_variance(negative_binomial(2.0), 4.0, 1.0) == np.log(1.75)
    assert distribution_variance(family("Gamma", "log"), 4.0, 0.5) == np.log(1.25)
    assert distribution_variance(family("Gamma"), 4.0, 0.5) is None


@pytest.mark.needs_r
def test_a_link_without_a_known_variance():
    cbpp = pylme.datasets.load("cbpp")
    fit = pylme.glmer(
        "cbind(incidence, size - incidence) ~ 1 + (1 | herd)", cbpp, family="binomial",
        link="cauchit", engine="lme4",
    )  # fmt: skip
    with pytest.raises(NotAvailableError, match="cauchit"):
        fit.r2()
