"""What sums lose of the residuals' digits is within the bound that the certificate knows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import pylme
from pylme.model_matrix.lazy.design import lost_digits
from pylme.reference.solution import solution_at
from tests.reference.extended import exact
from tests.reference.models import prepared

FORMULA = "y ~ x + (1 | g)"


def data(signal, n=240, groups=12):
    """Groups that differ by `signal` times the noise, a million times the noise from zero."""
    rng = np.random.default_rng(3)
    g, x = rng.integers(groups, size=n), rng.normal(size=n)
    y = 1e6 + signal * (x + rng.normal(size=groups)[g]) + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "g": [f"g{i:02d}" for i in g]})


@pytest.mark.filterwarnings("ignore::pylme.errors.PylmeWarning")
@pytest.mark.parametrize("signal", [1.0, 30.0, 500.0, 3e3, 1e5])
def test_the_error_of_the_criterion_is_within_its_bound(signal):
    frame = data(signal)
    fit = pylme.lmer(FORMULA, pl.from_pandas(frame).lazy(), engine="numpy")
    _, design, problem = prepared(FORMULA, frame)
    terms = [(term.codes, term.columns) for term in design.terms]
    expected = exact(design.X, design.y, terms, [fit.theta[:, None]])
    bound = fit._model.solution.rounding
    assert abs(fit.criterion - float(expected.criterion)) <= bound
    # It leaves the verdict sharp, and is not less than what rows in memory would need.
    assert bound < 1e-5
    assert bound >= solution_at(problem, fit.theta).rounding


def test_a_sum_loses_less_than_estimated():
    x = np.random.default_rng(1).uniform(size=1_000_000) ** 2
    one_by_one = float(np.cumsum(x)[-1])
    exactly = float(np.sum(x, dtype=np.longdouble))
    assert 0 < abs(one_by_one / exactly - 1) < lost_digits(len(x), 1)
