"""Likelihood ratio tests of variances by their mixtures of χ²: near their size, never above it."""

from __future__ import annotations

import numpy as np
import pandas as pd

import pylme
from pylme.inference.likelihood_ratio_tests.bootstrap import null_statistics
from pylme.inference.likelihood_ratio_tests.boundary_weights import boundary_mixture
from pylme.inference.likelihood_ratio_tests.nesting import larger_by

from .measured import Measured

__all__ = ["PAIRS", "ratio_tests"]

PAIRS = (
    ("y ~ x + (x || g) + (1 | h)", "y ~ x + (1 | g)"),
    ("y ~ x + (1 | h) + (x | g)", "y ~ x + (1 | h)"),
    ("y ~ x + (x | g) + (1 | h)", "y ~ x + (0 + x | g)"),
    ("y ~ x + (1 | h) + (x + I(x^2) | g)", "y ~ x + (1 | h)"),
)


def ratio_tests(larger: str, smaller: str, sets: int) -> list[Measured]:
    """The size at 5 % of the test of a model within another, 40 groups of 10 rows."""
    rng = np.random.default_rng(3)
    g, x = np.repeat(np.arange(40), 10), np.tile(np.arange(10.0), 40)
    y = rng.normal(size=40)[g] + 0.3 * x + rng.normal(size=len(g))
    data = pd.DataFrame({"y": y, "x": x, "g": g, "h": np.arange(len(g)) % 7})
    one, other = (
        pylme.lmer(formula, data, engine="numpy")._model.linear_problem()
        for formula in (larger, smaller)
    )
    mixture = boundary_mixture(one, other, larger_by(one.X, one.terms, other.X, other.terms))
    p = mixture.p_values(null_statistics(one, other, sets, seed=1))
    terms = (formula.removeprefix("y ~ x + ") for formula in (larger, smaller))
    return [
        Measured(
            design="{} within {}".format(*reversed(list(terms))), what="χ̄² test at 0.05",
            share=float((p < 0.05).mean()), sets=sets, low=0.025, high=0.05,
            expected="at most nominal",
        )
    ]  # fmt: skip
