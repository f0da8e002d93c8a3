"""Messages about covariance structures."""

from __future__ import annotations

from functools import cache

import numpy as np

import pylme
from pylme.formula import parse_formula

from .case import DATA, Case

__all__ = ["CASES"]

MODEL = "y ~ x + diag(1 + x | g)"


@cache
def _fit() -> pylme.Fit:
    return pylme.lmer(MODEL, DATA, engine="numpy")


CASES = {
    "Kenward and Roger's method": Case(
        trigger=lambda: _fit().coef_test(ddf="kenward-roger"),
        kind="NotAvailableError",
        said="not a linear function",
        remedy=lambda ddf: _fit().coef_test(ddf=ddf),
        parsed='ddf="(.+?)"',
    ),
    "many responses": Case(
        trigger=lambda: pylme.reference.many.fit_many(_fit().design, np.ones((2, len(DATA)))),
        kind="NotAvailableError",
        said="terms without a covariance structure",
        remedy=lambda engine: pylme.lmer(MODEL, DATA, engine=engine),
        parsed='engine="(.+?)"',
    ),
    "unknown argument": Case(
        trigger=lambda: parse_formula("y ~ x + cs(x | g, 3)"),
        kind="FormulaSyntaxError",
        said="hom = TRUE or hom = FALSE was expected",
        remedy=lambda term: parse_formula(f"y ~ x + {term}"),
        parsed=r"all effects (diag\(.+\))",
    ),
}
