"""The summary, character for character what R prints."""

from __future__ import annotations

import pytest

import pylme
from tests.native import native_print

pytestmark = [pytest.mark.needs_r, pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")]


def load(name):
    return pylme.datasets.load(name)


#: Our fit, and R's: there the data stand under the name `data`, as they do here.
MODELS = {
    "reml": (
        lambda: pylme.lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy")),
        "data <- sleepstudy; lmer(Reaction ~ Days + (Days | Subject), data)",
    ),
    "ml": (
        lambda: pylme.lmer("Reaction ~ Days + (Days || Subject)", load("sleepstudy"), reml=False),
        "data <- sleepstudy; lmer(Reaction ~ Days + (Days || Subject), data, REML = FALSE)",
    ),
    "the question": (
        lambda: pylme.lmer("math ~ ses*sector + (ses | sch.id)", load("hsb")),
        "data <- merge(nlme::MathAchieve, nlme::MathAchSchool[, c('School', 'Sector')]);"
        "data <- data.frame(sch.id = factor(as.character(data$School)), math = data$MathAch,"
        " ses = data$SES, sector = factor(data$Sector, levels = c('Public', 'Catholic')));"
        "lmer(math ~ ses*sector + (ses | sch.id), data)",
    ),
    "crossed, intercept only": (
        lambda: pylme.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", load("penicillin")),
        "data <- Penicillin; lmer(diameter ~ 1 + (1 | plate) + (1 | sample), data)",
    ),
    "nested": (
        lambda: pylme.lmer("strength ~ 1 + (1 | batch/cask)", load("pastes"), reml=False),
        "data <- Pastes; lmer(strength ~ 1 + (1 | batch/cask), data, REML = FALSE)",
    ),
    "singular": (
        lambda: pylme.lmer("Yield ~ 1 + (1 | Batch)", load("dyestuff2")),
        "data <- Dyestuff2; lmer(Yield ~ 1 + (1 | Batch), data)",
    ),
    "many coefficients": (
        lambda: pylme.lmer("angle ~ recipe * temperature + (1 | recipe:replicate)", load("cake")),
        "data <- cake; lmer(angle ~ recipe * temperature + (1 | recipe:replicate), data)",
    ),
    "binomial": (
        lambda: pylme.glmer(
            "cbind(incidence, size - incidence) ~ period + (1 | herd)", load("cbpp")
        ),
        "data <- cbpp; glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), data,"
        " family = binomial)",
    ),
    "poisson, not converged": (
        lambda: pylme.glmer(
            "TICKS ~ YEAR + HEIGHT + (1 | BROOD) + (1 | LOCATION)",
            load("grouseticks"),
            family="poisson",
        ),
        "data <- grouseticks; glmer(TICKS ~ YEAR + HEIGHT + (1 | BROOD) + (1 | LOCATION), data,"
        " family = poisson)",
    ),
    "negative binomial": (
        lambda: pylme.glmer_nb("TICKS ~ YEAR + (1 | BROOD)", load("grouseticks")),
        "data <- grouseticks; glmer.nb(TICKS ~ YEAR + (1 | BROOD), data = data)",
    ),
    "weights and offset": (
        lambda: pylme.lmer(
            "Reaction ~ Days + (Days | Subject)",
            load("sleepstudy").assign(w=lambda d: 1 + d["Days"], o=lambda d: d["Days"] / 2),
            weights="w",
            offset="o",
        ),
        "data <- transform(sleepstudy, w = 1 + Days, o = Days / 2);"
        "lmer(Reaction ~ Days + (Days | Subject), data, weights = w, offset = o)",
    ),
    "control": (
        lambda: pylme.lmer(
            "Reaction ~ Days + (Days | Subject)",
            load("sleepstudy"),
            control=pylme.LmerControl(optimizer="bobyqa", opt_ctrl={"maxfun": 40}),
        ),
        "data <- sleepstudy; lmer(Reaction ~ Days + (Days | Subject), data,"
        " control = lme4::lmerControl(optimizer = 'bobyqa', optCtrl = list(maxfun = 40)))",
    ),
    "rank deficient": (
        lambda: pylme.lmer(
            "Reaction ~ Days + twice + (1 | Subject)",
            load("sleepstudy").assign(twice=lambda d: 2 * d["Days"]),
        ),
        "data <- transform(sleepstudy, twice = 2 * Days);"
        "lmer(Reaction ~ Days + twice + (1 | Subject), data)",
    ),
    "a three by three block and another": (
        lambda: pylme.lmer("angle ~ temp + (recipe | replicate) + (1 | temperature)", load("cake")),
        "data <- cake; lmer(angle ~ temp + (recipe | replicate) + (1 | temperature), data)",
    ),
    "a long formula": (
        lambda: pylme.glmer(
            "r2 ~ Anger + Gender + btype + situ + mode + (1 | id) + (1 | item)",
            load("verbagg"),
            n_agq=0,
        ),
        "data <- VerbAgg; glmer(r2 ~ Anger + Gender + btype + situ + mode + (1 | id) + (1 | item),"
        " data, family = binomial, nAGQ = 0L)",
    ),
    "no fixed effects": (
        lambda: pylme.lmer(
            "y ~ 0 + (1 | Batch)", load("dyestuff").assign(y=lambda d: d["Yield"] - 1527.5)
        ),
        "data <- transform(Dyestuff, y = Yield - 1527.5); lmer(y ~ 0 + (1 | Batch), data)",
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_prints_what_r_prints(name):
    make, code = MODELS[name]
    theirs = native_print(f"summary(local({{ {code} }}))")
    assert str(make().summary()).rstrip("\n").splitlines() == theirs.rstrip("\n").splitlines()
