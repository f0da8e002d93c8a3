"""Messages of what is asked after a fit: tests, intervals, predictions."""

from __future__ import annotations

from functools import cache

import numpy as np

import pylme
from pylme.versions import has
from tests.catalogue.case import DATA, Case

__all__ = ["CASES"]

MODEL = "y ~ x + f + (1 | g)"


@cache
def _fit() -> pylme.Fit:
    return pylme.lmer(MODEL, DATA, engine="numpy")


@cache
def _counts() -> pylme.Fit:
    return pylme.glmer("count ~ x + (1 | g)", DATA, family="poisson")


def _proposed(names: str) -> None:
    for name in names.split("'")[1::2]:
        _fit().test(name)


CASES = {
    "coefficient": Case(
        trigger=lambda: _fit().test("fbb"),
        kind="UnknownNameError",
        said="the coefficient 'fbb'",
        remedy=_proposed,
        parsed="Did you mean (.+)",
    ),
    "coefficient in an equation": Case(
        trigger=lambda: _fit().test("fbb - x = 0"),
        kind="UnknownNameError",
        said="Did you mean 'fb'",
        remedy=lambda: _fit().test("fb - x = 0"),
    ),
    "hypothesis that is not linear": Case(
        trigger=lambda: _fit().test("x*fb = 0"),
        kind="OptionError",
        said="linear equations such as",
        remedy=lambda text: _fit().test(text),
        parsed="such as '(.+?)' divided",
    ),
    "hypothesis of a wrong shape": Case(
        trigger=lambda: _fit().test([1, 0]),
        kind="OptionError",
        said="a matrix with 3 columns",
        remedy=lambda width: _fit().test(np.eye(int(width))),
        parsed="a matrix with (.+) columns",
    ),
    "degrees of freedom of a generalized model": Case(
        trigger=lambda: _counts().coef_test(ddf="satterthwaite"),
        kind="NotAvailableError",
        said="defined for linear mixed models",
        remedy=lambda ddf: _counts().coef_test(ddf=ddf),
        parsed='Use ddf="(.+)",',
        needs_r=True,
    ),
    "degrees of freedom of a fit from JSON": Case(
        trigger=lambda: pylme.from_json(_fit().to_json()).test("x", ddf="kenward-roger"),
        kind="NotAvailableError",
        said="a fit from JSON does not contain the matrices",
        remedy=lambda ddf: pylme.from_json(_fit().to_json()).test("x", ddf=ddf),
        parsed='use ddf="(.+)"',
    ),
    "adjusted covariance matrix of a fit from JSON": Case(
        trigger=lambda: pylme.from_json(_fit().to_json()).vcov_of("kenward-roger"),
        kind="NotAvailableError",
        said="does not contain the matrices that it is computed from",
        remedy=lambda kind: pylme.from_json(_fit().to_json()).vcov_of(kind),
        parsed='Use kind="(.+?)"',
    ),
    "covariance matrix that a linear model does not have": Case(
        trigger=lambda: _fit().vcov_of("rx"),
        kind="NotAvailableError",
        said="there is one covariance matrix",
        remedy=lambda kind: _fit().vcov_of(kind),
        parsed='Use kind="(.+?)"',
    ),
    "covariance matrix without second derivatives": Case(
        trigger=lambda: pylme.glmer("count ~ x + (1 | g)", DATA, family="poisson", n_agq=0).vcov_of(
            "hessian"
        ),
        kind="NotAvailableError",
        said="the fit has none",
        # lme4 has no second derivatives of this singular fit since 1.1-38.
        remedy=lambda: _counts().vcov_of("rx" if has("sparse_derivatives") else "hessian"),
        needs_r=True,
    ),
}
