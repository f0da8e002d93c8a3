"""Separation: against a search without linear programming, and on data that have none."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.families import family
from pylme.identifiability.separation.directions import UndeterminedError, separated
from pylme.identifiability.separation.report import separation, signs_of

LOGIT = family("binomial")


def _by_hand(X, signs):
    """Whether one of all integer directions up to 3 separates: an oracle for tables of counts."""
    for direction in product(range(-3, 4), repeat=X.shape[1]):
        reached = X @ np.array(direction)
        allowed = np.where(signs == 0, reached == 0, signs * reached >= 0)
        if allowed.all() and reached.any():
            return True
    return False


@pytest.mark.parametrize("seed", range(60))
def test_agrees_with_a_search_over_integer_directions(seed):
    """Of dummy columns the extreme directions are integers."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 16))
    X = np.zeros((n, 3))
    while np.linalg.matrix_rank(X) < 3:
        X = np.column_stack([np.ones(n), rng.integers(0, 2, (n, 2))]).astype(float)
    signs = rng.choice([-1.0, 1.0], n) if seed % 2 else rng.choice([-1.0, 0.0], n)
    found = separated(X, signs)
    assert (found is not None) == _by_hand(X, signs)
    if found is not None:
        reached = X @ found.directions.T
        assert (signs[:, None] * reached >= -1e-7).all()
        np.testing.assert_allclose(reached[signs == 0], 0, atol=1e-7)
        np.testing.assert_array_equal(found.rows, (np.abs(reached) > 1e-7).any(axis=1))


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_a_threshold_is_found_and_named_whatever_the_origin(shift):
    x = np.linspace(0, 1, 50)
    y = (x > 0.5).astype(float)
    X = np.column_stack([np.ones(50), x + shift])
    found = separation(LOGIT, y, X, ["(Intercept)", "x"])
    assert found is not None
    assert found.complete
    assert "every row with x from" in str(found)
    y[10] = 1.0
    assert separation(LOGIT, y, X, ["(Intercept)", "x"]) is None


def test_quasi_complete_separation_touches_in_one_value():
    x = np.array([0.0, 1.0, 1.0, 2.0] * 5)
    y = np.array([0.0, 0.0, 1.0, 1.0] * 5)
    found = separation(LOGIT, y, np.column_stack([np.ones(20), x]), ["(Intercept)", "x"])
    assert found is not None
    assert not found.complete
    assert found.n_rows == 10


def test_a_cell_of_an_interaction_is_found():
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 2, (2, 400)).astype(float)
    y = np.where(a * b == 1, 1.0, rng.integers(0, 2, 400))
    names = ["(Intercept)", "a", "b", "a:b"]
    found = separation(LOGIT, y, np.column_stack([np.ones(400), a, b, a * b]), names)
    assert found is not None
    assert found.names == ("a:b",)
    assert separation(LOGIT, y, np.column_stack([np.ones(400), a, b]), names[:3]) is None


def test_zeros_of_counts_are_separated_by_a_log_link_alone():
    level = np.repeat([0.0, 1.0], 20)
    y = np.where(level == 1, 0.0, np.tile([0.0, 1.0, 2.0, 3.0], 10))
    X = np.column_stack([np.ones(40), level])
    found = separation(family("poisson"), y, X, ["(Intercept)", "level"])
    assert found is not None
    assert found.names == ("level",)
    assert "always 0" in str(found)
    assert separation(family("poisson", "sqrt"), y, X, ["(Intercept)", "level"]) is None
    assert signs_of(family("Gamma"), y + 1) is None


def test_successes_and_failures_in_one_row_hold_it():
    counts = np.array([[3.0, 0.0], [2.0, 1.0], [0.0, 4.0], [1.0, 2.0]])
    X = np.column_stack([np.ones(4), [0.0, 0.0, 1.0, 1.0]])
    assert separation(LOGIT, counts, X, ["(Intercept)", "x"]) is None
    counts[3] = 0, 3
    found = separation(LOGIT, counts, X, ["(Intercept)", "x"])
    assert found is not None
    assert found.names == ("x",)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_units_of_a_column_do_not_matter(scale):
    rng = np.random.default_rng(3)
    x = rng.normal(size=60)
    X = np.column_stack([np.ones(60), scale * x])
    y = (x > 0).astype(float)
    assert separation(LOGIT, y, X, ["(Intercept)", "x"]) is not None
    y[[np.argmin(x), np.argmax(x)]] = 1.0, 0.0
    assert separation(LOGIT, y, X, ["(Intercept)", "x"]) is None


def test_a_rare_level_among_many_rows_is_not_overlooked():
    """The programme starts with a sample of the rows, in which no row of the level is."""
    rng = np.random.default_rng(4)
    n = 20_000
    rare = np.zeros(n)
    rare[:3] = 1.0
    X = np.column_stack([np.ones(n), rng.normal(size=n), rare])
    y = rng.integers(0, 2, n).astype(float)
    y[:3] = 0.0
    found = separation(LOGIT, y, X, ["(Intercept)", "x", "rare"])
    assert found is not None
    assert found.names == ("rare",)
    y[0] = 1.0
    assert separation(LOGIT, y, X, ["(Intercept)", "x", "rare"]) is None


def test_too_many_columns_are_left_to_single_columns():
    rng = np.random.default_rng(5)
    X = np.column_stack([np.ones(3000), rng.integers(0, 2, (3000, 400))]).astype(float)
    y = rng.integers(0, 2, 3000).astype(float)
    with pytest.raises(UndeterminedError):
        separated(X, np.where(y == 1, 1.0, -1.0))
    assert separation(LOGIT, y, X, [f"x{i}" for i in range(401)]) is None
    y[X[:, 7] == 1] = 1.0
    found = separation(LOGIT, y, X, [f"x{i}" for i in range(401)])
    assert found is not None
    assert found.names == ("x7",)


@pytest.mark.parametrize("name", ["binomial", "poisson"])
def test_ordinary_data_raise_no_alarm(name):
    """100 draws of each family."""
    rng = np.random.default_rng(6)
    for _ in range(100):
        g = np.repeat(np.arange(15), 12)
        level = rng.integers(0, 3, 180)
        X = np.column_stack([np.ones(180), rng.normal(size=180), level == 1, level == 2])
        eta = X @ rng.normal(scale=0.6, size=4) + rng.normal(scale=0.6, size=15)[g]
        mean = 1 / (1 + np.exp(-eta))
        y = rng.binomial(1, mean) if name == "binomial" else rng.poisson(np.exp(eta))
        assert separation(family(name), y.astype(float), X.astype(float), list("abcd")) is None


def test_the_cattle_raise_no_alarm():
    cbpp = pylme.datasets.load("cbpp")
    X = np.column_stack([np.ones(len(cbpp)), pd.get_dummies(cbpp["period"]).to_numpy()[:, 1:]])
    counts = np.column_stack([cbpp["incidence"], cbpp["size"] - cbpp["incidence"]])
    assert separation(LOGIT, counts.astype(float), X.astype(float), list("abcd")) is None
