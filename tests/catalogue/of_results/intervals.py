"""Messages about profile likelihood and intervals."""

from __future__ import annotations

import numpy as np

import pylme
from tests.catalogue.case import DATA, Case

__all__ = ["CASES"]


def _fit() -> pylme.Fit:
    return pylme.lmer("y ~ x + (1 | g)", DATA, engine="numpy")


def _of(formula: str, **arguments: object) -> pylme.Fit:
    return pylme.lmer(formula, DATA.assign(**arguments), engine="numpy")


def _binary(formula: str = "two ~ x + (1 | g)") -> pylme.Fit:
    return pylme.glmer(formula, DATA, family="binomial")


def _counted(formula: str = "count ~ x + (1 | g)", **arguments: object) -> pylme.Fit:
    rows = DATA.assign(count=np.exp(DATA["x"]).round() + 1.0)
    return pylme.glmer(formula, rows, engine="numpy", **{"family": "poisson", **arguments})


CASES = {
    "no profile of a fit from JSON": Case(
        trigger=lambda: pylme.from_json(_fit().to_json()).confint(),
        kind="NotAvailableError",
        said="does not contain the matrices",
        remedy=lambda: pylme.from_json(_fit().to_json()).confint("wald"),
    ),
    "no table of the random effects of a generalized model": Case(
        trigger=lambda: _counted().ranova(),
        kind="NotAvailableError",
        said="pylme.anova(smaller, fit)",
        remedy=lambda: (
            pylme.anova(_counted(), _counted(formula="count ~ x + (1 | g) + (1 | h)")),
            _counted().confint("profile"),
        ),
    ),
    "no restricted likelihood of a generalized model": Case(
        trigger=lambda: _counted().confint(parameters="ran_pars", reml=True),
        kind="NotAvailableError",
        said="a generalized model has none",
        remedy=lambda: _counted().confint(parameters="ran_pars", reml=False),
    ),
    "no profile where fixed effects are no parameters": Case(
        trigger=lambda: _counted(n_agq=0).profile(),
        kind="NotAvailableError",
        said="no parameters of the criterion",
        remedy=lambda: _counted(n_agq=1).profile(),
    ),
    "no profile of a criterion that is no likelihood": Case(
        trigger=lambda: _counted(family="gaussian", link="log").profile(),
        kind="NotAvailableError",
        said="approximates no likelihood",
        remedy=lambda: _counted(family="gaussian", link="log", criterion="likelihood").profile(),
    ),
    "no restricted likelihood of a coefficient": Case(
        trigger=lambda: _fit().confint(parameters="x", reml=True),
        kind="NotAvailableError",
        said="no function of the fixed effects",
        remedy=lambda: _fit().confint(parameters="ran_pars", reml=True),
    ),
    "unknown parameter": Case(
        trigger=lambda: _fit().confint(parameters="sd__x | g"),
        kind="UnknownNameError",
        said="sd__(Intercept) | g",
        remedy=lambda: _fit().confint(parameters="sd__(Intercept) | g"),
    ),
    "parameters that are no names": Case(
        trigger=lambda: _fit().confint(parameters=3),
        kind="OptionError",
        said="names of parameters",
        remedy=lambda: _fit().confint(parameters=[".sig01", "x"]),
    ),
    "one Axes for several profiles": Case(
        trigger=lambda: pylme.plot.profile(_fit(), ax=pylme.plot.residuals(_fit())),
        kind="OptionError",
        said="matplotlib Axes, one for each panel",
        remedy=lambda: pylme.plot.profile(_fit()),
    ),
    "pairs of one profile": Case(
        trigger=lambda: pylme.plot.profile_pairs(_fit(), "x"),
        kind="NotAvailableError",
        said="one parameter, x",
        remedy=lambda: pylme.plot.profile_pairs(_fit(), ["x", ".sigma"]),
    ),
    "one fit is no comparison": Case(
        trigger=lambda: pylme.anova(_fit()),
        kind="OptionError",
        said="two fits or more",
        remedy=lambda: pylme.anova(_fit(), _of("y ~ 1 + (1 | g)")),
    ),
    "restricted likelihoods of different fixed effects": Case(
        trigger=lambda: pylme.anova(_fit(), _of("y ~ 1 + (1 | g)"), refit=False),
        kind="OptionError",
        said="their likelihoods cannot be compared",
        remedy=lambda: pylme.anova(_fit(), _of("y ~ 1 + (1 | g)"), refit=True),
    ),
    "models that are not nested": Case(
        trigger=lambda: pylme.anova(_fit(), _of("y ~ f + (1 | g) + (1 | h)")),
        kind="OptionError",
        said="fixed effects that",
        remedy=lambda: pylme.anova(_fit(), _of("y ~ x + f + (1 | g) + (1 | h)")),
    ),
    "responses that differ": Case(
        trigger=lambda: pylme.anova(_fit(), _of("y ~ 1 + (1 | g)", y=DATA["y"] + 1)),
        kind="OptionError",
        said="the same response",
    ),
    "approximations that differ": Case(
        trigger=lambda: pylme.anova(_counted(n_agq=5), _counted("count ~ 1 + (1 | g)")),
        kind="OptionError",
        said="the same n_agq",
        remedy=lambda: pylme.anova(_counted(), _counted("count ~ 1 + (1 | g)")),
    ),
    "no bootstrap of generalized models": Case(
        trigger=lambda: pylme.anova(_binary(), _binary("two ~ 1 + (1 | g)"), bootstrap=9),
        kind="OptionError",
        said="0 for generalized models",
        remedy=lambda: pylme.anova(_binary(), _binary("two ~ 1 + (1 | g)")),
        needs_r=True,
    ),
}
