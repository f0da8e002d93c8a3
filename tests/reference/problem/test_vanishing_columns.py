"""Columns that are zero in all rows of a level, seen through others: against 80 digits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from tests.reference.extended import exact


@pytest.fixture(scope="module")
def data():
    """Two groups f; some levels of g have rows of one of them alone. Weights differ by 1e7."""
    rng = np.random.default_rng(5)
    n = 60
    g = rng.integers(0, 7, n)
    f = np.where(g < 2, 0, np.where(g == 2, 1, rng.integers(0, 2, n)))
    h = rng.integers(0, 3, n)
    x = rng.standard_normal(n)
    y = x + f + rng.standard_normal(7)[g] * (1 + f) + rng.standard_normal(n)
    return pd.DataFrame(
        {
            "y": y,
            "x": x,
            "f": np.array(["a", "b"])[f],
            "g": [f"g{i}" for i in g],
            "h": [f"h{i}" for i in h],
            "w": 10 ** rng.uniform(-3.5, 3.5, n),
        }
    )


THETAS = [[1.0, 0.5, 1.0, 1.0], [0.1, 0.05, 0.1, 0.1], [6.0, 0.1, 0.1, 30.0], [0.06, 0.0, 0.0, 0.3]]


@pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning")
@pytest.mark.parametrize("theta", THETAS)
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("crossed", [True, False])
def test_criterion_of_group_indicators(data, theta, weights, crossed):
    formula = "y ~ x * f + (0 + f | g)" + (" + (1 | h)" if crossed else "")
    fit = pylme.lmer(formula, data, weights=weights, engine="numpy")
    b = (data.f == "b").to_numpy(float)
    X = np.column_stack([np.ones(len(data)), data.x, b, data.x * b])
    terms = [(pd.Categorical(data.g).codes, np.column_stack([1 - b, b]))]
    T = [np.array([[theta[0], 0.0], [theta[1], theta[2]]])]
    if crossed:
        terms.append((pd.Categorical(data.h).codes, np.ones((len(data), 1))))
        T.append(np.array([[theta[3]]]))
    known = exact(X, data.y, terms, T, weights=None if weights is None else data.w)
    found = fit.getme("devfun")(theta if crossed else theta[:3])
    assert found == pytest.approx(known.criterion, rel=1e-11)
