"""getme("devfun") of a NumPy fit, far from the optimum."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import OptionError
from tests.reference import extended

N = 60
RNG = np.random.default_rng(2)
CODES = [np.r_[np.arange(k), RNG.integers(0, k, N - k)] for k in (6, 5, 4)]
X = RNG.normal(size=N)
Y = 1 + X + RNG.normal(size=6)[CODES[0]] + RNG.normal(size=5)[CODES[1]] + RNG.normal(size=N)
DATA = pd.DataFrame(
    {"y": Y, "x": X} | {c: v.astype(str) for c, v in zip("ghk", CODES, strict=True)}
)
CROSSED = "y ~ x + (1 | g) + (1 | h) + (1 | k)"


@pytest.fixture(scope="module")
def devfun():
    return pylme.lmer(CROSSED, DATA, engine="numpy").getme("devfun")


@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
@pytest.mark.parametrize("size", [0.0, 1.0, 1e2, 1e3, 1e4])
def test_it_is_the_criterion(devfun, size):
    theta = size * np.array([0.9, 1.0, 0.4])
    one = np.ones((N, 1))
    truth = extended.exact(
        np.column_stack([np.ones(N), X]),
        Y,
        [(codes, one) for codes in CODES],
        [np.array([[t]]) for t in theta],
    )
    assert devfun(theta) == pytest.approx(truth.criterion, rel=1e-9)


@pytest.mark.parametrize("size", [1e8, 1e12, 1e200])
def test_where_double_precision_ends_it_says_so(devfun, size):
    with pytest.raises(OptionError, match="double precision cannot hold the criterion"):
        devfun([size] * 3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_must_be_finite(devfun, value):
    with pytest.raises(OptionError, match="finite numbers"):
        devfun([1.0, value, 1.0])


def test_of_a_single_factor():
    alone = pylme.lmer("y ~ x + (1 | g)", DATA, engine="numpy").getme("devfun")
    X1 = np.column_stack([np.ones(N), X])
    terms = [(CODES[0], np.ones((N, 1)))]
    truth = extended.exact(X1, Y, terms, [np.array([[1e12]])])
    assert alone([1e12]) == pytest.approx(truth.criterion, rel=1e-9)
    with pytest.raises(OptionError, match="double precision cannot hold the criterion"):
        alone([1e200])
