"""Messages about profile likelihood and intervals."""

from __future__ import annotations

import pylme

from .case import DATA, Case

__all__ = ["CASES"]


def _fit() -> pylme.Fit:
    return pylme.lmer("y ~ x + (1 | g)", DATA, engine="numpy")


CASES = {
    "no profile of a fit from JSON": Case(
        trigger=lambda: pylme.from_json(_fit().to_json()).confint(),
        kind="NotAvailableError",
        said="matrices of a linear mixed model",
        remedy=lambda: pylme.from_json(_fit().to_json()).confint("wald"),
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
        said="None where several parameters are drawn",
        remedy=lambda: pylme.plot.profile(_fit()),
    ),
    "pairs of one profile": Case(
        trigger=lambda: pylme.plot.profile_pairs(_fit(), "x"),
        kind="NotAvailableError",
        said="one parameter, x",
        remedy=lambda: pylme.plot.profile_pairs(_fit(), ["x", ".sigma"]),
    ),
}
