"""Wald χ² tables of generalized models are car's, and their R² and ICC are performance's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from tests.native import native

#: Family, link, formula, and whether insight 0.19 has the variance of the distribution that
#: Nakagawa, Johnson & Schielzeth (2017) give: it leaves the random effects out of the mean of
#: counts, and takes the square of the coefficient of variation for the variance of ln(Gamma).
MODELS = (
    ("binomial", "logit", "two ~ f * x + k + (1 | g)", True),
    ("binomial", "probit", "two ~ f * k + x + (1 | g)", True),
    ("binomial", "cloglog", "two ~ f + k + x + (1 | g) + (1 | h)", True),
    ("binomial", "logit", "two ~ f + x + (x | g)", True),
    ("poisson", "log", "count ~ f * k * x + offset(log(e)) + (1 | g) + (1 | h)", False),
    ("poisson", "sqrt", "count ~ f * x + (1 | g)", True),
    ("Gamma", "log", "positive ~ f * k + k:x + (1 | g)", False),
    ("negative", "log", "over ~ f * x + (1 | g)", False),
)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(5)
    n = 240
    g, h = np.arange(n) % 20, np.arange(n) // 24
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=n).round(3),
            "f": pd.Categorical(rng.choice(list("abc"), n, p=[0.5, 0.3, 0.2])),
            "k": pd.Categorical(rng.choice(list("uv"), n)),
            "g": pd.Categorical([f"g{i:02d}" for i in g]),
            "h": pd.Categorical([f"h{i}" for i in h]),
            "e": rng.uniform(0.5, 2.0, n).round(3),
        }
    )
    eta = rng.normal(0.0, 1.0, 20)[g] + rng.normal(0.0, 0.7, 10)[h] - 0.3 * frame["x"]
    eta += 0.5 * (frame["f"] == "b") + rng.normal(0.0, 0.6, 20)[g] * frame["x"]
    frame["two"] = rng.binomial(1, 1.0 / (1.0 + np.exp(-eta)))
    frame["count"] = rng.poisson(frame["e"] * np.exp(0.5 + 0.5 * eta))
    frame["over"] = rng.negative_binomial(2, 2.0 / (2.0 + np.exp(0.5 + 0.5 * eta)))
    frame["positive"] = rng.gamma(3.0, np.exp(0.5 * eta) / 3.0).round(4)
    return frame


@pytest.fixture(scope="module")
def answers(data, tmp_path_factory):
    """What car and performance say of all models, by one call."""
    file = tmp_path_factory.mktemp("tables") / "data.csv"
    data.to_csv(file, index=False)
    fits = []
    for family, link, formula, _ in MODELS:
        coded = "list(f = contr.sum, k = contr.sum)" if "k" in formula.split("|")[0] else None
        coded = coded or "list(f = contr.sum)"
        fits.append(
            f"glmer.nb({formula}, data = d, contrasts = {coded})"
            if family == "negative"
            else f"glmer({formula}, d, {family}('{link}'), contrasts = {coded})"
        )
    return native(
        f"""suppressWarnings(suppressMessages({{
          d <- read.csv("{file}", stringsAsFactors = TRUE)
          of <- function(m) {{
            r <- performance::r2_nakagawa(m)
            i <- performance::icc(m)
            list(as.matrix(car::Anova(m, type = 2)), as.matrix(car::Anova(m, type = 3))[-1, ],
              c(r$R2_marginal, r$R2_conditional, i$ICC_adjusted, i$ICC_unadjusted))
          }}
          lapply(list({", ".join(fits)}), of)
        }}))"""
    )


@pytest.mark.needs_r
@pytest.mark.simulation
@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
@pytest.mark.parametrize("at", range(len(MODELS)))
def test_tables_are_cars_and_shares_are_performances(at, data, answers):
    family, link, formula, same_variance = MODELS[at]
    coded = {name: "sum" for name in "fk" if name in formula.split("|")[0].split()}
    if family == "negative":
        fit = pylme.glmer_nb(formula, data, contrasts=coded, engine="lme4")
    else:
        fit = pylme.glmer(
            formula, data, family=family, link=link, contrasts=coded, engine="lme4"
        )  # fmt: skip
    two, three, shares = answers[at]
    for kind, expected in ((2, two), (3, three)):
        found = fit.anova(type=kind)
        np.testing.assert_allclose(
            np.column_stack([found.statistic, found.df_num, found.p_value]),
            np.reshape(expected, (-1, 3)), rtol=1e-9, err_msg=f"type {kind}",
        )  # fmt: skip
    if same_variance:
        r2, icc = fit.r2(), fit.icc()
        found = [r2.marginal, r2.conditional, icc.adjusted, icc.unadjusted]
        np.testing.assert_allclose(found, np.ravel(shares), rtol=1e-8)


def test_a_factor_is_part_of_its_interaction_with_a_covariate_in_chi_square_tests(data):
    """Type II of the factor is that of the model without the interaction, in its own metric."""
    fit = pylme.glmer("two ~ f * x + (1 | g)", data, family="binomial", engine="numpy")
    V, beta = fit.vcov.to_numpy(), fit.fixef.to_numpy()
    own, more = [1, 2], [4, 5]
    both = own + more

    def chi2(places):
        return beta[places] @ np.linalg.solve(V[np.ix_(places, places)], beta[places])

    assert fit.anova(type=2).statistic[0] == pytest.approx(chi2(both) - chi2(more), rel=1e-9)
